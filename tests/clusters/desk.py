"""A folder with a sweep, and the commands as a user of Slurm types them there."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import yaml

from nightsweep.search.events import Opened, Reported
from nightsweep.search.journal import read

from .slurm import Slurm

SWEEP: dict[str, Any] = {
    "name": "slow",
    "train": "fit.py:train",
    "metric": "loss",
    "parameters": {"lr": {"min": 0.1, "max": 1.0}},
    "sampler": "random",
    "scheduler": {"name": "asha", "audit": 0},
    "max_epochs": 9,
    "trials": 12,
}
TRAIN = """
import os
import time
import torch

def train(config, trial):
    trial.keep(model=torch.nn.Linear(1, 1))
    with open(os.path.join(os.path.dirname(__file__), "seen"), "a") as file:
        print(os.environ.get("SLURMD_NODENAME"), file=file, flush=True)
    for epoch in trial.epochs():
        time.sleep(SECONDS)
        trial.report(loss=config["lr"] + 1 / epoch)
"""


class Desk:
    """A folder with a sweep, and the commands as its user types them."""

    def __init__(self, place: Path, slurm: Slurm) -> None:
        self.place = place
        self._slurm = slurm

    def write(self, *, seconds: float = 0.5, train: str = TRAIN, **changes: Any) -> None:
        (self.place / "fit.py").write_text(train.replace("SECONDS", str(seconds)))
        (self.place / "sweep.yaml").write_text(yaml.safe_dump(SWEEP | changes))

    def says(self, *words: object, code: int = 0, environ: Mapping[str, str] | None = None) -> str:
        """What `nightsweep WORDS` prints; its errors, where it is to fail."""
        done = subprocess.run(
            [sys.executable, "-m", "nightsweep", *map(str, words)],
            cwd=self.place,
            env={**self._slurm.environ, **(environ or {})},
            capture_output=True,
            text=True,
            timeout=1800,
        )
        assert done.returncode == code, done.stderr
        return done.stderr if code else done.stdout

    def submit(self, run: str, *settings: str, **environ: str) -> str:
        """Submit the sweep into that run folder."""
        asked = [word for setting in settings for word in ("--set", setting)]
        words = ("submit", "sweep.yaml", "--to", "slurm", "--out", run)
        return self.says(*words, *asked, environ=environ)

    def end(self, run: str) -> str:
        """Follow a job to its end: how it stands then."""
        self.says("logs", "-f", run)
        return self.says("status", run)

    def reported(self, run: str) -> int:
        """How many epochs the journal knows."""
        return sum(isinstance(event, Reported) for event in self.events(run))

    def drivers(self, run: str) -> int:
        """How often the sweep was begun or gone on with."""
        return sum(isinstance(event, Opened) for event in self.events(run))

    def events(self, run: str) -> list[Any]:
        journal = self.place / run / "journal.jsonl"
        return [entry.event for entry in read(journal)] if journal.exists() else []

    def seen(self) -> list[list[str]]:
        """What the training function has left at each of its starts: its node first."""
        seen = self.place / "seen"
        return [line.split() for line in seen.read_text().splitlines()] if seen.exists() else []

    def log(self, run: str) -> str:
        return (self.place / run / "job/output.log").read_text()


def until(holds: Callable[[], bool], seconds: float = 120) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come to pass"
        time.sleep(0.2)


def complete(curves: pd.DataFrame) -> bool:
    """Whether each trial has each of its epochs once."""
    found = curves.groupby("trial")["epoch"].apply(list)
    return all(epochs == list(range(1, len(epochs) + 1)) for epochs in found)
