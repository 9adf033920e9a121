"""Files of the MNIST family in a folder: `train-images-idx3-ubyte.gz` and its three companions.

MNIST, Fashion-MNIST, KMNIST and their kin come so; unsigned bytes behind a head of their shape.
"""

from __future__ import annotations

import gzip
import math
import struct
import zlib
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...search.errors import DataError
from .pictures import TEST, TRAIN, Parts

PREFIXES = {TRAIN: "train", TEST: "t10k"}
IMAGES, LABELS = "images", "labels"
BYTES = 8  # the format's code of unsigned bytes


def there(folder: Path) -> bool:
    """Whether a folder holds such files."""
    return _file(folder, TRAIN, IMAGES) is not None


def read(folder: Path) -> Parts:
    """The part to train on, and the one to test with where it is there. Errors: DataError."""
    found = {}
    for part in PREFIXES:
        images, labels = (_file(folder, part, what) for what in (IMAGES, LABELS))
        if images is None:
            continue
        if labels is None:
            raise DataError(f"{folder} has {images.name}, and no labels that belong to it")
        found[part] = array(images), array(labels)
    return found


def array(path: Path) -> NDArray[Any]:
    """What such a file holds. Errors: DataError."""
    opened = gzip.open if path.suffix == ".gz" else open
    try:
        with opened(path, "rb") as file:
            raw = file.read()
        zero, kind, dimensions = struct.unpack_from(">HBB", raw)
        shape = struct.unpack_from(f">{dimensions}I", raw, 4)
    except (OSError, EOFError, zlib.error, struct.error) as error:
        raise DataError(f"{path} cannot be read: {error}") from None
    start = 4 + 4 * dimensions
    if zero or kind != BYTES or len(raw) - start != math.prod(shape):
        raise DataError(f"{path} is no whole idx file of bytes; copy it here again")
    return np.frombuffer(raw, dtype=np.uint8, offset=start).reshape(shape)


def _file(folder: Path, part: str, what: str) -> Path | None:
    """The file of a part, packed or not; names differ in one sign."""
    ending = "idx3-ubyte" if what == IMAGES else "idx1-ubyte"
    names = [
        f"{PREFIXES[part]}-{what}{sign}{ending}{packed}" for sign in "-." for packed in ("", ".gz")
    ]
    return next((folder / name for name in names if (folder / name).is_file()), None)
