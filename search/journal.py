"""The journal: all that happened in a run, one JSON object a line, only ever added to.

It is the truth; every other file in a run folder can be made from it again. A decision is on the
disk (fdatasync) before it is acted on; a report between rungs is left to the system's cache,
since a lost one is trained again. What a crash has cut is dropped when writing goes on: nothing
has acted on it. A line ends in a checksum of all lines up to it, so that none can change, be
missing or come twice unnoticed.
"""

from __future__ import annotations

import contextlib
import errno
import json
import os
import stat
from collections.abc import Callable, Iterator
from itertools import chain
from pathlib import Path
from typing import Any, BinaryIO, NamedTuple
from zlib import crc32

from msgspec import MsgspecError
from msgspec.json import Decoder

from .brief import brief
from .errors import JournalError, LockedError, RunFolderError
from .events import Event, Reported, Started, from_json, to_json
from .patience import unwritable
from .storage import sync_folder

LATEST = 1e11  # seconds since 1970: some three thousand years
UNSYNCED = 1 << 20  # bytes of reports that are left to the system's cache, at most

_CRC = b',"crc":"'
_SEAL = len(_CRC) + len('01234567"}\n')

_encode = json.JSONEncoder(allow_nan=False, ensure_ascii=False, separators=(",", ":")).encode
_decode = Decoder(dict[str, Any]).decode


class Entry(NamedTuple):
    """A line: when it was written (seconds since 1970, UTC), and what happened."""

    time: float
    event: Event


class Journal:
    """The writer. Whoever makes one holds the run folder's lock."""

    def __init__(self, path: Path, clock: Callable[[], float]) -> None:
        """Errors: RunFolderError where it cannot be written, JournalError as `read`."""
        self._clock = clock
        self._path = path
        self._unsynced = bytearray()  # the lines since the last that had to be on the disk
        self._torn = False  # a write has failed: what the file holds of these is not known
        self._tried = b""  # the line that was then being written
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
            if not stat.S_ISREG(os.fstat(self._file).st_mode):
                raise OSError(errno.EINVAL, "it is no file")
            self._size, self._crc = _end(path)
            os.ftruncate(self._file, self._size)
            os.fsync(self._file)
            sync_folder(path.parent)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be written: {error.strerror}") from None

    def append(self, event: Event) -> Entry:
        """Write an event down.

        Errors: RunFolderError (StorageError: a full disk, say): it is not written, and may be
        tried again. LockedError: another driver has written here, and this one must not any more.
        """
        entry = Entry(round(self._clock(), 3), event)
        line, crc = _line(entry, self._crc)
        sync = not _repeatable(event) or len(self._unsynced) > UNSYNCED
        try:
            self._write(line, sync)
        except OSError as error:
            self._torn = True
            with contextlib.suppress(OSError):  # the next try begins with that
                self._take_back()
            advice = f"make room, then nightsweep resume {self._path.parent}"
            raise unwritable(self._path, error, f"; nothing recorded is lost: {advice}") from error
        self._unsynced += line
        if sync:
            self._unsynced.clear()
        self._size += len(line)
        self._crc = crc
        return entry

    def close(self) -> None:
        """Close the file; once is enough."""
        if self._file >= 0:
            os.close(self._file)
            self._file = -1

    def _write(self, line: bytes, sync: bool) -> None:
        if self._torn:
            self._take_back()
            self._tried = line
            line = bytes(self._unsynced) + line  # what the system has lost it does not say
        elif (status := os.fstat(self._file)).st_size != self._size:
            raise self._taken_over()
        elif not status.st_nlink:
            raise JournalError(
                f"{self._path} was removed while its driver was at work: nothing that is decided "
                "now could be kept; put the folder back, or start the sweep again"
            )
        else:
            self._torn, self._tried = True, line
        if os.write(self._file, line) < len(line):
            raise OSError(errno.ENOSPC, "the disk is full")
        if sync:
            os.fdatasync(self._file)
        self._torn = False

    def _take_back(self) -> None:
        """Cut off what failed writes have left: that, and nothing of another driver's.

        Errors: OSError, LockedError; JournalError if lines are gone that were on the disk.
        """
        self._open_again()
        safe, ours = self._size - len(self._unsynced), bytes(self._unsynced) + self._tried
        if os.fstat(self._file).st_size < safe:
            raise JournalError(
                f"{self._path} has lost lines that were on the disk; put a copy of the file back, "
                f"or go on with what is left: nightsweep resume {self._path.parent}"
            )
        there = os.pread(self._file, len(ours) + 1, safe)
        if not ours.startswith(there.partition(b"\0")[0]):  # NULs: see _lines
            raise self._taken_over()
        os.ftruncate(self._file, safe)

    def _open_again(self) -> None:
        """On storage that was away for a while, a file that was open need not be any more."""
        again = os.open(self._path, os.O_RDWR | os.O_APPEND)
        with contextlib.suppress(OSError):
            os.close(self._file)
        self._file = again

    def _taken_over(self) -> LockedError:
        return LockedError(
            f"{self._path} is being written by another process too; this one leaves the run "
            f"to it: nightsweep status {self._path.parent} says which it is"
        )


