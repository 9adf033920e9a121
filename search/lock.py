"""One driver at a time writes to a run folder.

The kernel holds the lock (flock), so a driver that dies by any means gives it up; the file says
who holds it, for people. On a network file system flock may not reach other hosts.
"""

from __future__ import annotations

import fcntl
import json
import os
import socket
from dataclasses import dataclass
from pathlib import Path

from .errors import LockedError, RunFolderError


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds, or held, a lock."""

    host: str
    pid: int

    @property
    def alive(self) -> bool:
        """Whether the process lives; on another host that cannot be seen, and is taken as yes."""
        return self.host != socket.gethostname() or Path(f"/proc/{self.pid}").exists()


class Lock:
    """Held from construction to `release`. Errors: LockedError, naming who holds it."""

    def __init__(self, path: Path) -> None:
        self.path = path
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be written: {error.strerror}") from None
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(self._file)
            other = holder(path)
            by = f"process {other.pid} on {other.host}" if other else "another process"
            raise LockedError(
                f"{path.parent} is being written by {by}; wait for it, or stop it first"
            ) from None
        me = json.dumps({"host": socket.gethostname(), "pid": os.getpid()})
        try:
            os.ftruncate(self._file, 0)
            os.pwrite(self._file, me.encode(), 0)
        except OSError as error:
            os.close(self._file)
            raise RunFolderError(f"{path} cannot be written: {error.strerror}") from None

    def release(self) -> None:
        """Give the lock up; once is enough."""
        if self._file >= 0:
            os.ftruncate(self._file, 0)
            os.close(self._file)
            self._file = -1


def holder(path: Path) -> Holder | None:
    """Who holds the lock, or died with it; None where nobody does."""
    try:
        values = json.loads(path.read_text())
        return Holder(host=str(values["host"]), pid=int(values["pid"]))
    except (OSError, ValueError, KeyError, TypeError):
        return None
