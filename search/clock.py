"""The time of day for the journal: it goes on evenly, whatever is done to the computer's clock."""

from __future__ import annotations

import time
from collections.abc import Callable

_EVEN = getattr(time, "CLOCK_BOOTTIME", time.CLOCK_MONOTONIC)  # goes on while a laptop sleeps


class Clock:
    """Called, the seconds since 1970 (UTC): the wall clock read once, and an even one added."""

    def __init__(
        self,
        wall: Callable[[], float] = time.time,
        even: Callable[[], float] = lambda: time.clock_gettime(_EVEN),
    ) -> None:
        self._even = even
        self._began = wall() - even()

    def __call__(self) -> float:
        return self._began + self._even()
