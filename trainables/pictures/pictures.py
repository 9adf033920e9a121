"""Pictures with what is to be said of them, made of the parts that a data set comes in."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...search.brief import brief
from ...search.errors import DataError
from ..table.target import Kind

Array = NDArray[Any]
TRAIN, VAL, TEST = PARTS = ("train", "val", "test")
# Of each part of a data set the pictures (N, H, W), (N, H, W, C) or (N, C, H, W) and the labels.
Parts = Mapping[str, tuple[Array, Array]]
CHANNELS = (1, 3, 4)


@dataclass(frozen=True, slots=True, kw_only=True)
class Pictures:
    """`x` (N, C, H, W): bytes or float32.

    `y` (N,): codes of `classes` (int64), or, where there are none, numbers (float64).
    `part` (N,): the number in PARTS of the part that the data set itself puts a picture in.
    """

    x: Array
    y: Array
    classes: tuple[str, ...]
    part: NDArray[np.int8]

    @property
    def kind(self) -> Kind:
        """What is learned."""
        return "classification" if self.classes else "regression"

    def of(self, name: str) -> NDArray[np.int64]:
        """The numbers of the pictures in a part; none where the data set has no such part."""
        return np.flatnonzero(self.part == PARTS.index(name))


def whole(parts: Parts, source: str) -> Pictures:
    """All parts of a data set as one. Errors: DataError, where nothing can be learned from it."""
    pictures = {name: _pictures(x, source) for name, (x, _) in parts.items()}
    labels = {name: _labels(y, source) for name, (_, y) in parts.items()}
    for name, x in pictures.items():
        if len(x) != len(labels[name]):
            raise DataError(f"{source} has {len(x)} pictures and {len(labels[name])} labels")
    shapes = {x.shape[1:] for x in pictures.values()}
    if len(shapes) > 1:
        raise DataError(f"{source} has parts whose pictures differ in shape: {sorted(shapes)}")
    y, classes = _targets(labels, source)
    part = np.repeat(
        np.array([PARTS.index(name) for name in pictures], dtype=np.int8),
        [len(x) for x in pictures.values()],
    )
    several = list(pictures.values())
    x = several[0] if len(several) == 1 else np.concatenate(several)
    return Pictures(x=x, y=y, classes=classes, part=part)


def _pictures(x: Array, source: str) -> Array:
    """(N, C, H, W), of bytes or float32."""
    if x.ndim == 3:
        x = x[:, None]
    elif x.ndim == 4 and x.shape[3] in CHANNELS:
        x = np.ascontiguousarray(x.transpose(0, 3, 1, 2))
    if x.ndim != 4 or x.shape[1] not in CHANNELS:
        raise DataError(
            f"{source} holds an array of shape {x.shape}; pictures are (N, H, W), (N, H, W, C) or "
            "(N, C, H, W), of 1, 3 or 4 channels"
        )
    if not x.size:
        raise DataError(f"{source} holds no pictures")
    if x.dtype == np.uint8:
        return x
    if x.dtype.kind not in "fiub":
        raise DataError(f"{source} has pictures of {x.dtype}; they must be numbers")
    with np.errstate(over="ignore"):  # what is too large is infinite, and said to be
        x = x.astype(np.float32)
    wrong = np.flatnonzero(~np.isfinite(x).all(axis=(1, 2, 3)))
    if len(wrong):
        raise DataError(f"{source}: picture {wrong[0]} holds NaN, or infinite or huge values")
    return x


def _labels(y: Array, source: str) -> Array:
    """(N,)"""
    if y.ndim == 2 and y.shape[1] == 1:
        y = y[:, 0]
    if y.ndim != 1:
        raise DataError(f"{source} has labels of shape {y.shape}; there must be one a picture")
    return y


def _targets(labels: Mapping[str, Array], source: str) -> tuple[Array, tuple[str, ...]]:
    """Codes with their classes, or numbers and no class."""
    y = np.concatenate(list(labels.values()))
    if y.dtype.kind == "f":
        wrong = np.flatnonzero(~np.isfinite(y))
        if len(wrong):
            raise DataError(f"{source}: the label of picture {wrong[0]} is {y[wrong[0]]}")
        if len(np.unique(y)) == 1:
            raise DataError(f"{source} has the label {y[0]:g} for every picture; nothing to learn")
        return y.astype(np.float64), ()
    names, codes = np.unique(y, return_inverse=True)
    for part, given in labels.items():
        unknown = np.setdiff1d(given, labels[TRAIN])
        if len(unknown):
            raise DataError(
                f"{source} has class {brief(unknown[0].item())} in its {part} part only; "
                "there is nothing to learn it from"
            )
    learned = np.concatenate([given for part, given in labels.items() if part != TEST])
    classes, counts = np.unique(learned, return_counts=True)
    if len(classes) == 1:
        raise DataError(
            f"{source} has one class only, {brief(classes[0].item())}; there is nothing to learn"
        )
    alone = classes[counts == 1]
    if len(alone):
        raise DataError(
            f"{source} has one picture only of class {' and '.join(map(str, alone[:3]))}; a class "
            "needs one to learn from and one to judge by: leave it out"
        )
    return codes.astype(np.int64), tuple(map(str, names))
