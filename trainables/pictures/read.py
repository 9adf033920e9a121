"""Pictures from wherever they are: a folder, an .npz file, a set that is known by name."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import torch
from torch.nn import functional as F  # noqa: N812 - its usual name

from ...search.errors import DataError
from ...search.ready import KNOWN_SET
from . import folder, idx, known, npz
from .pictures import Parts, Pictures, whole

AT_ONCE = 1000  # pictures that are stretched at a time


def read(sources: Sequence[str], size: int | None = None) -> Pictures:
    """What a sweep's `data` names: a path, or a known set and the folder that holds it.

    `size`: to which pictures are stretched, in pixels. Errors: DataError.
    """
    return _stretched(whole(_parts(tuple(sources), size), " in ".join(sources)), size)


def _parts(sources: tuple[str, ...], size: int | None) -> Parts:
    match sources:
        case [name, root] if name.startswith("torchvision:") and not KNOWN_SET.fullmatch(root):
            return known.torchvision(name.partition(":")[2], Path(root))
        case [name] if name.startswith("torchvision:"):
            raise DataError(
                f"{name} lies in a folder into which it was once downloaded; name that too: "
                f"data: [{name}, FOLDER]"
            )
        case [name] if name.startswith("sklearn:"):
            return known.sklearn(name.partition(":")[2])
        case [name] if not KNOWN_SET.fullmatch(name):
            return _path(Path(name), size)
        case []:
            raise DataError("there are no pictures to learn from; name them: data: FOLDER")
    raise DataError(
        f"trainable image cannot read {' and '.join(sources)}; data: is a folder, an .npz file, "
        "sklearn:digits, or [torchvision:NAME, FOLDER]"
    )


def _path(path: Path, size: int | None) -> Parts:
    if not path.exists():
        raise DataError(f"{path} is not there; data: is looked for beside the sweep file")
    if path.is_dir():
        return idx.read(path) if idx.there(path) else folder.read(path, size)
    if path.suffix.lower() == ".npz":
        return npz.read(path)
    raise DataError(
        f"{path} is no data set of pictures; it must be a folder with a sub-folder a class, "
        "or an .npz file"
    )


def _stretched(found: Pictures, size: int | None) -> Pictures:
    """With pictures of `size` × `size` pixels, by means of those that come together in one."""
    if size is None or found.x.shape[2:] == (size, size):
        return found
    x = np.empty((*found.x.shape[:2], size, size), dtype=found.x.dtype)
    for start in range(0, len(x), AT_ONCE):
        some = torch.from_numpy(found.x[start : start + AT_ONCE].astype(np.float32))
        some = F.interpolate(some, size=(size, size), mode="bilinear", antialias=True)
        x[start : start + AT_ONCE] = (some if x.dtype.kind == "f" else some.round()).numpy()
    return replace(found, x=x)
