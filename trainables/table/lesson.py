"""A table to learn from, whole: what its rows have, what is predicted, which rows are for what."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pandas as pd

from ...search.ready.rows import Rows
from .columns import Raw, raw
from .read import read
from .split import Folds, Numbers, folds, groups, split
from .target import Target, target


@dataclass(frozen=True, slots=True, kw_only=True)
class Lesson:
    """`frame`: the columns that may be learned from, as they stand; `raw`: as numbers and words.

    `parts`: pairs of rows (to train on, to judge by), one a fold; `test`: rows in none of them.
    """

    frame: pd.DataFrame
    raw: Raw
    target: Target
    parts: tuple[tuple[Numbers, Numbers], ...]
    test: Numbers

    @property
    def seen(self) -> Numbers:
        """All rows but those for testing."""
        return np.sort(np.concatenate(self.parts[0]))


def lesson(source: str, settings: Rows) -> Lesson:
    """What a trainable's settings make of a table. Errors: DataError."""
    whole = read(source)
    found = target(whole, settings)
    several = divided(whole, found, settings)
    columns = raw(whole, settings)
    kept = [
        name for name in whole.columns if name in columns.numbers or name in columns.categories
    ]
    return Lesson(
        frame=whole[kept], raw=columns, target=found, parts=several.parts, test=several.test
    )


def divided(frame: pd.DataFrame, target: Target, settings: Rows) -> Folds:
    """The rows of a table for what they are: several folds, or one. Errors: DataError."""
    together = groups(frame, settings)
    if settings.cv is not None:
        return folds(target.values, target.kind, settings, together)
    rows = split(target.values, target.kind, settings, together)
    return Folds(parts=((rows.train, rows.val),), test=rows.test)
