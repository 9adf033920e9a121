"""One driver at a time writes to a run folder.

The kernel holds the lock (flock), so a driver that dies by any means gives it up. On network file
systems it may hold among the processes of one host only, or not be offered at all; so the file
says who holds it, and its time of change is the holder's heartbeat. Whether that still beats is
seen by waiting: clocks of different hosts are not compared.
"""

from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path

from .errors import LockedError, RunFolderError

EVERY = 3.0  # seconds between two heartbeats
WATCH = 15.0  # seconds without one after which a holder on another host is taken for dead
LOOK = 0.5  # seconds between two looks
SETTLE = 1.0  # seconds in which two that take a lock at once, without flock, see each other
_NO_FLOCK = (errno.ENOLCK, errno.EOPNOTSUPP, errno.ENOSYS, errno.EINVAL)


@dataclass(frozen=True, slots=True, kw_only=True)
class Holder:
    """Who holds, or held, a lock. `born`: when its process began, in ticks since its boot."""

    host: str
    pid: int
    born: int = field(default=0, compare=False)

    @property
    def alive(self) -> bool:
        """Whether the process lives; on another host that cannot be seen, and is taken as yes."""
        if self.host != socket.gethostname():
            return True
        now = born(self.pid)
        return now is not None and self.born in (0, now)  # a number is given again

    def __str__(self) -> str:
        return f"process {self.pid} on {self.host}"


class Lock:
    """Held from construction to `release`. Errors: LockedError, naming who holds it."""

    def __init__(self, path: Path, *, sleep: Callable[[float], None] = time.sleep) -> None:
        self.path = path
        self._me = Holder(host=socket.gethostname(), pid=os.getpid(), born=born(os.getpid()) or 0)
        try:
            self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be written: {error.strerror}") from None
        try:
            self._take(sleep)
        except OSError as error:
            os.close(self._file)
            raise RunFolderError(f"{path} cannot be written: {error.strerror}") from None
        except LockedError:
            os.close(self._file)
            raise
        self._released = threading.Event()
        threading.Thread(target=self._keep_beating, name="lock", daemon=True).start()

    def beat(self) -> bool:
        """Show that the holder lives. False where the lock is another's by now."""
        if holder(self.path) not in (self._me, None):  # None: it cannot be read at the moment
            return False
        with contextlib.suppress(OSError):  # storage that is away for a while
            os.utime(self.path)
        return True

    def release(self) -> None:
        """Give the lock up; once is enough."""
        if self._file < 0:
            return
        self._released.set()
        if holder(self.path) == self._me:
            with contextlib.suppress(OSError):  # storage that is away
                os.ftruncate(self._file, 0)
        os.close(self._file)
        self._file = -1

    def _take(self, sleep: Callable[[float], None]) -> None:
        exclusive = self._flock()
        if other := self._other(exclusive, sleep):
            raise self._refused(other)
        os.ftruncate(self._file, 0)
        os.pwrite(self._file, json.dumps(asdict(self._me)).encode(), 0)
        os.fsync(self._file)
        if not exclusive:
            sleep(SETTLE)
            other = holder(self.path)
            if other != self._me:
                raise self._refused(other)

    def _flock(self) -> bool:
        """Whether the kernel keeps other processes out, of this host at least."""
        try:
            fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            raise self._refused(holder(self.path)) from None
        except OSError as error:
            if error.errno not in _NO_FLOCK:
                raise
            return False
        return True

    def _other(self, exclusive: bool, sleep: Callable[[float], None]) -> Holder | None:
        """Who else still holds the lock, though flock lets us pass."""
        other = holder(self.path)
        if other is None:
            return None
        if other.host == self._me.host:
            return other if not exclusive and other.alive else None
        before = self._heartbeat()
        for _ in range(round(WATCH / LOOK)):
            sleep(LOOK)
            if self._heartbeat() != before:
                return holder(self.path)
        return None

    def _heartbeat(self) -> int:
        with self.path.open("rb") as file:  # opened anew: NFS asks its server then
            return os.fstat(file.fileno()).st_mtime_ns

    def _refused(self, other: Holder | None) -> LockedError:
        by = other or "another process"
        return LockedError(
            f"{self.path.parent} is being written by {by}; wait for it, or stop it first"
        )

    def _keep_beating(self) -> None:
        while not self._released.wait(EVERY) and self.beat():
            pass


def holder(path: Path) -> Holder | None:
    """Who holds the lock, or died with it; None where nobody does."""
    try:
        values = json.loads(path.read_text())
        return Holder(
            host=str(values["host"]), pid=int(values["pid"]), born=int(values.get("born", 0))
        )
    except (OSError, ValueError, KeyError, TypeError, AttributeError):
        return None


def born(pid: int) -> int | None:
    """When a process of this host began, in ticks since the boot; None where there is none."""
    try:
        status = Path(f"/proc/{pid}/stat").read_text()
    except OSError:
        return None
    state = status.rpartition(")")[2].split()  # the name before ")" may hold anything
    return None if state[0] in "ZX" else int(state[19])  # killed, and still in the list
