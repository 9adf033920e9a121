"""What a dead driver leaves behind on this machine: its offspring, and temporary files.

Processes are ended by a handle that the kernel gave (pidfd): a number that has been given to
another process meanwhile misleads nobody.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import signal
import tempfile
from collections import defaultdict
from collections.abc import Iterable
from datetime import datetime
from pathlib import Path

from ..search.events import Opened
from ..search.lock import Holder

SESSION = "session_%Y-%m-%d_%H-%M-%S_%f"  # how Ray names its folder, before the driver's pid


class Offspring:
    """Processes, held since they were looked up; `end` ends those that still live."""

    def __init__(self, pids: Iterable[int]) -> None:
        self._handles: list[int] = []
        for pid in pids:
            with contextlib.suppress(ProcessLookupError):
                self._handles.append(os.pidfd_open(pid))

    def end(self) -> None:
        """Kill those that live, and let go of all."""
        for handle in self._handles:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                signal.pidfd_send_signal(handle, signal.SIGKILL)
            os.close(handle)
        self._handles = []


def children(roots: Iterable[int]) -> set[int]:
    """The processes that these have started and that live."""
    by_parent = _by_parent()
    return {child for root in roots for child in by_parent[root]}


def descendants(root: int) -> set[int]:
    """The processes that this one has started and that live, and what those started, and so on."""
    by_parent = _by_parent()
    found: set[int] = set()
    new = by_parent[root]
    while new:
        found |= new
        new = {child for pid in new for child in by_parent[pid]} - found
    return found


def clear_behind(driver: Opened | None, since: float) -> None:
    """Remove the temporary files of an earlier driver of this host, which began at `since`.

    None of them where its pid is a process's again: they may be that one's.
    """
    if driver is None or Holder(host=driver.host, pid=driver.pid).alive:
        return
    clear_files(driver.pid, datetime.fromtimestamp(since))


def clear_files(pid: int, since: datetime) -> None:
    """Remove the temporary files of a dead driver that was started at `since`: Ray's and its own.

    Both are named after the driver's pid, Ray's after the time too: a cluster of somebody else
    may have been started by a process of the same pid, long ago.
    """
    for folder in Path(tempfile.gettempdir()).glob(f"nightsweep-{pid}-*"):
        shutil.rmtree(folder, ignore_errors=True)
    for folder in (_ray_folder() / "ray").glob(f"session_*_{pid}"):
        began = _began(folder.name.removesuffix(f"_{pid}"))
        if began is not None and began >= since:
            shutil.rmtree(folder, ignore_errors=True)


def _ray_folder() -> Path:
    """As ray._common.utils.get_default_system_temp_dir finds it, without Ray."""
    return Path(os.environ.get("RAY_TMPDIR") or os.environ.get("TMPDIR") or "/tmp")


def _began(name: str) -> datetime | None:
    try:
        return datetime.strptime(name, SESSION)
    except ValueError:
        return None


def _by_parent() -> defaultdict[int, set[int]]:
    """Every process that lives, by its parent."""
    found: defaultdict[int, set[int]] = defaultdict(set)
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with contextlib.suppress(OSError):
            # "29094 (a name) S 29092 ...", and a name may hold anything
            state, parent = stat.read_text(errors="replace").rpartition(")")[2].split()[:2]
            if state != "Z":
                found[int(parent)].add(int(stat.parent.name))
    return found
