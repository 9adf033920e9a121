"""`trainable: boosting`: gradient boosted trees on a table; an epoch is so many rounds."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ..search import ready
from .boosters import Floats, Task, Trees, booster, there
from .folds import cross_validated, seed_of
from .ready import one
from .table.columns import learned
from .table.encoder import encoder, readable
from .table.lesson import Lesson, lesson
from .trial import Trial

FOLD_EPOCHS = 20  # that a fold trains, where the configuration does not say


class Boosting:
    """Grows trees, `rounds` an epoch. `data`: one path, or `sklearn:digits`."""

    def __init__(self, settings: ready.Boosting, data: list[str]) -> None:
        self.settings = settings
        self.data = data
        self._part = lru_cache(maxsize=1)(self._made)

    def check(self) -> None:
        """Errors: DataError, where the table or the library cannot be used."""
        there(self.settings.library)
        for train, _ in self._lesson.parts:
            learned(self._lesson.raw, train)

    def __call__(self, config: dict[str, Any], trial: Trial) -> None:
        """Grow one configuration's trees; what is in it: search/ready/boosting.py.

        Reported: train_loss, val_loss, test_loss, and accuracies with classes, where the loss is
        the cross-entropy; without them rmse, mae and r2, where it is the mean squared error of
        the target divided by its standard deviation in training. `rounds`: grown so far.
        """
        for name, why in self._part(0).left_out.items():
            print(f"column {name!r} is not learned from: it {why}")
        folds = self.settings.cv
        if folds is None:
            self._train(config, 0, trial)
        else:
            train = partial(self._train, config)
            cross_validated(train, trial, folds=folds, epochs=FOLD_EPOCHS)

    def _train(self, config: dict[str, Any], number: int, trial: Trial) -> None:
        part, rounds = self._part(number), self.settings.rounds
        trees = booster(
            self.settings.library, Trees.of(config), part.task, cpus=trial.cpus, seed=trial.seed
        )
        trial.keep(trees=trees)
        for epoch in trial.epochs(config.get("epochs")):
            trees.grow(rounds, seed_of(trial, epoch))
            found = {
                f"{name}_{metric}": value
                for name, scores in trees.scores.items()
                for metric, value in part.judged(scores, part.task.y[name]).items()
            }
            trial.report(found, rounds=epoch * rounds)

    @cached_property
    def _lesson(self) -> Lesson:
        return lesson(one(self.data, "boosting"), self.settings)

    def _made(self, number: int) -> Part:
        whole = self._lesson
        train, val = whole.parts[number]
        rows = {"train": train, "val": val} | ({"test": whole.test} if len(whole.test) else {})
        table, values = readable(whole.raw), whole.target.values
        columns = learned(whole.raw, train)
        made = encoder(columns, whole=False).fit(table.iloc[train])
        x = np.asarray(made.transform(table), dtype=np.float64)
        classes, spread = len(whole.target.classes), 1.0
        if classes:
            start = _log_odds(np.bincount(values[train], minlength=classes) / len(train))
        else:
            mean, spread = float(values[train].mean()), float(values[train].std()) or 1.0
            values, start = (values - mean) / spread, np.zeros(1)
        task = Task(
            x={name: x[part] for name, part in rows.items()},
            y={name: values[part] for name, part in rows.items()},
            classes=classes,
            start=start,
        )
        return Part(task=task, spread=spread, left_out=columns.left_out)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one training takes.

    `spread`: by which a target of numbers was divided. `left_out`: columns, and why.
    """

    task: Task
    spread: float
    left_out: Mapping[str, str]

    def judged(self, scores: Floats, y: NDArray[Any]) -> Mapping[str, float]:
        """What scores (N,) or (N, K) are worth beside targets (N,)."""
        return _of_classes(scores, y) if self.task.classes else _of_numbers(scores, y, self.spread)


def _log_odds(shares: Floats) -> Floats:
    """Where scores start: (1,) for two classes, (K,) for more. No share is 0: see split.py."""
    return np.log(shares[1:] / shares[:1]) if len(shares) == 2 else np.log(shares)


def _of_classes(scores: Floats, y: NDArray[Any]) -> dict[str, float]:
    """Cross-entropy and accuracy."""
    if scores.ndim == 1:
        scores = np.stack([np.zeros_like(scores), scores], axis=1)
    losses = np.logaddexp.reduce(scores, axis=1) - scores[np.arange(len(y)), y]
    right = scores.argmax(axis=1) == y
    return {"loss": float(losses.mean()), "accuracy": float(right.mean())}


def _of_numbers(scores: Floats, y: NDArray[Any], spread: float) -> dict[str, float]:
    """The loss is of standardised targets; rmse and mae are as large as the target is."""
    loss = float(np.square(scores - y).mean())
    variance = float(y.var())
    return {
        "loss": loss,
        "rmse": spread * loss**0.5,
        "mae": spread * float(np.abs(scores - y).mean()),
        **({"r2": 1 - loss / variance} if variance else {}),
    }
