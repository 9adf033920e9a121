"""The column of a table that holds its texts."""

from __future__ import annotations

import pandas as pd

from ...search.brief import brief
from ...search.errors import DataError
from ...search.ready import Text
from ..table.target import named, there


def column(frame: pd.DataFrame, settings: Text) -> list[str]:
    """The text of each row. Rows are counted from 1, below the header.

    Errors: DataError, where no column, or more than one, may be meant, or a row has no text.
    """
    name = _name(frame, settings)
    found = frame[name]
    blank = found.isna() | found.map(lambda value: isinstance(value, str) and not value.strip())
    if blank.any():
        first, count = int(blank.to_numpy().argmax()) + 1, int(blank.sum())
        where = f"row {first}" if count == 1 else f"{count} rows, the first of them row {first}"
        raise DataError(
            f"text {name!r} is empty in {where}; leave these rows out, or write a word in them "
            "(NA, null and the like are none)"
        )
    strange = ~found.map(lambda value: isinstance(value, str))
    if strange.any():
        row = int(strange.to_numpy().argmax())
        raise DataError(
            f"text {name!r} is {brief(found.tolist()[row])} in row {row + 1}, which is no text"
        )
    return found.astype(object).tolist()


def _name(frame: pd.DataFrame, settings: Text) -> str:
    """As it is named; otherwise the only column of words that is there for nothing else."""
    taken = {named(frame, settings), settings.group}
    if settings.text is not None:
        if there(frame, settings.text, "text") in taken:
            raise DataError(f"text {settings.text!r} is the target or the group already")
        return settings.text
    taken |= {there(frame, name, "ignore") for name in settings.ignore}
    words = [name for name in frame.columns if name not in taken and _of_words(frame[name])]
    if len(words) == 1:
        return words[0]
    if not words:
        raise DataError("no column holds text, beside the target; name one by text:")
    raise DataError(f"more than one column holds text; write text: with one of {', '.join(words)}")


def _of_words(found: pd.Series) -> bool:
    return pd.api.types.is_string_dtype(found) or pd.api.types.is_object_dtype(found)