def read(path: Path) -> Iterator[Entry]:
    """All entries of a journal, while it is being written too; a cut end is left out.

    Errors: JournalError, with the line, where anything else cannot be read.
    """
    crc: int | None = None
    try:
        with path.open("rb") as file:
            for number, line in _lines(file, path):
                try:
                    crc = _checked(line, crc)
                    entry = _entry(line)
                except (ValueError, MsgspecError, RecursionError, JournalError) as error:
                    raise _damaged(path, number, error) from None
                yield entry
    except OSError as error:
        raise JournalError(f"{path} cannot be read: {error.strerror}") from None


def _line(entry: Entry, before: int | None) -> tuple[bytes, int]:
    """An entry as it is written, and the checksum in it, `before` being that of the last line."""
    values = {"time": entry.time, **to_json(entry.event)}
    text = _encode(values)[:-1].encode(errors="replace")  # half a character cannot be read again
    crc = crc32(text, before or 0)
    return text + _seal(crc), crc


def _seal(crc: int) -> bytes:
    return b'%s%08x"}\n' % (_CRC, crc)


def _checked(line: bytes, before: int | None) -> int | None:
    """A line's checksum; None where lines have none yet (format 1). Errors: ValueError."""
    crc = crc32(line[:-_SEAL], before or 0)
    if line.endswith(_seal(crc)):
        return crc
    if before is not None or line[-_SEAL:].startswith(_CRC):
        raise ValueError("its checksum is wrong: it was changed, or a line before it is missing")
    return None


def _entry(line: bytes) -> Entry:
    values = _decode(line)
    time = values.get("time")
    if not isinstance(time, int | float) or isinstance(time, bool) or not 0 <= time < LATEST:
        raise ValueError(f"its time is {brief(time)}, not seconds since 1970")
    return Entry(time, from_json(values))


def _damaged(path: Path, number: int, why: object) -> JournalError:
    whole = number - 1
    return JournalError(
        f"{path}:{number}: not a line of a journal ({why}); put a copy of the file back, or "
        f"keep the {whole} lines before it (head -n {whole}), which are whole, and resume"
    )


def _lines(file: BinaryIO, path: Path) -> Iterator[tuple[int, bytes]]:
    """The lines with their numbers, to where a crash has cut them, or left NULs in their place.

    Errors: JournalError where NULs precede a line that was written after all before it was safe.
    """
    for number, line in enumerate(file, start=1):
        if not line.endswith(b"\n"):
            return
        if b"\0" in line:
            if any(map(_binding, chain([line.rpartition(b"\0")[2]], file))):
                raise _damaged(path, number, "a part of it is lost")
            return
        yield number, line


def _binding(line: bytes) -> bool:
    try:
        return not _repeatable(_entry(line).event)
    except (ValueError, MsgspecError, RecursionError, JournalError):
        return False


def _repeatable(event: Event) -> bool:
    """Whether nothing is lost with it: after a checkpoint, the one before may be removed."""
    between = isinstance(event, Reported) and not (event.reason or event.checkpoint)
    return between or isinstance(event, Started)


def _end(path: Path) -> tuple[int, int | None]:
    """Where the whole lines end, in bytes, and the checksum there."""
    size, last = 0, b""
    with path.open("rb") as file:
        for _, line in _lines(file, path):
            size += len(line)
            last = line
    before, _, crc = last[-_SEAL:].partition(_CRC)
    return size, int(crc[:8], 16) if crc and not before else None
