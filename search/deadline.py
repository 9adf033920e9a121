"""A deadline as people write it, and when it comes: the time on the wall, in whatever zone.

07:00                     the next one, in the machine's zone
07:00 Europe/Berlin       in a named one
2026-11-23 07:00          that day; it may have a zone too

In a night in which the clocks change 07:00 is when the wall says so.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from datetime import date, datetime, time, timedelta
from functools import cached_property
from zoneinfo import ZoneInfo

from .brief import brief
from .zone import zone

FORM = 'write "07:00", "07:00 Europe/Berlin" or "2026-11-23 07:00"'
PATTERN = re.compile(r"(?:(\d{4}-\d\d-\d\d)[ T])?(\d\d?:\d\d)(?: +(\S+))?")
NIGHT = 12 * 3600.0  # seconds after a deadline in which a driver that starts belongs before it


@dataclass(frozen=True, kw_only=True)
class Deadline:
    """A time on the wall; `day`: of that day only; `zone`: empty for the machine's."""

    wall: time
    day: date | None = None
    zone: str = ""

    @classmethod
    def parse(cls, given: object) -> Deadline:
        """Errors: ValueError."""
        text = _written(given)
        found = PATTERN.fullmatch(text.strip())
        if found is None:
            raise ValueError(f"{brief(given)} is no deadline; {FORM}")
        day, wall, name = found.groups()
        key = zone(name, FORM).key if name else ""
        try:
            deadline = cls(
                wall=datetime.strptime(wall, "%H:%M").time(),
                day=date.fromisoformat(day) if day else None,
                zone=key,
            )
            if deadline.after(0.0) < 0:
                raise ValueError("that is before 1970")
        except (ValueError, OverflowError, OSError) as error:  # 25:00, say
            raise ValueError(f"{brief(given)} is no deadline ({error}); {FORM}") from None
        return deadline

    def __str__(self) -> str:
        return " ".join(filter(None, (str(self.day or ""), f"{self.wall:%H:%M}", self.zone)))

    def after(self, now: float) -> float:
        """When it comes, in seconds since 1970: the next one after `now`, or that of its day."""
        if self.day is not None:
            return self._on(self.day)
        today = datetime.fromtimestamp(now, self._tz).date()
        moments = (self._on(today + timedelta(days=days)) for days in range(3))
        return next(moment for moment in moments if moment > now)

    def _on(self, day: date) -> float:
        return datetime.combine(day, self.wall, self._tz).timestamp()

    @cached_property
    def _tz(self) -> ZoneInfo | None:
        return zone(self.zone) if self.zone else None


def due(text: str, now: float, before: float | None = None) -> float:
    """When a driver that starts `now` has its deadline; times in seconds since 1970.

    `before`: that of a driver which ended before the sweep was done. Another driver goes on with
    it, also where it has passed in between: who is started again at 07:05 must not take 07:00 of
    the next day. Only the one of another night is over and done with.
    """
    if before is not None and now < before + NIGHT:
        return before
    return Deadline.parse(text).after(now)


def _written(given: object) -> str:
    """What was written, where a reader has made something else of it."""
    match given:
        case str():
            return given
        case datetime(tzinfo=None):  # TOML has times of its own
            return given.isoformat(" ", "minutes") if given.second == 0 else str(given)
        case time(tzinfo=None):
            return given.isoformat("minutes") if given.second == 0 else str(given)
        case int() if not isinstance(given, bool):
            # YAML 1.1 reads 7:00 as 7 × 60; nightsweep's own reader does not.
            raise ValueError(f"{brief(given)} is a number; {FORM}, in quotes")
    raise ValueError(f"{brief(given)} is no deadline; {FORM}")
