"""Ends a driver whose cluster is gone while a call to Ray holds it: Ray would, saying little."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from typing import Self

from ..console import visible
from ..exits import CLUSTER_DOWN

AFTER = 10.0  # seconds in which the driver may see it by itself; 10 more, and Ray ends it
EVERY = 1.0  # seconds


class LastWord:
    """Watches from a thread. `gone`: why nothing can be trained any more, or empty; `leave`: ends
    the process, with that reason."""

    def __init__(
        self,
        gone: Callable[[], str],
        leave: Callable[[str], object],
        *,
        after: float = AFTER,
        every: float = EVERY,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._gone = gone
        self._leave = leave
        self._after = after
        self._every = every
        self._clock = clock
        self._since: float | None = None
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()

    def look(self) -> None:
        """Leave, if it has been gone for long."""
        why = self._gone()
        if not why:
            self._since = None
        elif self._since is None:
            self._since = self._clock()
        elif self._clock() - self._since >= self._after:
            self._leave(why)

    def _watch(self) -> None:
        while not self._closed.wait(self._every):
            self.look()


def leave(why: str, run: str) -> None:
    """Say it, and end this process. All that was recorded is on the disk; `closed` is not."""
    shown = "\x1b[?25h" if sys.stderr.isatty() else ""  # the cursor, which a display has hidden
    words = visible(f"nightsweep: {why}; what was recorded is kept: nightsweep resume {run}")
    os.write(sys.stderr.fileno(), f"{shown}{words}\n".encode())
    os._exit(CLUSTER_DOWN)
