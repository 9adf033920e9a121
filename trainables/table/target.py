"""What is to be predicted: the target column of a table, as classes or as numbers."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
import pandas as pd
from numpy.typing import NDArray

from ...search.brief import brief
from ...search.errors import DataError
from ...search.nearest import did_you_mean, nearest
from ...search.ready.rows import Rows

Kind = Literal["classification", "regression"]
FEW = 20  # different whole numbers, at most, that count as classes
NAMED = 12  # columns that a message lists
TARGET = "target"  # the column, where none is named: scikit-learn's sets call theirs so


@dataclass(frozen=True, slots=True, kw_only=True)
class Target:
    """`values` (N,): codes of `classes` (int64); or numbers (float64), without classes."""

    kind: Kind
    values: NDArray[Any]
    classes: tuple[str, ...] = ()


def target(frame: pd.DataFrame, settings: Rows) -> Target:
    """The target column of a table. Rows are counted from 1, below the header.

    Errors: DataError, where the column is not there, or nothing can be learned from it.
    """
    name = named(frame, settings)
    column = frame[name]
    missing = column.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"target {name!r} has no value in {_rows(missing)}; "
            "leave these rows out, or fill the values in"
        )
    if column.nunique() == 1:
        value = quoted(column, 0)
        raise DataError(f"target {name!r} is {value} in every row; there is nothing to predict")
    if _classes(column, settings):
        return _classification(column, name)
    return _regression(column, name)


def named(frame: pd.DataFrame, settings: Rows) -> str:
    """The target's name. Errors: DataError."""
    if settings.target is None and TARGET in frame:
        return TARGET
    if settings.target is None:
        raise DataError(f"no target is named; write target: with one of {_listed(frame)}")
    return there(frame, settings.target, "target")


def there(frame: pd.DataFrame, name: str, what: str) -> str:
    """The name of a column that is there. `what`: the key that named it. Errors: DataError."""
    if name in frame:
        return name
    columns = [str(column) for column in frame.columns]
    near = nearest(name, columns)
    hint = f'. Did you mean "{near}"?' if near and len(columns) > NAMED else ""
    listed = _listed(frame) + hint if len(columns) > NAMED else did_you_mean(name, columns)
    raise DataError(f"{what} {name!r} is not one of the columns {listed}")


def quoted(column: pd.Series, row: int) -> str:
    """A value as a message quotes it; numpy's numbers as Python's."""
    return brief(column.iloc[[row]].tolist()[0])


def _listed(frame: pd.DataFrame) -> str:
    names = [str(column) for column in frame.columns]
    more = f", ... ({len(names)} columns)" if len(names) > NAMED else ""
    return ", ".join(names[:NAMED]) + more


def _classes(column: pd.Series, settings: Rows) -> bool:
    if settings.task != "auto":
        return settings.task == "classification"
    if pd.api.types.is_bool_dtype(column) or not pd.api.types.is_numeric_dtype(column):
        return True
    values = column.to_numpy(dtype=float)
    return bool((values == np.round(values)).all()) and column.nunique() <= FEW


def _classification(column: pd.Series, name: str) -> Target:
    values, labels = pd.factorize(column, sort=True)
    counts = np.bincount(values)
    classes = tuple(str(label) for label in labels)
    alone = [label for label, count in zip(classes, counts, strict=True) if count == 1]
    if len(alone) > len(classes) / 2:
        numbers = " For numbers write task: regression." if _numeric(column) else ""
        raise DataError(
            f"target {name!r} has {len(classes)} values in {len(column)} rows, most of them once: "
            f"these are no classes.{numbers}"
        )
    if alone:
        numbers = ", or, for numbers, write task: regression" if _numeric(column) else ""
        raise DataError(
            f"target {name!r} has one row only of class {' and '.join(map(brief, alone[:3]))}; "
            f"a class needs one to learn from and one to judge by: leave it out{numbers}"
        )
    return Target(kind="classification", values=values.astype(np.int64), classes=classes)


def _regression(column: pd.Series, name: str) -> Target:
    numbers = pd.to_numeric(column, errors="coerce").to_numpy(dtype=float)
    wrong = ~np.isfinite(numbers)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"target {name!r} is {quoted(column, row)} in row {row + 1}, which is no number "
            "to predict; put it right, or write task: classification"
        )
    return Target(kind="regression", values=numbers)


def _numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _rows(wrong: NDArray[np.bool_]) -> str:
    first, count = int(wrong.argmax()) + 1, int(wrong.sum())
    return f"row {first}" if count == 1 else f"{count} rows, the first of them row {first}"
