"""Which rows are trained on, judged by, and kept from every decision.

Seeded, so the same for every trial; classes are spread evenly over the parts; rows of one group
stay together.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...search.errors import DataError
from ...search.ready.rows import Held, Rows
from .target import Kind, plain, there

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Split:
    """Row numbers, from 0 and in order. `test` may be empty, the others are not."""

    train: Numbers
    val: Numbers
    test: Numbers


@dataclass(frozen=True, slots=True, kw_only=True)
class Folds:
    """Pairs of row numbers (train, val), one a fold. `test`: in none of them."""

    parts: tuple[tuple[Numbers, Numbers], ...]
    test: Numbers


def split(
    values: NDArray[Any], kind: Kind, settings: Held, groups: NDArray[Any] | None = None
) -> Split:
    """Rows to train on, to judge by and to test with. `values`, `groups`: (N,), one a row.

    Errors: DataError, where a part would hold no rows, or training none of a class.
    """
    if groups is not None and len(np.unique(groups)) < 2 + (settings.test > 0):
        raise DataError(f"group has {len(np.unique(groups))} values; each part needs one at least")
    generator = np.random.default_rng(settings.seed)
    strata = _strata(values, kind)
    everything = np.arange(len(values))
    wanted = {"test": round(settings.test * len(values)), "val": round(settings.val * len(values))}
    found, rest = {}, everything
    for name, count in wanted.items():
        within = None if groups is None else groups[rest]
        chosen = _drawn(strata[rest], count, generator, within)
        found[name], rest = rest[chosen], rest[~chosen]
    for name, share in (("val", settings.val), ("test", settings.test)):
        if share and not len(found[name]):
            raise DataError(
                f"{name}: {share:g} of {len(values)} rows is none; give it more, or more rows"
            )
    if not len(rest):
        raise DataError(f"no row of {len(values)} is left to train on; make val or test smaller")
    _all_learned(strata, rest)
    return Split(train=rest, val=found["val"], test=found["test"])


def folds(
    values: NDArray[Any], kind: Kind, settings: Held, groups: NDArray[Any] | None = None
) -> Folds:
    """`settings.cv` folds of the rows that are not for testing: each row is judged by once.

    Errors: DataError: more folds than rows, than rows of a class, or than groups.
    """
    from sklearn import model_selection as ways

    assert settings.cv is not None
    cv = settings.cv
    generator = np.random.default_rng(settings.seed)
    strata = _strata(values, kind)
    chosen = _drawn(strata, round(settings.test * len(values)), generator, groups)
    rest, test = np.flatnonzero(~chosen), np.flatnonzero(chosen)
    _enough(strata[rest], cv, None if groups is None else groups[rest])
    classes = kind == "classification"
    if groups is None:
        way = ways.StratifiedKFold if classes else ways.KFold
    else:
        way = ways.StratifiedGroupKFold if classes else ways.GroupKFold
    parts = way(cv, shuffle=True, random_state=settings.seed).split(
        rest, strata[rest], None if groups is None else groups[rest]
    )
    found = tuple((rest[train], rest[val]) for train, val in parts)
    for train, val in found:
        if not len(train) or not len(val):
            raise DataError(f"cv: {cv} leaves a fold without rows; the groups differ too much")
        _all_learned(strata, train)
    return Folds(parts=found, test=test)


def groups(frame: pd.DataFrame, settings: Rows) -> NDArray[Any] | None:
    """The number of each row's group (N,); None where no column is named. Errors: DataError."""
    if settings.group is None:
        return None
    column = frame[there(frame, settings.group, "group")]
    plain(column, f"group {settings.group!r}")
    if column.isna().any():
        row = int(column.isna().to_numpy().argmax()) + 1
        raise DataError(f"group {settings.group!r} has no value in row {row}")
    return np.asarray(pd.factorize(column)[0])


def _strata(values: NDArray[Any], kind: Kind) -> Numbers:
    """Classes; all the same for numbers."""
    return values if kind == "classification" else np.zeros(len(values), dtype=np.int64)


def _drawn(
    strata: Numbers,
    count: int,
    generator: np.random.Generator,
    groups: NDArray[Any] | None,
) -> NDArray[np.bool_]:
    """Of each row whether it is one of `count`; with groups, of about so many."""
    chosen = np.zeros(len(strata), dtype=bool)
    if groups is None:
        rows = generator.permutation(len(strata))
        names, sizes = np.unique(strata, return_counts=True)
        for name, share in zip(names, _shares(sizes, count), strict=True):
            chosen[rows[strata[rows] == name][:share]] = True
        return chosen
    names, sizes = np.unique(groups, return_counts=True)
    for place in generator.permutation(len(names)):
        # Whole groups, as long as that comes nearer to what is wanted; one at least.
        taken = int(chosen.sum())
        if abs(taken + sizes[place] - count) < abs(taken - count):
            chosen[groups == names[place]] = True
    if count and not chosen.any():  # each is more than twice as large as wanted
        chosen[groups == names[sizes.argmin()]] = True
    return chosen


def _shares(sizes: Numbers, count: int) -> list[int]:
    """`count` shared among classes by size (largest remainders); each keeps one at least."""
    exact = sizes * count / max(sizes.sum(), 1)
    shares = np.minimum(np.floor(exact).astype(int), sizes - 1)
    for place in np.argsort(shares - exact, kind="stable"):
        if shares.sum() < count and shares[place] < sizes[place] - 1:
            shares[place] += 1
    return [int(share) for share in shares]


def _enough(strata: Numbers, cv: int, groups: NDArray[Any] | None) -> None:
    if groups is not None and len(np.unique(groups)) < cv:
        few = len(np.unique(groups))
        raise DataError(f"cv: {cv} folds are more than the {few} groups; ask for {few} at most")
    rarest = int(np.unique(strata, return_counts=True)[1].min())
    if rarest < cv:
        what = "rows of the rarest class" if len(np.unique(strata)) > 1 else "rows"
        raise DataError(
            f"cv: {cv} folds are more than the {rarest} {what} that are not for testing; "
            f"ask for {max(rarest, 2)} at most, or leave the class out"
        )


def _all_learned(strata: Numbers, train: Numbers) -> None:
    lost = np.setdiff1d(strata, strata[train])
    if len(lost):
        raise DataError(
            f"{len(lost)} of {len(np.unique(strata))} classes would be in no row that is trained "
            "on, since their groups are kept together; leave them out, or split without group"
        )
