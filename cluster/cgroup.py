"""What this process's control groups let it have: a container's limits, or a service's."""

from __future__ import annotations

import contextlib
from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

NO_LIMIT = 1 << 60  # bytes; the first version of control groups writes a number as large as it can
CONTROLLERS = ("cpu", "memory", "pids")
MEMORY = (("memory.max", "memory.current"), ("memory.limit_in_bytes", "memory.usage_in_bytes"))

Number = TypeVar("Number", int, float)


@dataclass(frozen=True, slots=True, kw_only=True)
class Limits:
    """None: no limit. `cpus`: whole and parts. `memory`: bytes, `free`: what is left of them.
    `tasks`: processes and threads."""

    cpus: float | None = None
    memory: int | None = None
    free: int | None = None
    tasks: int | None = None


def limits(root: Path = Path("/")) -> Limits:
    """The tightest of its own groups' limits and of those that they lie in, of both versions.

    `root`: where /proc and /sys lie, in tests.
    """
    groups = _groups(root)
    memory = [
        (limit, _number(folder / used), _cached(folder))
        for folder in groups["memory"]
        for most, used in MEMORY
        if (limit := _number(folder / most)) is not None
    ]
    return Limits(
        cpus=_least(_quota(folder) for folder in groups["cpu"]),
        memory=_least(limit for limit, _, _ in memory),
        free=_least(max(limit - (used or 0) + cached, 0) for limit, used, cached in memory),
        tasks=_least(_number(folder / "pids.max") for folder in groups["pids"]),
    )


def _groups(root: Path) -> defaultdict[str, list[Path]]:
    """The folders of each controller, from the group itself up to the root."""
    mounted = root / "sys/fs/cgroup"
    found: defaultdict[str, list[Path]] = defaultdict(list)
    with contextlib.suppress(OSError):
        for line in (root / "proc/self/cgroup").read_text().splitlines():
            _, names, path = line.split(":", 2)
            for name in names.split(",") if names else CONTROLLERS:
                tops = [mounted / names, mounted / name] if names else [mounted]
                found[name] += _upwards(next(filter(Path.is_dir, tops), mounted), path)
    return found


def _upwards(top: Path, path: str) -> list[Path]:
    """A group's folder and those above it; in a container its path may be that of the host."""
    parts = [part for part in path.split("/") if part not in ("", "..")]
    return [top.joinpath(*parts[:depth]) for depth in range(len(parts), -1, -1)]


def _quota(folder: Path) -> float | None:
    """CPUs' worth of time: of "150000 100000" it is 1.5."""
    with contextlib.suppress(OSError, ValueError):
        quota, period = (folder / "cpu.max").read_text().split()
        return int(quota) / int(period)
    quota_us, period_us = (_number(folder / f"cpu.cfs_{what}_us") for what in ("quota", "period"))
    return quota_us / period_us if quota_us and period_us else None


def _cached(folder: Path) -> int:
    """Bytes of files that are only cached: they can be dropped."""
    with contextlib.suppress(OSError, ValueError):
        for line in (folder / "memory.stat").read_text().splitlines():
            name, _, value = line.partition(" ")
            if name in ("inactive_file", "total_inactive_file"):
                return int(value)
    return 0


def _number(file: Path) -> int | None:
    """None where there is no limit ("max", -1), or no file."""
    try:
        value = int(file.read_text())
    except (OSError, ValueError):
        return None
    return value if 0 <= value < NO_LIMIT else None


def _least(values: Iterable[Number | None]) -> Number | None:
    return min((value for value in values if value is not None), default=None)
