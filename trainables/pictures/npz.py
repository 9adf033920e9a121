"""Pictures in one .npz file of numpy's, under the names that people give them."""

from __future__ import annotations

import zipfile
import zlib
from pathlib import Path

import numpy as np

from ...search.errors import DataError
from .pictures import PARTS, TRAIN, Parts

NAMES = ("x", "y"), ("images", "labels"), ("x_{}", "y_{}"), ("{}_images", "{}_labels")
# The two last, once for each part: as Keras' mnist.npz has it, and MedMNIST (Yang et al. 2023).


def read(path: Path) -> Parts:
    """Its pictures and labels, by part. Errors: DataError."""
    try:
        with np.load(path, allow_pickle=False) as file:
            there = set(file.files)
            for names in NAMES:
                wanted = {
                    part: (names[0].format(part), names[1].format(part))
                    for part in (PARTS if "{}" in names[0] else (TRAIN,))
                }
                if set(wanted[TRAIN]) <= there:
                    return {
                        part: (file[x], file[y])
                        for part, (x, y) in wanted.items()
                        if {x, y} <= there
                    }
    except ValueError as error:
        if "Object arrays" in str(error):
            raise DataError(
                f"{path} holds objects, which could be any program; save arrays of one shape"
            ) from None
        raise DataError(f"{path} cannot be read as .npz: it is no such file") from None
    except (OSError, EOFError, zipfile.BadZipFile, zlib.error, AttributeError) as error:
        raise DataError(f"{path} cannot be read as .npz: {error}") from None
    raise DataError(
        f"{path} holds {', '.join(sorted(there)) or 'nothing'}; pictures and labels are "
        "called x and y there, images and labels, x_train and y_train, or train_images and "
        "train_labels"
    )
