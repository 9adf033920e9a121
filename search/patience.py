"""Storage that is full or away for a while: what to call it, and how long to wait for it."""

from __future__ import annotations

import errno
import os
from pathlib import Path

from .errors import RunFolderError, StorageError

FIRST, LONGEST = 1.0, 30.0  # seconds between two tries
FULL = (errno.ENOSPC, errno.EDQUOT)
LASTING = (  # something else is in the place, or the process is at its own limits
    errno.EEXIST,
    errno.ENOTDIR,
    errno.EISDIR,
    errno.ELOOP,
    errno.EINVAL,
    errno.ENAMETOOLONG,
    errno.EFBIG,
    errno.EMFILE,
)


def pause(tries: int) -> float:
    """Seconds to wait before the next try, after so many."""
    return float(min(FIRST * 2 ** min(tries - 1, 10), LONGEST))


def lasting(error: OSError) -> bool:
    """Whether waiting would not help."""
    return error.errno in LASTING


def unwritable(path: Path, error: OSError, advice: str = "") -> RunFolderError:
    """What to raise for a file that cannot be written: StorageError where waiting may help."""
    message = f"{path} cannot be written: {error.strerror or error}{advice}"
    return RunFolderError(message) if lasting(error) else StorageError(message, words(error, path))


def words(error: OSError, path: Path, done: str = "written") -> str:
    """`the disk of runs/a is full`, `runs/a/journal.jsonl cannot be written (Stale file handle)`.

    shutil has several errors in one, and their numbers in the text alone.
    """
    if error.errno in FULL or any(os.strerror(number) in str(error) for number in FULL):
        return f"the disk of {path.parent} is full"
    return f"{path} cannot be {done} ({error.strerror or error})"
