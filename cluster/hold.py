"""Whether a sweep is held: by hand, or for being outside its window. No clock, no files."""

from __future__ import annotations

import math
from collections.abc import Sequence

from ..search.window import Window, change, is_open

BY_HAND = "paused by hand"


class Hold:
    """One for a driver. Times are in seconds since 1970.

    What is paused by hand waits for a hand, whatever its windows say. What is told to go on
    outside them does so; from their next opening on they count again.
    """

    def __init__(self, windows: Sequence[Window] = ()) -> None:
        self.by_hand = False
        self._windows = windows
        self._until = -math.inf  # when a word to go on outside the windows is over

    def pause(self) -> None:
        """By hand."""
        self.by_hand = True

    def go_on(self, now: float) -> None:
        """By hand, wherever the windows are."""
        self.by_hand = False
        if not is_open(self._windows, now):
            self._until = change(self._windows, now)

    def why(self, now: float) -> str:
        """The reason for which nothing is trained; empty if something is."""
        if self.by_hand:
            return BY_HAND
        if is_open(self._windows, now) or now < self._until:
            return ""
        hours = " and ".join(str(window) for window in self._windows)
        return f"outside its window, {hours}; goes on at {self._clock(now)}"

    def ends(self, now: float) -> str:
        """When it will be held again; empty if never."""
        if is_open(self._windows, now):
            closes = change(self._windows, now)
        else:
            closes = change(self._windows, change(self._windows, now))
        return "" if closes == math.inf else self._windows[0].clock(closes)

    def _clock(self, now: float) -> str:
        return self._windows[0].clock(change(self._windows, now))
