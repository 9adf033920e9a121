"""How hard to try, and runs to damage.

FUZZ is the number of examples of each property (`make fuzz`). Without it they are few, and the
same ones every time.
"""

from __future__ import annotations

import itertools
import json
import math
import os
import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import timedelta
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from nightsweep.search.events import (
    FORMAT,
    Cause,
    Closed,
    Due,
    Event,
    Held,
    Learned,
    Lesson,
    Opened,
    Released,
    Started,
)
from nightsweep.search.journal import Journal
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.samplers.random import draw
from nightsweep.search.space import Float
from nightsweep.search.study import Decision, Study
from nightsweep.search.sweep import Sweep

HANG = timedelta(seconds=20)  # for one example: a machine may be busy
GIVEN = os.environ.get("FUZZ")
BEGAN = 1_700_000_000.0  # seconds since 1970

settings.register_profile(
    "fuzz",
    max_examples=int(GIVEN or 30),
    derandomize=GIVEN is None,
    database=None,
    deadline=HANG,
    print_blob=True,
    suppress_health_check=list(HealthCheck),
)
settings.load_profile("fuzz")

SWEEPS: list[dict[str, Any]] = [
    {
        "train": "nowhere.py:train",
        "metric": "loss",
        "parameters": {
            "lr": {"min": 1e-4, "max": 1.0, "log": True, "default": 0.01},
            "layers": {"min": 1, "max": 4},
            "optimizer": {"values": ["sgd", "adam"]},
            "momentum": {"min": 0.0, "max": 0.9, "when": {"optimizer": "sgd"}},
            "note": "größer",
            "y": {"min": 0.0, "max": 1.0},
        },
        "sampler": "random",
        "max_epochs": 9,
        "trials": 12,
    },
    {
        "metric": [{"name": "f1", "goal": "maximize"}, {"name": "size", "goal": "minimize"}],
        "parameters": {"x": {"values": [1, None, "a", 2.5]}, "y": {"min": 0.0, "max": 1.0}},
        "sampler": "random",
        "scheduler": "hyperband",
        "max_epochs": 9,
        "trials": 12,
    },
    {
        "metric": {"name": "loss", "max": 0.9, "goal": "minimize"},
        "parameters": {"x": {"values": [1, 2, 3, 4]}, "y": {"values": [True, False]}},
        "sampler": "grid",
        "scheduler": {"name": "median", "min_trials": 2},
        "max_epochs": 4,
    },
]


@dataclass(frozen=True, kw_only=True)
class Night:
    """A run: its folder, and what its files held when it was whole."""

    folder: RunFolder
    files: dict[Path, bytes]

    def restored(self) -> Night:
        """With every file put back, and nothing else there."""
        restore(self.folder.path, self.files)
        return self

    @property
    def journal(self) -> bytes:
        return self.files[self.folder.journal]


def contents(folder: Path) -> dict[Path, bytes]:
    """Every file in a folder."""
    return {path: path.read_bytes() for path in folder.rglob("*") if path.is_file()}


def restore(folder: Path, files: dict[Path, bytes]) -> None:
    """Make these files, and no others, what a folder holds."""
    for path in folder.rglob("*"):
        if path.is_file() and path not in files:
            path.unlink()
    for path, content in files.items():
        path.write_bytes(content)


def make(path: Path, seed: int) -> Night:
    """A run in which everything happens that can, by chance."""
    sweep = Sweep(**SWEEPS[seed % len(SWEEPS)])
    folder = RunFolder.create(path)
    header = {
        "format": FORMAT,
        "sweep": sweep.model_dump(mode="json"),
        "folder": ".",
        "source": "gone/sweep.yaml",
        "copy": "sweep.yaml",
        "given": {"trials": 12},
    }
    folder.resolved.write_text(json.dumps(header, indent=2))
    (path / "sweep.yaml").write_text(json.dumps(SWEEPS[seed % len(SWEEPS)]))
    ticks = itertools.count(BEGAN)
    journal = Journal(folder.journal, lambda: next(ticks))

    def record(event: Event) -> None:
        journal.append(event)

    record(Opened(format=FORMAT, version="0.1.0", host="node-1", pid=1))
    train(Study(sweep, record), record, random.Random(seed))
    record(Closed(done=bool(seed % 2), reason="all trials are decided", elapsed=12.5))
    journal.close()
    return Night(folder=folder, files=contents(folder.path))


def train(study: Study, record: Callable[[Event], None], chance: random.Random) -> None:
    """Train what a study asks for; some trials are lost, fail, diverge or end by themselves."""
    names = [metric.name for metric in study.sweep.outcomes]
    study.change(slots=3)
    if study.sweep.sampler.name == "random":
        config = draw(study.sweep.space, 1, 7)
        lesson = Lesson(trial=7, config=config, values={"1": dict.fromkeys(names, 0.3)})
        study.learn(Learned(run="runs/gone", results=[lesson], leaders=[7], missed=1))
    record(Due(at=BEGAN + 3600))
    while (trial := study.ask()) is not None:
        if trial.id == 5 and study.sweep.sampler.name == "random" and study.sweep.slots == 3:
            record(Held(reason="outside its window"))
            record(Released())
            y = Float(min=0.0, max=2.0)
            study.change(slots=4, parameters={**study.sweep.parameters, "y": y})
        attempt = study.trials[trial.id].attempts
        record(Started(trial=trial.id, attempt=attempt, host="node-1", pid=2, device="cpu"))
        epoch, decision = trial.epoch, Decision.CONTINUE
        while decision is Decision.CONTINUE:
            epoch += 1
            fate = chance.random()
            if fate < 0.02 and epoch > trial.epoch + 1:
                study.finish(trial.id)
                break
            if fate < 0.05:
                study.fail(trial.id, "raised ValueError: no data", "Traceback ...\nValueError")
                break
            if fate < 0.10:
                study.interrupt(trial.id, "its worker died", cause=Cause.LOST)
                break
            if fate < 0.12:
                study.stop(trial.id, "stopped by hand")
                break
            worst = math.nan if fate < 0.14 else chance.random()
            metrics = dict.fromkeys(names, worst) | {"extra": chance.gauss(0, 1)}
            saves = chance.random() < 0.9
            decision = study.report(trial.id, epoch, metrics, seconds=0.25, checkpoint=saves)


@pytest.fixture(scope="session")
def nights(tmp_path_factory: pytest.TempPathFactory) -> list[Night]:
    """Runs with a scheduler each."""
    folder = tmp_path_factory.mktemp("nights")
    return [make(folder / f"run-{seed}", seed) for seed in range(6)]
