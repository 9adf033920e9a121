"""Which pictures are trained on, judged by, and kept from every decision.

Parts that the data set has itself stay what they are; the rest is divided as tables are.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from ...search.errors import DataError
from ...search.ready.image import Image
from ..table import split as tables
from ..table.split import Split
from .pictures import PARTS, TEST, TRAIN, VAL, Pictures

Numbers = NDArray[np.int64]


def divided(pictures: Pictures, settings: Image) -> Split:
    """Numbers of pictures. Errors: DataError, where a part would hold none."""
    given = pictures.of(VAL)
    if len(given):
        rest = _limited(pictures, pictures.of(TRAIN), settings)
        return Split(train=rest, val=given, test=pictures.of(TEST))
    rest, settings, test = _rest(pictures, settings)
    found = tables.split(pictures.y[rest], pictures.kind, settings)
    return Split(
        train=rest[found.train],
        val=rest[found.val],
        test=test if len(test) else rest[found.test],
    )


def folded(pictures: Pictures, settings: Image) -> list[Split]:
    """The same for each fold of `settings.cv`. Errors: DataError."""
    rest, settings, test = _rest(pictures, settings)
    found = tables.folds(pictures.y[rest], pictures.kind, settings)
    test = test if len(test) else rest[found.test]
    return [Split(train=rest[train], val=rest[val], test=test) for train, val in found.parts]


def drawn(pictures: Pictures, among: Numbers, count: int, seed: int) -> Numbers:
    """`count` of these pictures, from each class its share."""
    order = np.random.default_rng(seed).permutation(among)
    if not pictures.classes:
        return np.sort(order[:count])
    place = np.empty(len(order))
    for code in range(len(pictures.classes)):
        own = pictures.y[order] == code
        place[own] = (np.arange(own.sum()) + 0.5) / max(own.sum(), 1)
    return np.sort(order[np.argsort(place, kind="stable")[:count]])


def _rest(pictures: Pictures, settings: Image) -> tuple[Numbers, Image, Numbers]:
    """The pictures that are to be divided, how, and a test part that is given."""
    test = pictures.of(TEST)
    among = np.flatnonzero(pictures.part != PARTS.index(TEST))
    if len(test):
        settings = settings.model_copy(update={"test": 0.0})
    return _limited(pictures, among, settings), settings, test


def _limited(pictures: Pictures, among: Numbers, settings: Image) -> Numbers:
    """No more than `limit`. Errors: DataError, where a class would be left with less than two."""
    if settings.limit is None or settings.limit >= len(among):
        return among
    found = drawn(pictures, among, settings.limit, settings.seed)
    y = pictures.y[found]
    few = [name for code, name in enumerate(pictures.classes) if (y == code).sum() < 2]
    if few:
        raise DataError(
            f"limit: {settings.limit} leaves less than two pictures of class {few[0]}; "
            "a class needs one to learn from and one to judge by: give it more"
        )
    return found
