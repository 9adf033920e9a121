"""Pictures in one .npz file of numpy's, under the names that people give them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...search.errors import DataError
from .pictures import PARTS, TRAIN, Parts

# The two last once for each part: as in Keras' mnist.npz, and in MedMNIST (Yang et al. 2023).
NAMES = ("x", "y"), ("images", "labels"), ("x_{}", "y_{}"), ("{}_images", "{}_labels")
DAMAGED = (OSError, EOFError, ValueError, TypeError, zipfile.BadZipFile, zlib.error)


def read(path: Path) -> Parts:
    """Its pictures and labels, by part. Errors: DataError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            names = _named(set(file.files), path)
            return {part: (file[x], file[y]) for part, (x, y) in names.items()}
    except DAMAGED as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{path} holds objects, which could be any program; save arrays of one shape"
            ) from None
        # Of other files numpy says how they could be loaded all the same, which nobody should.
        why = "it is none" if isinstance(error, ValueError | TypeError) else error
        raise DataError(f"{path} cannot be read as .npz: {why}") from None


def _named(there: set[str], path: Path) -> dict[str, tuple[str, str]]:
    """What pictures and labels are called in it, by part. Errors: DataError."""
    for x, y in NAMES:
        parts = PARTS if "{}" in x else (TRAIN,)
        found = {part: (x.format(part), y.format(part)) for part in parts}
        if set(found[TRAIN]) <= there:
            return {part: names for part, names in found.items() if set(names) <= there}
    raise DataError(
        f"{path} holds {', '.join(sorted(there)) or 'nothing'}; pictures and labels are called x "
        "and y there, images and labels, x_train and y_train, or train_images and train_labels"
    )
