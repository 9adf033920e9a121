"""Hours of the day in which a sweep may search, as people write them, and whether it is now.

22:00-07:00                   every night, in the machine's zone
22:00-07:00 Europe/Berlin     in a named one

The time is that on the wall: in a night in which the clocks change a window is an hour longer, or
shorter. Of a time that the wall shows twice the first is meant; one that it never shows comes an
hour later.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from .brief import brief
from .zone import zone

FORM = 'write "22:00-07:00" or "22:00-07:00 Europe/Berlin"'
PATTERN = re.compile(r"(\d\d?:\d\d) *- *(\d\d?:\d\d)(?: +(\S+))?")
DAYS = range(-1, 4)  # around today: a window that a change of clocks has swallowed comes again


@dataclass(frozen=True, kw_only=True)
class Window:
    """From `opens` until just before `closes`, the next day where that is earlier.

    `zone`: empty for the machine's.
    """

    opens: time
    closes: time
    zone: str = ""

    @classmethod
    def parse(cls, given: object) -> Window:
        """Errors: ValueError."""
        found = PATTERN.fullmatch(given.strip()) if isinstance(given, str) else None
        if found is None:
            raise ValueError(f"{brief(given)} is no window; {FORM}")
        opens, closes, name = found.groups()
        key = zone(name, FORM).key if name else ""
        try:
            window = cls(opens=_wall(opens), closes=_wall(closes), zone=key)
        except ValueError as error:  # 25:00, say
            raise ValueError(f"{brief(given)} is no window ({error}); {FORM}") from None
        if window.opens == window.closes:
            raise ValueError(
                f"{brief(given)} opens when it closes; leave it out to search at any time"
            )
        return window

    def __str__(self) -> str:
        hours = f"{self.opens:%H:%M}-{self.closes:%H:%M}"
        return f"{hours} {self.zone}" if self.zone else hours

    def clock(self, moment: float) -> str:
        """What the wall shows at a time in seconds since 1970, in this window's zone: `22:00`."""
        return f"{datetime.fromtimestamp(moment, self._tz):%H:%M}"

    def spans(self, now: float) -> Iterator[tuple[float, float]]:
        """When it opens and closes on the days around `now`; all in seconds since 1970."""
        today = datetime.fromtimestamp(now, self._tz).date()
        late = timedelta(days=self.closes < self.opens)
        for days in DAYS:
            day = today + timedelta(days=days)
            yield self._on(day, self.opens), self._on(day + late, self.closes)

    def _on(self, day: date, wall: time) -> float:
        return datetime.combine(day, wall, self._tz).timestamp()

    @cached_property
    def _tz(self) -> ZoneInfo | None:
        return zone(self.zone) if self.zone else None


def is_open(windows: Sequence[Window], now: float) -> bool:
    """Whether one of them is open `now`, in seconds since 1970; without any it always is."""
    if not windows:
        return True
    return any(opens <= now < closes for w in windows for opens, closes in w.spans(now))


def change(windows: Sequence[Window], now: float) -> float:
    """When they open next, or close where they are open; inf where they never do."""
    was = is_open(windows, now)
    edges = {edge for window in windows for span in window.spans(now) for edge in span}
    later = (edge for edge in sorted(edges) if edge > now)
    return next((edge for edge in later if is_open(windows, edge) != was), math.inf)


def _wall(text: str) -> time:
    return time() if text == "24:00" else datetime.strptime(text, "%H:%M").time()
