"""Run folders as a driver leaves them, made without one; and the command line to read them."""

from __future__ import annotations

import itertools
import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

from nightsweep.cluster.keeper import Keeper
from nightsweep.search.events import FORMAT, Closed, Event, Opened, Started
from nightsweep.search.ledger import Ledger
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Decision, Study
from nightsweep.search.sweep import Sweep

from .disturb import undisturbed, write

EVENING = 1_700_000_000.0  # seconds since 1970; the journal's clock ticks once an event
GRID: dict[str, Any] = {
    "name": "grid",
    "train": "nightsweep.trainables.digits:train",
    "metric": "loss",
    "parameters": {"x": {"values": [1, 2, 3, 4, 5, 6]}, "depth": 2},
    "sampler": "grid",
    "scheduler": {"name": "asha", "audit": 0},
    "trials": 6,
    "max_epochs": 3,
}

Loss = Callable[[int, int], float]


def falling(trial: int, epoch: int) -> float:
    """Trial 2 is the best: 0.2, 0.4, ... away from it, and each epoch halves the rest."""
    return abs(trial - 2) / 5 + 2.0**-epoch


class Evening:
    """A run folder with its study and keeper; `search` does what a driver would."""

    def __init__(self, path: Path, **changes: Any) -> None:
        self.sweep = Sweep(**GRID | changes)
        self.folder = RunFolder.create(path)
        self.header: dict[str, Any] = {
            "format": FORMAT,
            "sweep": self.sweep.model_dump(mode="json"),
            "folder": str(path.parent),
        }
        self.write_header()
        ticks = itertools.count()
        self.keeper = Keeper(self.folder, Ledger(), clock=lambda: EVENING + next(ticks))
        self.study = Study(self.sweep, self.keeper.record)
        self.record(Opened(format=FORMAT, version="0.1.0", host="node-1", pid=1))

    def record(self, event: Event) -> None:
        self.keeper.record(event)

    def write_header(self, **changes: Any) -> None:
        self.header |= changes
        self.folder.resolved.write_text(json.dumps(self.header))

    def search(self, loss: Loss = falling, *, most: int = 1000, **more: float) -> None:
        """Train what the study asks for, at most so often; each time to a checkpoint."""
        for _ in range(most):
            trial = self.study.ask()
            if trial is None:
                return
            attempt = self.study.trials[trial.id].attempts
            self.record(
                Started(trial=trial.id, attempt=attempt, host="node-1", pid=2, device="cpu")
            )
            epoch, decision = trial.epoch, Decision.CONTINUE
            while decision is Decision.CONTINUE:
                epoch += 1
                metrics = {"loss": loss(trial.id, epoch), **more}
                decision = self.study.report(trial.id, epoch, metrics, seconds=0.5)
            saved = self.folder.trial(trial.id) / f"epoch-{epoch}"
            saved.mkdir(parents=True)
            (saved / "state.pt").write_text(f"trial {trial.id}, epoch {epoch}")

    def close(self, *, done: bool = True, reason: str = "all 6 trials are decided") -> None:
        """As a driver does at its end."""
        self.record(Closed(done=done, reason=reason, elapsed=120.0))
        self.keeper.close()


def local(function: Any) -> Any:
    """The function, to be sent to workers by value: they cannot import the tests."""
    function.__qualname__ = f"<locals>.{function.__name__}"
    function.__module__ = "__main__"
    return function


@pytest.fixture
def evening(tmp_path: Path) -> Evening:
    """A run that has just begun."""
    return Evening(tmp_path / "run")


@pytest.fixture
def begin(tmp_path: Path) -> Callable[..., Evening]:
    """Begins a run whose sweep differs: `begin(trials=9)`."""
    return lambda **changes: Evening(tmp_path / "run", **changes)


@pytest.fixture
def finished(evening: Evening) -> Evening:
    """A run whose six trials are decided."""
    evening.search()
    evening.close()
    return evening


@pytest.fixture(scope="session")
def expected(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    """What the small sweep comes to where nobody disturbs it: one row a trial."""
    return undisturbed(write(tmp_path_factory.mktemp("undisturbed")))
