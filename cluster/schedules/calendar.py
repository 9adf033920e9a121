"""A time on the wall, on some days of the week: when it comes, and the nights of changing clocks.

Of a time that the wall shows twice the first is meant. One that it never shows is there when the
clocks have changed (cron), or not at all in that night (`leaves_out`: systemd, Kubernetes).
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, date, datetime, time, timedelta
from typing import Literal
from zoneinfo import ZoneInfo

from ...search.brief import brief
from ...search.nearest import nearest
from ...search.zone import zone

DAYS = ("mon", "tue", "wed", "thu", "fri", "sat", "sun")
DAILY = frozenset(range(7))
YEAR = 366  # days
FORTNIGHT = 16 * 86400.0  # seconds: once a week, and one of them may be left out


@dataclass(frozen=True, slots=True, kw_only=True)
class Odd:
    """A day on which the clocks skip the time, or show it twice; `at`: when it counts, if it does.

    `at` is in seconds since 1970.
    """

    day: date
    what: Literal["skip", "show twice"]
    at: float | None


@dataclass(frozen=True, kw_only=True)
class Calendar:
    """`days`: Monday is 0. `zone`: empty for the machine's. Moments are in seconds since 1970."""

    at: time
    days: frozenset[int] = DAILY
    zone: str = ""
    leaves_out: bool = False
    _tz: ZoneInfo | None = field(init=False, repr=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "_tz", zone(self.zone) if self.zone else None)

    def next(self, after: float) -> float:
        """When it comes next."""
        return next(self._from(after))

    def between(self, after: float, until: float) -> Iterator[float]:
        """When it comes later than `after`, `until` included."""
        for moment in self._from(after):
            if moment > until:
                return
            yield moment

    def latest(self, now: float) -> float:
        """When it came last, `now` included."""
        return max(self.between(now - FORTNIGHT, now))

    def odd(self, now: float) -> list[Odd]:
        """The days of the coming year on which the clocks skip it, or show it twice."""
        today = self.shown(now).date()
        days = (today + timedelta(days=count) for count in range(YEAR))
        return [odd for day in days if day.weekday() in self.days and (odd := self._odd(day))]

    def shown(self, moment: float) -> datetime:
        """What the wall shows at a moment."""
        return datetime.fromtimestamp(moment, self._tz)

    def stamp(self, moment: float) -> str:
        """`Mon 2026-11-23 22:00`."""
        wall = self.shown(moment)
        return f"{DAYS[wall.weekday()].title()} {wall:%Y-%m-%d %H:%M}"

    def _from(self, after: float) -> Iterator[float]:
        day = self.shown(after).date() - timedelta(days=1)
        while True:
            moment = self._on(day) if day.weekday() in self.days else None
            if moment is not None and moment > after:
                yield moment
            day += timedelta(days=1)

    def _on(self, day: date) -> float | None:
        odd = self._odd(day)
        return odd.at if odd else self._moment(day, fold=0)

    def _odd(self, day: date) -> Odd | None:
        early, late = self._moment(day, fold=0), self._moment(day, fold=1)
        if early < late:
            return Odd(day=day, what="show twice", at=early)
        if early > late:  # PEP 495: in a gap, fold 0 is the time as if the clocks had stayed
            at = None if self.leaves_out else self._change(late, early)
            return Odd(day=day, what="skip", at=at)
        return None

    def _moment(self, day: date, fold: int) -> float:
        return datetime.combine(day, self.at, self._tz).replace(fold=fold).timestamp()

    def _change(self, before: float, after: float) -> float:
        """When the clocks change, somewhere between two moments; to the second."""
        low, high = int(before), int(after)
        while high - low > 1:
            middle = (low + high) // 2
            low, high = (
                (middle, high) if self._offset(middle) == self._offset(low) else (low, middle)
            )
        return float(high)

    def _offset(self, moment: float) -> float:
        return self.shown(moment).replace(tzinfo=UTC).timestamp() - moment


def wall(text: str, option: str) -> time:
    """A time of the day, as in `22:00`. Errors: ValueError."""
    try:
        return datetime.strptime(text.strip(), "%H:%M").time()
    except ValueError:
        raise ValueError(
            f"{option} {brief(text)} is no time of the day; write 00:00 to 23:59, as in 22:00"
        ) from None


def days(text: str) -> frozenset[int]:
    """Days of the week: `daily`, `mon-fri`, `sat,sun`. Errors: ValueError."""
    if text.strip().lower() == "daily":
        return DAILY
    found: set[int] = set()
    for part in text.lower().split(","):
        first, dash, last = (word.strip() for word in part.partition("-"))
        start = _day(first, text)
        more = (_day(last, text) - start) % 7 if dash else 0  # fri-mon goes over the week's end
        found |= {(start + n) % 7 for n in range(more + 1)}
    return frozenset(found)


def spoken(days: frozenset[int], names: tuple[str, ...] = DAYS, to: str = "-") -> str:
    """`daily`, `mon-fri`, `sat,sun`; `to` stands in a range of three days or more."""
    if days == DAILY and names == DAYS:
        return "daily"
    runs: list[list[int]] = []
    for day in sorted(days):
        if runs and runs[-1][-1] == day - 1:
            runs[-1].append(day)
        else:
            runs.append([day])
    return ",".join(
        f"{names[run[0]]}{to}{names[run[-1]]}"
        if len(run) > 2
        else ",".join(names[day] for day in run)
        for run in runs
    )


def _day(word: str, text: str) -> int:
    """The number of a day; its full name will do."""
    if len(word) >= 3 and word[:3] in DAYS:
        return DAYS.index(word[:3])
    near = nearest(word, DAYS)
    meant = f'did you mean "{near}"? Write' if near else "write"
    raise ValueError(
        f"--days {brief(text)}: {brief(word)} is no day; {meant} daily, mon-fri or sat,sun"
    )
