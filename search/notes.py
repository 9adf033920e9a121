"""What people should read with a run's results though no journal knows it: job/notes.txt.

A start that a schedule missed, say: there was no driver then that could have written it down.
"""

from __future__ import annotations

import contextlib
import os
from datetime import datetime
from pathlib import Path

from .runfolder import RunFolder

MOST = 50  # lines that are read: nobody reads more
LONGEST = 100_000  # bytes


def note(folder: RunFolder, text: str) -> None:
    """Add a note, with the time. Where it cannot be written, the sweep goes on without it."""
    line = f"{datetime.now():%Y-%m-%d %H:%M}: {' '.join(text.split())}\n"
    with contextlib.suppress(OSError):
        folder.job.mkdir(parents=True, exist_ok=True)
        with open(_path(folder), "a", encoding="utf-8", opener=_opener) as file:
            file.write(line)


def notes(folder: RunFolder) -> list[str]:
    """The latest notes, oldest first; none through a link, which may lead anywhere."""
    if folder.job.is_symlink():
        return []
    try:
        with open(_path(folder), "rb", opener=_opener) as file:
            file.seek(max(0, os.fstat(file.fileno()).st_size - LONGEST))
            text = file.read(LONGEST).decode("utf-8", "replace")
    except OSError:
        return []
    return text.splitlines()[-MOST:]


def _path(folder: RunFolder) -> Path:
    return folder.job / "notes.txt"


def _opener(path: str, flags: int) -> int:
    return os.open(path, flags | os.O_NOFOLLOW | os.O_NONBLOCK, 0o644)
