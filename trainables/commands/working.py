"""The folder in which a program keeps its own checkpoint, while it runs."""

from __future__ import annotations

import os
import shutil
import tempfile
from pathlib import Path

from .. import manifest

PREFIX = "checkpoint-"


def made(folder: Path, saved: Path | None) -> Path:
    """A new folder in a trial's own, filled from a checkpoint where there is one.

    Under a new name each time: a worker that was cut off may still have a program that writes to
    the one before. Errors: OSError.
    """
    for left in folder.glob(f"{PREFIX}*"):
        shutil.rmtree(left, ignore_errors=True)
    working = Path(tempfile.mkdtemp(prefix=PREFIX, dir=folder))
    try:
        if saved is not None:
            copy(saved, working)
    except OSError:
        shutil.rmtree(working, ignore_errors=True)
        raise
    return working


def empty(folder: Path) -> bool:
    """Whether no file lies in it, nor in a folder of its."""
    return not any(files for _, _, files in os.walk(folder))


def copy(source: Path, target: Path) -> None:
    """Copy the files of a folder, and of those in it; links to files as files. What else there is
    (sockets, pipes, links to folders) is left out. Errors: OSError."""
    for place, _, files in os.walk(source, onerror=_raise):
        there = target / Path(place).relative_to(source)
        there.mkdir(exist_ok=True)
        for name in files:
            path = Path(place, name)
            if path.is_file() and path != source / manifest.NAME:
                shutil.copy2(path, there / name)


def _raise(error: OSError) -> None:
    raise error
