"""What the soak trains: perceptrons on the digits; and the faults that come from within.

A fault waits as a file beside this one, for the next trial that has not met its like yet.
"""

from __future__ import annotations

import os
import time
from dataclasses import replace
from pathlib import Path
from typing import Any

import torch

import nightsweep
from nightsweep.trainables import digits

PASSES = 2  # over the data, in an epoch
SLOW = 0.3  # seconds more for an epoch, where the sweep would be done too soon
HERE = Path(__file__).parent


def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
    """Train one configuration; deterministic on a CPU, to the last digit."""
    knobs, data = {**digits.DEFAULTS, **config}, digits.load()
    model = digits.perceptron(knobs)
    optimizer = digits.make_optimizer(model, knobs)
    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs():
        # In parts, so that a trial which runs out of memory is tried again; the sum is the same.
        images = torch.cat([x for _, x in trial.parts(data.train_x)])
        if (HERE / "slow").exists():
            time.sleep(SLOW)
        _suffer(trial)
        for _ in range(PASSES):
            loss, _ = digits.train_one_epoch(
                model, optimizer, replace(data, train_x=images), knobs
            )
        val_loss, val_accuracy = digits.evaluate(model, data.val_x, data.val_y)
        trial.report(train_loss=loss, val_loss=val_loss, val_accuracy=val_accuracy)


def _suffer(trial: nightsweep.Trial) -> None:
    if _meets(trial, "exit"):
        os._exit(1)
    if _meets(trial, "memory"):
        raise MemoryError("as much as the soak has asked for")
    if _meets(trial, "hang"):
        while True:
            time.sleep(1)


def _meets(trial: nightsweep.Trial, fault: str) -> bool:
    waiting, met = HERE / fault, HERE / f"{fault}-{trial.id}"
    if not waiting.exists() or met.exists():
        return False
    met.touch()
    waiting.unlink()
    return True
