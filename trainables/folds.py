"""Cross-validation: an epoch of a trial is a fold, in which a training runs whole.

The folds are the same for all trials, so a scheduler that stops trials after two of them compares
like with like.
"""

from __future__ import annotations

import contextlib
import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np

from .host import seed_everything
from .job import Answer, Message, Step
from .knobs import Knobs
from .metrics import ReportError
from .trial import Halted, Link, Trial


def cross_validated(
    train: Callable[[int, Trial], object], trial: Trial, *, folds: int, epochs: int
) -> None:
    """Train in each fold, and report what the folds so far have come to.

    Args:
        train: `train(fold, inner)` trains on one fold, counted from 0, from the start to the end:
            it builds its model anew and calls `fit(model, data, config, inner)`, or uses
            `inner.epochs()` and `inner.report(...)` as those of any trial.
        folds: How many there are, and so how many epochs the trial has.
        epochs: Of the training in each fold, where the configuration has no `epochs`.

    Reported after each fold: the mean over the folds so far of everything that trainings report,
    by the same name; for each `val_x` also `val_x_std`, its standard deviation over them (of the
    folds as they are, divided by their number), and `fold_x`, this fold's own. What counts of a
    fold is its last epoch: the best one would be chosen by the rows that judge it, anew in each
    fold, and rewards curves that go up and down. A fold that diverges ends there, and the mean
    with it is no number.
    Errors: KnobError; ReportError where a fold reports nothing.
    """
    done = Scores()
    trial.keep(folds=done)
    length = Knobs.of({"epochs": trial.config.get("epochs")}).epochs or epochs
    for number in trial.epochs(folds):
        fold = Fold(trial, number, length)
        seed_everything(fold.seed)
        with contextlib.suppress(Halted):
            train(number - 1, fold)
        fold.flush()
        done.add(fold.reported)
        trial.report(done.summary())


def seed_of(trial: Trial, fold: int) -> int:
    """The seed of a fold, counted from 1: follows from the trial's and from nothing else."""
    return int(np.random.SeedSequence([trial.seed, fold]).generate_state(1)[0])


@dataclass
class Scores:
    """What each fold has come to: kept with a trial that is paused between two of them."""

    folds: list[dict[str, float]] = field(default_factory=list)

    def add(self, metrics: Mapping[str, float]) -> None:
        """Those of the next fold."""
        self.folds.append(dict(metrics))

    def summary(self) -> dict[str, float]:
        """Means of all; of each val_x its spread as val_x_std, the last fold's own as fold_x."""
        found: dict[str, float] = {}
        for name, own in self.folds[-1].items():
            values = [fold[name] for fold in self.folds if name in fold]
            with np.errstate(all="ignore"):  # of what is no number, nothing is
                mean, spread = float(np.mean(values)), float(np.std(values))
            found[name] = mean
            if name.startswith("val_"):
                found[f"{name}_std"] = spread
                found[f"fold_{name.removeprefix('val_')}"] = own
        return found

    def state_dict(self) -> dict[str, Any]:
        """The folds done."""
        return {"folds": self.folds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on after them."""
        self.folds = [dict(fold) for fold in state["folds"]]


class Fold(Trial):
    """A trial within a trial: reports to nobody else, and keeps nothing, since it runs whole."""

    def __init__(self, outer: Trial, number: int, epochs: int) -> None:
        job = replace(
            outer._job, epoch=0, until=epochs, max_epochs=epochs, metrics=(),
            seed=seed_of(outer, number), pauses=False,
        )  # fmt: skip
        self._last = _Last(outer._link)
        self._judged_by = outer._job.metrics
        self._number = number
        super().__init__(job, self._last)

    @property
    def reported(self) -> dict[str, float]:
        """Of the last epoch. Errors: ReportError if there was none."""
        if self._last.metrics is None:
            raise ReportError(f"reported nothing in fold {self._number}")
        return self._last.metrics

    def keep(self, **things: Any) -> None:
        """Nothing: a fold that is interrupted begins again."""

    def report(self, metrics: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """As of any trial; the fold ends where a metric of the sweep is no number any more."""
        super().report(metrics, **more)
        self.flush()
        values = self.reported
        if not all(math.isfinite(values.get(name, 0.0)) for name in self._judged_by):
            self.halted = True


class _Last:
    """The link of a fold: holds its last report; other news, as of memory, go to the driver."""

    halting = False

    def __init__(self, driver: Link) -> None:
        self.metrics: dict[str, float] | None = None
        self._driver = driver

    def send(self, message: Message) -> None:
        if isinstance(message, Step):
            self.metrics = message.metrics
        else:
            self._driver.send(message)

    def ask(self, step: Step) -> Answer:
        self.send(step)
        return Answer(trial=step.trial, until=None)
