"""`trainable: tabular`: a perceptron on a table, from its file to its metrics."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property, lru_cache, partial
from typing import Any

import torch
from torch import Tensor

from ..search import ready
from .batches import Data
from .folds import cross_validated
from .loop import fit
from .perceptron import Perceptron
from .ready import one
from .table.columns import Columns, Scaling, learned
from .table.lesson import Lesson, lesson
from .table.scale import Metric, Scale
from .table.split import Numbers
from .trial import Trial

DEFAULTS: dict[str, Any] = {
    "layers": 2, "units": 256, "activation": "relu", "dropout": 0.1, "scaling": "standard",
}  # fmt: skip
PARTS = 4  # that a process keeps ready: each is a copy of the table
FOLD_EPOCHS = 30  # that a fold trains, where the configuration does not say


class Tabular:
    """Trains a perceptron on a table. `data`: one path, or `sklearn:digits`.

    A process reads its table once, and keeps it ready for all its trials.
    """

    def __init__(self, settings: ready.Tabular, data: list[str]) -> None:
        self.settings = settings
        self.data = data
        self._part = lru_cache(maxsize=PARTS)(self._made)

    def check(self) -> None:
        """Errors: DataError, where the table cannot be read or learned from."""
        for train, _ in self._lesson.parts:
            learned(self._lesson.raw, train)

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
            len(self._lesson.target.classes) or 1,
            **{name: knobs[name] for name in DEFAULTS if name != "scaling"},
        )
        fit(model, part.data, config, trial, metrics=part.metrics)

    @cached_property
    def _lesson(self) -> Lesson:
        return lesson(one(self.data, "tabular"), self.settings)

    def _made(self, number: int, scaling: Scaling) -> Part:
        whole = self._lesson
        train, val = whole.parts[number]
        columns = learned(whole.raw, train)
        x = tuple(map(torch.from_numpy, columns.encode(whole.raw, scaling)))
        y, metrics = torch.tensor(whole.target.values), {}
        if whole.target.kind == "regression":
            scale = Scale.of(whole.target.values[train])
            y, metrics = scale.standard(y), scale.metrics

        def rows(numbers: Numbers) -> tuple[tuple[Tensor, ...], Tensor]:
            return tuple(column[numbers] for column in x), y[numbers]

        test = rows(whole.test) if len(whole.test) else None
        data = Data(train=rows(train), val=rows(val), test=test)
        return Part(columns=columns, data=data, metrics=metrics)


@dataclass(frozen=True, slots=True, kw_only=True)
class Part:
    """What one training takes, made ready."""

    columns: Columns
    data: Data
    metrics: Mapping[str, Metric]
