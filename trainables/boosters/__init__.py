"""Libraries of gradient boosted trees, one a file, behind one small Protocol."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from importlib.util import find_spec
from typing import Any, Protocol, Self

import numpy as np
from numpy.typing import NDArray

from ...search.errors import DataError

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trees:
    """How trees are grown: the boosting part of a configuration, by one name in all libraries."""

    lr: float = 0.1
    leaves: int = 31
    depth: int | None = None  # as deep as `leaves` allows
    min_rows: int = 5  # in a leaf, at least
    min_weight: float = 1e-3  # of a leaf: the sum of second derivatives, at least
    l1: float = 0.0
    l2: float = 1.0
    rows: float = 1.0  # share of them that a tree learns from
    columns: float = 1.0  # likewise

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """Those of a configuration."""
        names = {field.name for field in fields(cls)}
        return cls(**{k: v for k, v in config.items() if k in names and v is not None})


@dataclass(frozen=True, slots=True, kw_only=True)
class Task:
    """What is learned: columns (N, C) of each part (train, val, test), NaN where missing, and
    targets (N,): codes of `classes` classes, or numbers where there are none. `start`: (K,), what
    to score before the first tree: one number, or one a class where there are three or more.
    """

    x: Mapping[str, Floats]
    y: Mapping[str, NDArray[Any]]
    classes: int
    start: Floats

    def begun(self) -> dict[str, Floats]:
        """The scores of each part before the first tree, (N,) or (N, K)."""
        return {
            name: np.full(len(x), self.start[0])
            if len(self.start) == 1
            else np.tile(self.start, (len(x), 1))
            for name, x in self.x.items()
        }


class Booster(Protocol):
    """Trees that grow. After the same epochs, from wherever, it is the same to the last bit."""

    @property
    def scores(self) -> Mapping[str, Floats]:
        """Of each part: numbers (N,); log-odds (N,) of the second of two classes; or one a class
        (N, K), before the softmax."""
        ...

    def grow(self, rounds: int, seed: int) -> None:
        """Add trees. `seed`: of this growth alone."""
        ...

    def state_dict(self) -> dict[str, Any]: ...

    def load_state_dict(self, state: dict[str, Any], /) -> None: ...


def booster(library: str, trees: Trees, task: Task, *, cpus: int, seed: int) -> Booster:
    """A library's, with no tree yet. Errors: DataError where it is not installed."""
    there(library)
    if library == "xgboost":
        from .xgboost import XGBoost

        return XGBoost(trees, task, cpus)
    if library == "lightgbm":
        from .lightgbm import LightGBM

        return LightGBM(trees, task, cpus)
    from .histogram import Histogram

    return Histogram(trees, task, seed)


def there(library: str) -> None:
    """Errors: DataError where a library is not installed."""
    if library != "sklearn" and find_spec(library) is None:
        raise DataError(
            f"library: {library} is not installed; pip install {library}, "
            "or write library: sklearn"
        )
