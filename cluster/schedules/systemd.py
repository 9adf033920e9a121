"""A timer of the user's systemd: two small unit files in ~/.config/systemd/user."""

from __future__ import annotations

import getpass
from collections.abc import Mapping
from pathlib import Path

from ...search.errors import NightsweepError
from .calendar import DAILY, spoken
from .program import MISSING, Program, program
from .schedule import Schedule, Using
from .timer import Entry, gone

NAMES = ("Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun")
SERVICE = """\
# Written by nightsweep schedule; nightsweep unschedule {name} removes it.
[Unit]
Description=nightsweep {name}: {hours}

[Service]
Type=oneshot
ExecStart={script}
# The driver alone is told to stop, saves its trials, and ends its workers.
KillMode=mixed
TimeoutStopSec=3min
# 1: no trial has reported a finite value. 75: not done yet, the next night goes on.
SuccessExitStatus=1 75
"""
TIMER = """\
# Written by nightsweep schedule; nightsweep unschedule {name} removes it.
[Unit]
Description=nightsweep {name}: {hours}

[Timer]
OnCalendar={calendar}
AccuracySec=1s
{persistent}
[Install]
WantedBy=timers.target
"""
PERSISTENT = """\
# Off or asleep at its time: it starts when it can, start.sh sees whether the night is over.
Persistent=true
"""


class Systemd:
    """The user's manager; `units`: where its unit files lie."""

    name: Using = "systemd"

    def __init__(self, units: Path, run: Program = program, *, user: str = "") -> None:
        self._units = units
        self._run = run
        self._user = user

    def hindrance(self) -> str:
        """The user's manager must run."""
        asked = self._run(["systemctl", "--user", "show", "--property=Version"], "")
        if asked.code == MISSING:
            return "there is no systemd"
        if asked.code or "Version=" not in asked.out:
            return f"the user's systemd does not answer ({asked.words}); log in, or start it"
        return ""

    def lingers(self) -> bool:
        """Whether the user's manager lives on when the user logs out."""
        user = self._user or getpass.getuser()
        said = self._run(["loginctl", "show-user", user, "--property=Linger"], "")
        return said.out.strip() == "Linger=yes"

    def text(self, entry: Entry) -> str:
        """Both unit files."""
        service, timer = self._files(entry)
        return "\n".join(f"# {path}\n{text}" for path, text in (service, timer))

    def add(self, entry: Entry) -> Schedule:
        """Write the units and start the timer."""
        files = self._files(entry)
        try:
            self._units.mkdir(parents=True, exist_ok=True)
            for path, text in files:
                path.write_text(text, encoding="utf-8")
        except OSError as error:
            raise NightsweepError(f"{self._units} cannot be written: {error.strerror}") from None
        try:
            self._ask("daemon-reload")
            self._ask("enable", "--now", files[1][0].name)
        except NightsweepError:
            self.remove(entry)
            raise
        return entry.schedule

    def remove(self, entry: Entry) -> str:
        """Stop the timer, and remove its units; a night that is at work goes on."""
        service, timer = (path for path, _ in self._files(entry))
        if not (timer.exists() or service.exists()):
            return gone(self.name)
        self._systemctl("disable", "--now", timer.name)
        self._systemctl("clean", "--what=state", timer.name)  # when it last started
        for path in (service, timer):
            path.unlink(missing_ok=True)
        self._systemctl("daemon-reload")
        return ""

    def holds(self, entry: Entry) -> bool:
        """Whether the timer waits for its time."""
        timer = self._files(entry)[1][0]
        return timer.exists() and not self._systemctl("is-active", timer.name)

    def _files(self, entry: Entry) -> list[tuple[Path, str]]:
        schedule = entry.schedule
        name = f"nightsweep-{entry.place.path.name}"
        words: Mapping[str, str] = {
            "name": entry.place.path.name,
            "hours": schedule.hours,
            "script": _quoted(entry.place.script),
            "calendar": on_calendar(schedule),
            "persistent": PERSISTENT if schedule.until else "",
        }
        return [
            (self._units / f"{name}.service", SERVICE.format(**words)),
            (self._units / f"{name}.timer", TIMER.format(**words)),
        ]

    def _ask(self, *words: str) -> None:
        done = self._run(["systemctl", "--user", *words], "")
        if done.code:
            raise NightsweepError(f"systemctl --user {' '.join(words)}: {done.words}")

    def _systemctl(self, *words: str) -> int:
        return self._run(["systemctl", "--user", *words], "").code


def on_calendar(schedule: Schedule) -> str:
    """Its time in systemd's words: `Mon..Fri *-*-* 22:00:00 Europe/Berlin`."""
    days = frozenset(schedule.days)
    named = "" if days == DAILY else spoken(days, NAMES, "..")
    return " ".join(filter(None, (named, "*-*-*", f"{schedule.at}:00", schedule.zone)))


def _quoted(path: Path) -> str:
    """A path as ExecStart takes it; $ means nothing in a program's own path."""
    text = str(path).replace("\\", "\\\\").replace('"', '\\"').replace("%", "%%")
    return f'"{text}"'
