"""A line in the user's crontab.

The line comes first, so that no SHELL, PATH or CRON_TZ that stands in the crontab is taken for it.
Cron works in the system's time zone; for another one there is a line for each hour that it can be,
and start.sh begins only when it is time.
"""

from __future__ import annotations

import os
import shlex
from collections import defaultdict
from collections.abc import Callable, Sequence
from pathlib import Path

from ...search.errors import NightsweepError
from .calendar import DAILY, Calendar
from .program import MISSING, Ended, Program, program
from .schedule import Schedule, Using
from .timer import Entry, gone

YEAR = 400 * 86400.0  # seconds: every change of clocks is in it
NUMBERS = ("1", "2", "3", "4", "5", "6", "0")  # cron's Sunday is 0


class Cron:
    """The user's crontab, and the cron that reads it. `zone`: the system's."""

    name: Using = "cron"
    table = "crontab"  # the program that reads and writes it

    def __init__(
        self,
        run: Program = program,
        *,
        alive: Callable[[], bool] = lambda: alive(),
        zone: str = "",
    ) -> None:
        self._run = run
        self._alive = alive
        self._zone = zone

    def hindrance(self) -> str:
        """Cron must run, and let this user write a crontab."""
        listed = self._run([self.table, "-l"], "")
        if listed.code == MISSING:
            return f"there is no {self.table}"
        if listed.code and not _none(listed):
            return f"{self.table} refuses ({listed.words})"
        if not self._alive():
            return "cron is installed, but does not run here; start it: service cron start"
        return ""

    def text(self, entry: Entry) -> str:
        """The lines of the crontab."""
        times = when(entry.schedule.calendar, self._zone, entry.schedule.made)
        lines = ([*self.options(entry), f"{time} {_command(entry)}"] for time in times)
        return "".join(f"{line}\n" for block in lines for line in block)

    def options(self, entry: Entry) -> list[str]:
        """Lines that belong to the one that follows them."""
        return []

    def add(self, entry: Entry) -> Schedule:
        """Write the lines before all others."""
        self._write(self.text(entry) + self._without(self._read(), entry))
        if not self.holds(entry):
            raise NightsweepError(f"{self.table} has taken the entry, but does not show it")
        return entry.schedule

    def remove(self, entry: Entry) -> str:
        """Take the lines out; all others stay as they are."""
        before = self._read()
        rest = self._without(before, entry)
        if rest == before:
            return gone(self.name)
        if rest:
            self._write(rest)
        else:
            self.check([self.table, "-r"])
        return ""

    def holds(self, entry: Entry) -> bool:
        """Whether a line of ours is in the crontab."""
        before = self._read()
        return self._without(before, entry) != before

    def install(self, text: str) -> None:
        """Replace the whole crontab."""
        self.check([self.table, "-"], text)

    def check(self, command: Sequence[str], given: str = "") -> None:
        """Run the program. Errors: NightsweepError, in its words."""
        done = self._run(command, given)
        if done.code:
            raise NightsweepError(f"the {self.table} cannot be written: {done.words}")

    def _read(self) -> str:
        listed = self._run([self.table, "-l"], "")
        if listed.code and not _none(listed):
            raise NightsweepError(f"the {self.table} cannot be read: {listed.words}")
        return "" if listed.code else listed.out

    def _write(self, text: str) -> None:
        # crontab refuses a last line without an end
        self.install(text if text.endswith("\n") else f"{text}\n")

    def _without(self, text: str, entry: Entry) -> str:
        ours = f" {_command(entry)}"
        options = [f"{line}\n" for line in self.options(entry)]
        kept: list[str] = []
        for line in text.splitlines(keepends=True):
            if not line.rstrip("\r\n").endswith(ours):
                kept.append(line)
            elif options and kept[-len(options) :] == options:
                del kept[-len(options) :]
        return "".join(kept)


def when(calendar: Calendar, zone: str, now: float) -> list[str]:
    """When a calendar's time comes, as cron's five fields in the system's zone."""
    if calendar.zone == zone:
        return [_fields(calendar.at.hour, calendar.at.minute, calendar.days)]
    there = Calendar(at=calendar.at, zone=zone)
    found: defaultdict[tuple[int, int], set[int]] = defaultdict(set)
    odd = {odd.at for odd in calendar.odd(now)}  # a skipped time comes at the change of clocks
    for moment in calendar.between(now, now + YEAR):
        if moment not in odd:
            wall = there.shown(moment)
            found[wall.hour, wall.minute].add(wall.weekday())
    return [_fields(*time, frozenset(days)) for time, days in sorted(found.items())]


def alive(proc: Path = Path("/proc"), run: Path = Path("/run")) -> bool:
    """Whether a cron runs: by its name among the processes, or by its pid file."""
    for path in proc.glob("[0-9]*/comm"):
        try:
            if path.read_text().strip() in ("cron", "crond"):
                return True
        except OSError:
            continue
    return any(_lives(run / f"{name}.pid") for name in ("cron", "crond"))


def _lives(path: Path) -> bool:
    try:
        os.kill(int(path.read_text()), 0)
    except PermissionError:
        return True
    except (OSError, ValueError, OverflowError):
        return False
    return True


def _fields(hour: int, minute: int, days: frozenset[int]) -> str:
    numbers = ",".join(sorted(NUMBERS[day] for day in days)) if days != DAILY else "*"
    return f"{minute} {hour} * * {'1-5' if numbers == '1,2,3,4,5' else numbers}"


def _command(entry: Entry) -> str:
    """What follows the time; by it a line is known as ours."""
    # cron ends a command at a bare %, and gives it the rest as its input.
    script = shlex.quote(str(entry.place.script)).replace("%", r"\%")
    return f"{script} # nightsweep {entry.place.path.name}"


def _none(listed: Ended) -> bool:
    return "no crontab for" in listed.err + listed.out
