"""What a soak leaves behind: processes, by a mark in their environment, and temporary files."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

import psutil

# One of each, whatever happens: Ray's link to the last of its folders, and torch's empty cache.
LATEST, CACHE = "session_latest", "torchinductor_*"
AGENTS = 90.0  # seconds; Ray's two agents look a minute for a raylet that is dead


def processes(mark: str, value: str) -> Iterator[psutil.Process]:
    """Those that live and have the mark."""
    for process in psutil.process_iter():
        try:
            if process.environ().get(mark) == value and process.status() != "zombie":
                yield process
        except (psutil.NoSuchProcess, psutil.AccessDenied):
            continue


def files(temporary: Path, run: Path) -> list[str]:
    """Temporary files, and what was being written or removed in the run folder."""
    ray = temporary / "ray"
    left = [path for path in temporary.glob("*") if path != ray and not path.match(CACHE)]
    left += [path for path in ray.glob("*") if path.name != LATEST]
    left += [path for name in (".writing-*", ".going-*") for path in run.rglob(name)]
    left += run.glob(".*")
    return sorted(map(str, left))


def until_none(find: Callable[[], list[str]], seconds: float = AGENTS) -> list[str]:
    """What is still found after so long."""
    deadline = time.monotonic() + seconds
    while (left := find()) and time.monotonic() < deadline:
        time.sleep(0.5)
    return left
