"""This machine as a sweep would find it: CPUs, memory, disks, limits, the clock. Only read."""

from __future__ import annotations

import contextlib
import os
import resource
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from zoneinfo import available_timezones

from ..cgroup import Limits, limits
from ..cpus import Cpus, look

SHM = Path("/dev/shm")  # shared memory: Ray's objects, and batches of torch's loaders


@dataclass(frozen=True, slots=True, kw_only=True)
class Disk:
    """Where a folder lies. Bytes. `files`: how many more it takes; None where that is open.
    `wrong`: why nothing can be written there; empty where it can."""

    path: Path
    total: int
    free: int
    files: int | None = None
    wrong: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Most:
    """How much of something one may have: now, and after asking the system for more.
    None: any number."""

    soft: int | None
    hard: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Clock:
    """`zone`: as the system names it, empty where it does not. `shown`: the time there.
    `ahead`: seconds that the file system of the run folder is ahead of this machine. `named`:
    whether zones can be called by their names here."""

    zone: str
    shown: str
    ahead: float | None
    named: bool = True


@dataclass(frozen=True, slots=True, kw_only=True)
class Machine:
    """`memory`: bytes that the machine has, `available`: that are free of them; `group`: what
    a container leaves of all that. `runs`, `temporary`: where run folders and Ray's files go."""

    host: str
    cpus: Cpus
    group: Limits
    memory: int
    available: int
    runs: Disk
    temporary: Disk
    shared: Disk | None
    files: Most
    tasks: Most
    clock: Clock


def read(runs: Path, temporary: Path, root: Path = Path("/")) -> Machine:
    """`runs`: where a run folder would be made. `root`: where /proc lies, in tests."""
    group = limits(root)
    total, available = memory(root)
    return Machine(
        host=os.uname().nodename,
        cpus=look(group),
        group=group,
        memory=total,
        available=available,
        runs=disk(runs),
        temporary=disk(temporary),
        shared=disk(SHM) if SHM.is_dir() else None,
        files=_most(resource.RLIMIT_NOFILE),
        tasks=Most(soft=None, hard=None) if os.geteuid() == 0 else _most(resource.RLIMIT_NPROC),
        clock=Clock(
            zone=zone(root),
            shown=f"{datetime.now().astimezone():%Y-%m-%d %H:%M:%S (UTC%z)}",
            ahead=ahead(_there(runs)),
            named=bool(available_timezones()),
        ),
    )


def memory(root: Path = Path("/")) -> tuple[int, int]:
    """Bytes: all, and what is available."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for line in (root / "proc/meminfo").read_text().splitlines():
            name, _, value = line.partition(":")
            found[name] = int(value.split()[0]) * 1024
    return found.get("MemTotal", 0), found.get("MemAvailable", 0)


def disk(path: Path) -> Disk:
    """Of the folder, or of where it would be made. A file is written there, and removed."""
    there = _there(path)
    wrong = ""
    try:
        with tempfile.TemporaryFile(dir=there) as file:
            file.write(b"nightsweep")
    except OSError as error:
        wrong = error.strerror or str(error)
    room = os.statvfs(there)
    return Disk(
        path=path,
        total=room.f_blocks * room.f_frsize,
        free=room.f_bavail * room.f_frsize,
        files=room.f_favail if room.f_files else None,
        wrong=wrong,
    )


def ahead(folder: Path, now: Callable[[], float] = time.time) -> float | None:
    """Seconds that a folder's file system is ahead of this machine; 0 where within its grain.

    Files on a network file system have the server's time. None where nothing can be written.
    """
    try:
        before = now()
        with tempfile.NamedTemporaryFile(dir=folder) as file:
            file.write(b"nightsweep")
            file.flush()
            written = os.stat(file.name).st_mtime
        after = now()
    except OSError:
        return None
    if written > after:
        return written - after
    return min(written - before + 1.0, 0.0)  # some file systems keep whole seconds only


def zone(root: Path = Path("/"), given: str | None = None) -> str:
    """The name of the machine's time zone: TZ, or what /etc/localtime links to."""
    given = os.environ.get("TZ") if given is None else given
    if given:
        return given.removeprefix(":")
    with contextlib.suppress(OSError):
        _, found, name = os.readlink(root / "etc/localtime").partition("zoneinfo/")
        return name if found else ""
    return ""


def _there(path: Path) -> Path:
    """The folder itself, or the nearest above it that there is."""
    return next(
        folder for folder in (path.absolute(), *path.absolute().parents) if folder.is_dir()
    )


def _most(kind: int) -> Most:
    values = (None if one == resource.RLIM_INFINITY else one for one in resource.getrlimit(kind))
    return Most(soft=next(values), hard=next(values))
