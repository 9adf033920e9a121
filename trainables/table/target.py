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
LARGEST = 1e30  # of a number that is learned from: libraries count in 32 bits, and square
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
    plain(column, f"target {name!r}")
    missing = column.isna().to_numpy()
    if missing.any():
        raise DataError(
            f"target {name!r} has no value in {_rows(missing)} (NA, None and null are none); "
            "leave these rows out, or fill the values in"
        )
    if _times(column) and settings.task != "classification":
        raise DataError(
            f"target {name!r} holds times; make numbers of them to predict, such as days"
        )
    column = _stripped(column)
    if column.nunique() == 1:
        value = quoted(column, 0)
        raise DataError(f"target {name!r} is {value} in every row; there is nothing to predict")
    if _classes(column, name, settings):
        return _classification(column, name)
    return _regression(column, name)


def named(frame: pd.DataFrame, settings: Rows) -> str:
    """The target's name. Errors: DataError."""
    if settings.target is None and TARGET in frame:
        return TARGET
    if settings.target is None:
        raise DataError(
            f"no target is named; write target: or --target with one of {_listed(frame)}"
        )
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


def plain(column: pd.Series, what: str, way_out: str = "") -> None:
    """Errors: DataError for lists and the like, as Parquet files may hold."""
    if pd.api.types.is_object_dtype(column):
        nested = column.map(lambda value: isinstance(value, list | dict | np.ndarray)).to_numpy()
        if nested.any():
            row = int(nested.argmax())
            raise DataError(
                f"{what} is {quoted(column, row)} in row {row + 1}, neither a number nor a "
                f"word{way_out}"
            )


def quoted(column: pd.Series, row: int) -> str:
    """A value as a message quotes it; numpy's numbers as Python's."""
    return brief(column.iloc[[row]].tolist()[0])


def _listed(frame: pd.DataFrame) -> str:
    names = [str(column) for column in frame.columns]
    if len(names) > NAMED:  # the last is the target in many tables
        names = [*names[: NAMED - 2], "...", names[-1] + f" ({len(names)} columns)"]
    return ", ".join(names)


def _stripped(column: pd.Series) -> pd.Series:
    """Words without spaces around them: "yes " is "yes"."""
    if not pd.api.types.is_object_dtype(column) and not pd.api.types.is_string_dtype(column):
        return column
    return column.map(lambda value: value.strip() if isinstance(value, str) else value)


def _classes(column: pd.Series, name: str, settings: Rows) -> bool:
    """Whether these are classes. Errors: DataError for numbers with some words among them."""
    if settings.task != "auto":
        return settings.task == "classification"
    if pd.api.types.is_bool_dtype(column) or isinstance(column.dtype, pd.CategoricalDtype):
        return True
    values = np.array(pd.to_numeric(column, errors="coerce"), dtype=float)
    words = np.isnan(values)
    if words.sum() < len(words) / 2 and len(np.unique(values[~words])) > FEW and words.any():
        row = int(words.argmax())
        raise DataError(
            f"target {name!r} is {quoted(column, row)} in row {row + 1}, where most rows have "
            "numbers; put it right, or write task: classification"
        )
    few = len(np.unique(values)) <= FEW
    return bool(words.any() or ((values == np.round(values)).all() and few))


def _classification(column: pd.Series, name: str) -> Target:
    values, labels = pd.factorize(column, sort=True)
    counts = np.bincount(values)
    classes = tuple(str(label) for label in labels)
    alone = [label for label, count in zip(classes, counts, strict=True) if count == 1]
    if len(alone) > len(classes) / 2:
        numbers = (
            " For numbers write task: regression." if _numeric(column)
            else " Numbers are written like 1234.5, without signs or commas."
        )  # fmt: skip
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
    wrong = ~(np.abs(numbers) <= LARGEST)
    if wrong.any():
        row = int(wrong.argmax())
        raise DataError(
            f"target {name!r} is {quoted(column, row)} in row {row + 1}, which is no number "
            "to predict; put it right, or write task: classification"
        )
    return Target(kind="regression", values=numbers)


def _times(column: pd.Series) -> bool:
    kinds = pd.api.types
    return bool(kinds.is_datetime64_any_dtype(column) or kinds.is_timedelta64_dtype(column))


def _numeric(column: pd.Series) -> bool:
    return bool(pd.api.types.is_numeric_dtype(column))


def _rows(wrong: NDArray[np.bool_]) -> str:
    first, count = int(wrong.argmax()) + 1, int(wrong.sum())
    return f"row {first}" if count == 1 else f"{count} rows, the first of them row {first}"
