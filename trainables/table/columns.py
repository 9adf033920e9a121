"""The columns of a table, ready to be learned from: numbers and categories.

What is learned of a column (its mean, its categories) is learned from the training rows alone, so
nothing leaks from those that judge.

- Numbers are standardised, or their range is brought to -1 to 1. Far ones are drawn in smoothly,
  x / sqrt(1 + (x / 3)²) (Holzmüller et al. 2024, "Better by default: strong pre-tuned MLPs and
  boosted trees on tabular data").
- A missing number is the mean, and a column more says where.
- Times, and text that is a date (2026-11-22), are numbers: days since 1970.
- A category that training rows have fewer than twice is unknown, as is one that they do not have.
  A missing one is a category of its own.
- Left out: columns with one value, and text of which most rows have their own, such as names.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...search.errors import DataError
from ...search.ready.rows import Rows
from .split import Numbers
from .target import LARGEST, named, plain, quoted, there

MISSING = "\0missing"  # the category; no text in a table is this one
SEEN = 2  # training rows, at least, that a category needs to be known
FAR = 3.0  # where numbers end, however far they are
DATE = r"\s*\d{4}-\d{2}-\d{2}([ T].*)?"
DAY = 86_400.0

Floats = NDArray[np.float32]
Scaling = Literal["standard", "range"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Raw:
    """A table by the kinds of its columns: numbers (N,), NaN where missing; categories (N,)."""

    numbers: Mapping[str, NDArray[np.float64]]
    categories: Mapping[str, NDArray[np.object_]]


@dataclass(frozen=True, slots=True, kw_only=True)
class Number:
    """A column of numbers. `low`, `high`: its range; `flagged`: some are missing in training."""

    mean: float
    spread: float
    low: float
    high: float
    flagged: bool

    def scaled(self, values: NDArray[np.float64], scaling: Scaling) -> NDArray[np.float64]:
        """Around 0, and not far from it; a missing number is the mean."""
        if scaling == "range":
            centre, width = (self.low + self.high) / 2, (self.high - self.low) / 2 or 1.0
        else:
            centre, width = self.mean, self.spread
        near = (np.where(np.isnan(values), self.mean, values) - centre) / width
        return near / np.sqrt(1 + (near / FAR) ** 2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Columns:
    """What was learned of a table's columns. `left_out`: why, of each that is not learned from.

    `categories`: of each column its known ones; their codes count from 1, 0 is unknown.
    """

    numbers: Mapping[str, Number]
    categories: Mapping[str, Sequence[str]]
    left_out: Mapping[str, str]

    @property
    def width(self) -> int:
        """How many numbers a row has, flags included."""
        return len(self.numbers) + sum(column.flagged for column in self.numbers.values())

    @property
    def sizes(self) -> list[int]:
        """Of each column of categories, how many codes it has."""
        return [len(known) + 1 for known in self.categories.values()]

    def encode(self, raw: Raw, scaling: Scaling = "standard") -> tuple[Floats, Numbers]:
        """Of each row the numbers (N, width) and the codes of its categories (N, len(sizes))."""
        scaled: list[NDArray[Any]] = []
        for name, column in self.numbers.items():
            scaled.append(column.scaled(raw.numbers[name], scaling))
            if column.flagged:
                scaled.append(np.isnan(raw.numbers[name]))
        codes = []
        for name, known in self.categories.items():
            code = {word: place for place, word in enumerate(known, start=1)}
            codes.append([code.get(word, 0) for word in raw.categories[name]])
        rows = len(next(iter((raw.numbers or raw.categories).values())))
        return (
            np.stack(scaled, axis=1, dtype=np.float32) if scaled else np.zeros((rows, 0), "f4"),
            np.stack(codes, axis=1, dtype=np.int64) if codes else np.zeros((rows, 0), "i8"),
        )


def raw(frame: pd.DataFrame, settings: Rows) -> Raw:
    """The columns that may be learned from: all but the target, the group and those ignored.

    Errors: DataError, naming column, row (from 1, below the header) and value.
    """
    out = {named(frame, settings), settings.group}
    out |= {there(frame, name, "ignore") for name in settings.ignore}
    numbers, categories = {}, {}
    for name in [column for column in frame.columns if column not in out]:
        values = _numbers(frame[name], name)
        if values is not None:
            numbers[name] = values
        else:
            categories[name] = _words(frame[name], name)
    if not numbers and not categories:
        raise DataError("there is no column to learn from, beside the target")
    return Raw(numbers=numbers, categories=categories)


def learned(raw: Raw, rows: Numbers) -> Columns:
    """What these rows, which are trained on, say of the columns. Errors: DataError."""
    numbers, categories, left_out = {}, {}, {}
    for name, values in raw.numbers.items():
        number = _number(values[rows])
        if number is None:
            left_out[name] = "has one value"
        else:
            numbers[name] = number
    for name, words in raw.categories.items():
        counts = pd.Series(words[rows]).value_counts()
        known = counts[counts >= SEEN]
        if len(counts) == 1:
            left_out[name] = "has one value"
        elif known.sum() < len(rows) / 2:
            left_out[name] = "has a value of its own in most rows"
        else:
            categories[name] = sorted(known.index)
    if not numbers and not categories:
        whys = "; ".join(f"{name!r} {why}" for name, why in list(left_out.items())[:3])
        raise DataError(f"there is no column to learn from: {whys}")
    return Columns(numbers=numbers, categories=categories, left_out=left_out)


def _number(values: NDArray[np.float64]) -> Number | None:
    missing = np.isnan(values)
    if missing.all():
        return None
    low, high = float(np.nanmin(values)), float(np.nanmax(values))
    if low == high and not missing.any():  # else whether it is there may say something
        return None
    return Number(
        mean=float(np.nanmean(values)),
        spread=float(np.nanstd(values)) or high - low or 1.0,  # squares of the tiniest are 0
        low=low,
        high=high,
        flagged=bool(missing.any()),
    )


def _numbers(column: pd.Series, name: str) -> NDArray[np.float64] | None:
    """A column as numbers, where it holds such; None where it holds words. Errors: DataError."""
    if isinstance(column.dtype, pd.CategoricalDtype):
        return None
    if pd.api.types.is_datetime64_any_dtype(column):
        return _days(pd.to_datetime(column, utc=True))
    if pd.api.types.is_timedelta64_dtype(column):
        return np.asarray(column.dt.total_seconds(), dtype=float) / DAY
    if pd.api.types.is_bool_dtype(column) or pd.api.types.is_numeric_dtype(column):
        values = column.to_numpy(dtype=float, na_value=np.nan)
    else:
        read = _read(column, name)
        if read is None:
            return None
        values = read
    endless = np.abs(values) > LARGEST
    if endless.any():
        row = int(endless.argmax())
        raise DataError(f"column {name!r} is {values[row]} in row {row + 1}; {WAY_OUT}")
    return values


WAY_OUT = "write a number, leave it empty where it is missing, or leave the column out by ignore:"


def _read(column: pd.Series, name: str) -> NDArray[np.float64] | None:
    """Numbers and dates that are written as text. Errors: DataError where only most are such."""
    missing = column.isna().to_numpy()
    values = np.array(pd.to_numeric(column, errors="coerce"), dtype=float)
    words = np.isnan(values) & ~missing
    if not words.any():
        return values
    if words.sum() < (~missing).sum() / 2:
        row = int(words.argmax())
        raise DataError(
            f"column {name!r} is {quoted(column, row)} in row {row + 1}, "
            f"where most rows have numbers; {WAY_OUT}"
        )
    dates = column[~missing].astype(str).str.fullmatch(DATE)
    if dates.all():
        times = pd.to_datetime(column, format="ISO8601", utc=True, errors="coerce")
        if not times[~missing].isna().any():
            return _days(times)
    return None


def _days(times: pd.Series) -> NDArray[np.float64]:
    # In microseconds: in nanoseconds the year 9999, which many write for "never", is too far.
    since = times.dt.as_unit("us") - pd.Timestamp(0, tz="UTC").as_unit("us")
    return np.asarray(since.dt.total_seconds(), dtype=float) / DAY


def _words(column: pd.Series, name: str) -> NDArray[np.object_]:
    """A column as categories. Errors: DataError for values that are neither numbers nor words."""
    plain(column, f"column {name!r}", "; leave the column out by ignore:")
    words = column.astype(object).where(column.notna(), MISSING)
    return words.astype(str).str.strip().to_numpy(dtype=object)
