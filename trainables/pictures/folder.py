"""A folder of picture files, one sub-folder a class: `cats/1.jpg`, or `train/cats/1.jpg`."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from ...search.errors import DataError
from .pictures import PARTS, TRAIN, Parts

SUFFIXES = (".png", ".jpg", ".jpeg", ".bmp", ".gif", ".webp", ".tif", ".tiff", ".pgm", ".ppm")
NAMES = {"training": "train", "valid": "val", "validation": "val", "testing": "test"}
GREY = ("1", "L")
DEEP = ("I", "F")  # 16 bits a channel and more, which Pillow would cut off
SHOWN = 3  # broken files that a message lists
ORIENTATION = 0x0112  # in Exif: which side was up; 5 and more lie on their side

Broken = list[tuple[Path, Exception]]


def read(folder: Path, size: int | None) -> Parts:
    """All pictures below a folder. `size`: to which each is stretched, in pixels.

    Errors: DataError: no pictures, broken ones, some of another size.
    """
    from_parts = _in_parts(folder)
    files = {
        name: [(file, label) for label, file in _files(place)]
        for name, place in from_parts.items()
    }
    every = [file for part in files.values() for file, _ in part]
    shape = _shape(every, size, folder)
    return {
        name: (
            _decoded([file for file, _ in part], shape, folder),
            np.array([label for _, label in part]),
        )
        for name, part in files.items()
    }


def classes_in(folder: Path) -> list[Path]:
    """The sub-folders, without hidden ones, in order."""
    return sorted(path for path in folder.iterdir() if path.is_dir() and path.name[0] not in "._")


def _in_parts(folder: Path) -> dict[str, Path]:
    """Where its parts lie: train, val and test in it, or all in itself. Errors: DataError."""
    found: dict[str, Path] = {}
    for path in classes_in(folder):
        name = NAMES.get(path.name.lower(), path.name.lower())
        if name in PARTS and name in found:
            raise DataError(
                f"{folder} has both {found[name].name} and {path.name}; which one is the {name} "
                "part? Take one away"
            )
        found[name] = path
    if TRAIN in found and set(found) <= set(PARTS):
        return {name: found[name] for name in PARTS if name in found}
    return {TRAIN: folder}


def _files(folder: Path) -> list[tuple[str, Path]]:
    """Each picture with its class. Errors: DataError."""
    found = []
    for place in classes_in(folder):
        files = sorted(
            Path(where, name)
            for where, _, names in os.walk(place)
            for name in names
            if name.lower().endswith(SUFFIXES) and not name.startswith(".")
        )
        if not files:
            raise DataError(f"{place} holds no pictures ({', '.join(SUFFIXES)}); take it away")
        found += [(place.name, file) for file in files]
    if not found:
        raise DataError(
            f"{folder} holds no pictures in sub-folders, one a class; "
            "nor is there an .npz or a file of the MNIST family"
        )
    return found


def _shape(files: list[Path], size: int | None, folder: Path) -> tuple[int, int, int]:
    """Height, width and channels of all. Errors: DataError."""
    pillow = _pillow(folder)
    sizes: dict[tuple[int, int], Path] = {}
    grey, broken = True, Broken()
    for file in files:
        try:
            with pillow.open(file) as picture:
                width, height = picture.size
                turned = picture.getexif().get(ORIENTATION, 1) >= 5
                sizes.setdefault((height, width) if turned else (width, height), file)
                mode = picture.mode
        except _unreadable(pillow) as error:
            broken.append((file, error))
            continue
        grey &= mode in GREY
        if mode.startswith(DEEP):
            raise DataError(
                f"{file} has more than 8 bits a channel ({mode}); make an .npz of such pictures, "
                "as float32"
            )
    _refuse(broken, len(files), folder)
    channels = 1 if grey else 3
    if size is not None:
        return size, size, channels
    if len(sizes) > 1:
        (one, first), (two, second), *_ = sizes.items()
        raise DataError(
            f"{folder} has pictures of {len(sizes)} sizes: {first.relative_to(folder)} is "
            f"{one[0]} × {one[1]} pixels, {second.relative_to(folder)} {two[0]} × {two[1]}; "
            f"write size: {min(*one, *two)}, or another number, and all are stretched to that"
        )
    width, height = next(iter(sizes))
    return height, width, channels


def _decoded(files: list[Path], shape: tuple[int, int, int], folder: Path) -> NDArray[np.uint8]:
    """(N, H, W, C). Errors: DataError."""
    pillow = _pillow(folder)
    from PIL.ImageOps import exif_transpose

    height, width, channels = shape
    mode = "L" if channels == 1 else "RGB"
    found, broken = np.empty((len(files), *shape), dtype=np.uint8), Broken()
    for number, file in enumerate(files):
        try:
            with pillow.open(file) as opened:
                opened.draft(mode, (width, height))  # JPEG is not read finer than is needed
                picture = exif_transpose(opened).convert(mode)
        except _unreadable(pillow) as error:
            broken.append((file, error))
            continue
        if picture.size != (width, height):
            picture = picture.resize((width, height), pillow.Resampling.BILINEAR)
        found[number] = np.asarray(picture).reshape(shape)
    _refuse(broken, len(files), folder)
    return found


def _pillow(folder: Path) -> Any:
    """Errors: DataError, where it is not installed."""
    try:
        import PIL.Image
    except ModuleNotFoundError:
        raise DataError(
            f"the pictures in {folder} are read by Pillow, which is not installed: "
            "pip install pillow"
        ) from None
    return PIL.Image


def _unreadable(pillow: Any) -> tuple[type[Exception], ...]:
    """What Pillow's readers raise; the last one for what would fill the memory."""
    return OSError, SyntaxError, ValueError, pillow.DecompressionBombError


def _refuse(broken: Broken, count: int, folder: Path) -> None:
    """Errors: DataError, where some are broken."""
    if not broken:
        return
    named = ", ".join(str(file.relative_to(folder)) for file, _ in broken[:SHOWN])
    more = ", ..." if len(broken) > SHOWN else ""
    raise DataError(
        f"{len(broken)} of {count} pictures in {folder} cannot be read: {named}{more} "
        f"({str(broken[0][1]).splitlines()[0]}); put them right, or take them away"
    )
