"""The journal: all that happened in a run, one JSON object a line, only ever added to.

It is the truth; every other file in a run folder can be made from it again. A decision is on the
disk (fdatasync) before it is acted on; a report between rungs is left to the system's cache,
since a lost one is trained again. A line that a crash has cut is dropped when writing goes on:
nothing has acted on it.
"""

from __future__ import annotations

import json
import os
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import NamedTuple

from .errors import JournalError, RunFolderError
from .events import Event, Reported, Started, from_json, to_json


class Entry(NamedTuple):
    """A line: when it was written (seconds since 1970, UTC), and what happened."""

    time: float
    event: Event


class Journal:
    """The writer. Whoever makes one holds the run folder's lock."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        self._clock = clock
        self._path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            self._size = _whole(path)
            os.ftruncate(self._file, self._size)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be written: {error.strerror}") from None

    def append(self, event: Event) -> Entry:
        """Write an event down. Errors: RunFolderError (a full disk); then nothing is written."""
        entry = Entry(round(self._clock(), 3), event)
        values = {"time": entry.time, **to_json(event)}
        line = json.dumps(values, allow_nan=False, separators=(",", ":")).encode() + b"\n"
        try:
            written = os.write(self._file, line)
            if written < len(line):
                raise OSError(None, "the disk is full")
            if not _repeatable(event):
                os.fdatasync(self._file)
        except OSError as error:
            os.ftruncate(self._file, self._size)
            raise RunFolderError(
                f"{self._path} cannot be written: {error.strerror}; nothing recorded is lost: "
                f"make room, then nightsweep resume {self._path.parent}"
            ) from error
        self._size += len(line)
        return entry

    def close(self) -> None:
        """Close the file; once is enough."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1


def read(path: Path) -> Iterator[Entry]:
    """All entries of a journal, while it is being written too; a cut last line is left out.

    Errors: JournalError, with the line, where anything else cannot be read.
    """
    try:
        with path.open("rb") as file:
            for number, line in enumerate(file, start=1):
                if line.endswith(b"\n"):
                    yield _entry(line, path, number)
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from None


def _entry(line: bytes, path: Path, number: int) -> Entry:
    try:
        values = json.loads(line)
        return Entry(float(values["time"]), from_json(values))
    except (ValueError, TypeError, KeyError, JournalError) as error:
        raise JournalError(
            f"{path}:{number}: not a line of a journal ({error}); the lines before it are whole"
        ) from None


def _repeatable(event: Event) -> bool:
    return isinstance(event, Started) or (isinstance(event, Reported) and not event.reason)


def _whole(path: Path) -> int:
    """The length of the file without a cut last line, in bytes."""
    with path.open("rb") as file:
        size = file.seek(0, os.SEEK_END)
        block = 65536
        end = size
        while end > 0:
            start = max(end - block, 0)
            file.seek(start)
            found = file.read(end - start).rfind(b"\n")
            if found >= 0:
                return start + found + 1
            end = start
    return 0
