"""`trainable: tabular`: a perceptron on a table, from its file to its metrics."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache, cached_property, partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from ..search import ready
from .batches import Data
from .folds import cross_validated
from .loop import fit
from .perceptron import Perceptron
from .ready import one
from .table.columns import Columns, Raw, Scaling, learned, raw
from .table.read import read
from .table.split import Folds, Numbers, folds, groups, split
from .table.target import Target, target
from .trial import Trial

DEFAULTS: dict[str, Any] = {
    "layers": 2, "units": 256, "activation": "relu", "dropout": 0.1, "scaling": "standard",
}  # fmt: skip
FOLD_EPOCHS = 30  # that a fold trains, where the configuration does not say

Metric = Callable[[Tensor, Tensor], Tensor]


class Tabular:
    """Trains a perceptron on a table. `data`: one path, or `sklearn:digits`.

    A process reads its table once, and keeps it ready for all its trials.
    """

    def __init__(self, settings: ready.Tabular, data: list[str]) -> None:
        self.settings = settings
        self.data = data
        self._part = cache(self._made)

    def check(self) -> None:
        """Errors: DataError, where the table cannot be read or learned from."""
        for train, _ in self._table.folds.parts:
            learned(self._table.raw, train)

    def __call__(self, config: dict[str, Any], trial: Trial) -> None:
        """Train one configuration; what is in it: search/ready/tabular.py."""
        if self.settings.cv is None:
            self._train(config, 0, trial)
        else:
            train = partial(self._train, config)
            cross_validated(train, trial, folds=self.settings.cv, epochs=FOLD_EPOCHS)

    def _train(self, config: dict[str, Any], number: int, trial: Trial) -> None:
        knobs = DEFAULTS | {key: value for key, value in config.items() if value is not None}
        part = self._part(number, knobs["scaling"])
        if not number:  # folds are mostly alike
            for name, why in part.columns.left_out.items():
                print(f"column {name!r} is not learned from: it {why}")
        model = Perceptron(
            part.columns.width,
            part.columns.sizes,
            len(self._table.target.classes) or 1,
            **{name: knobs[name] for name in DEFAULTS if name != "scaling"},
        )
        fit(model, part.data, config, trial, metrics=part.metrics)

    @cached_property
    def _table(self) -> Table:
        frame = read(one(self.data, "tabular"))
        found, together = target(frame, self.settings), groups(frame, self.settings)
        if self.settings.cv is None:
            rows = split(found.values, found.kind, self.settings, together)
            several = Folds(parts=((rows.train, rows.val),), test=rows.test)
        else:
            several = folds(found.values, found.kind, self.settings, together)
        return Table(raw=raw(frame, self.settings), target=found, folds=several)

    def _made(self, number: int, scaling: Scaling) -> Part:
        table = self._table
        train, val = table.folds.parts[number]
        columns = learned(table.raw, train)
        x = tuple(map(torch.from_numpy, columns.encode(table.raw, scaling)))
        y, metrics = torch.tensor(table.target.values), {}
        if table.target.kind == "regression":
            scale = Scale.of(table.target.values[train])
            y, metrics = scale.standard(y), scale.metrics

        def rows(numbers: Numbers) -> tuple[tuple[Tensor, ...], Tensor]:
            return tuple(column[numbers] for column in x), y[numbers]

        test = rows(table.folds.test) if len(table.folds.test) else None
        data = Data(train=rows(train), val=rows(val), test=test)
        return Part(columns=columns, data=data, metrics=metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Table:
    """A table that was read, and which of its rows are for what; without `cv` one fold."""

    raw: Raw
    target: Target
    folds: Folds


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one training takes, made ready."""

    columns: Columns
    data: Data
    metrics: Mapping[str, Metric]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Of a target that is a number, in training: the network learns to say it standardised."""

    mean: float
    spread: float

    @classmethod
    def of(cls, values: np.ndarray[Any, Any]) -> Scale:
        """Of the rows that are trained on."""
        return cls(mean=float(values.mean()), spread=float(values.std()) or 1.0)

    def standard(self, values: Tensor) -> Tensor:
        """As the network is to say them."""
        return ((values - self.mean) / self.spread).float()

    @property
    def metrics(self) -> dict[str, Metric]:
        """Of standardised scores and targets (N,): rmse and mae as large as the target is, r2."""
        return {
            "rmse": lambda scores, y: self.spread * (scores - y).square().mean().sqrt(),
            "mae": lambda scores, y: self.spread * (scores - y).abs().mean(),
            "r2": lambda scores, y: (
                1 - (scores - y).square().sum() / (y - y.mean()).square().sum()
            ),
        }
