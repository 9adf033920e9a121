"""A schedule of the digits, a crontab that is in memory, a site that takes every job."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from nightsweep.cluster.jobs.site import Job, Standing, State
from nightsweep.cluster.schedules.program import Ended
from nightsweep.cluster.schedules.schedule import Place, Schedule
from nightsweep.cluster.schedules.timer import Entry
from nightsweep.search.errors import NightsweepError
from nightsweep.search.sites import SiteName


def at(text: str) -> float:
    """Seconds since 1970 of a time on a wall in UTC."""
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def schedule(folder: Path, **changes: Any) -> Schedule:
    """Digits at 22:00 every day in UTC, made on a Friday at noon."""
    values: dict[str, Any] = {
        "name": "digits",
        "file": folder / "digits.yaml",
        "folder": folder,
        "at": "22:00",
        "days": range(7),
        "zone": "Etc/UTC",
        "using": "cron",
        "made": at("2026-11-20 12:00"),
    }
    return Schedule(**values | changes)


def entry(folder: Path, **changes: Any) -> Entry:
    """The same on its way to a timer."""
    made = schedule(folder, **changes)
    return Entry(schedule=made, place=Place(folder / "state" / made.name))


class Crontab:
    """Answers as Debian's crontab does. `text` is None where the user has none."""

    def __init__(self, text: str | None = None, refuses: str = "") -> None:
        self.text = text
        self.refuses = refuses

    def __call__(self, command: Sequence[str], given: str = "") -> Ended:
        if self.refuses:
            return Ended(code=1, err=self.refuses)
        match list(command):
            case ["crontab", "-l"] if self.text is None:
                return Ended(code=1, err="no crontab for ann\n")
            case ["crontab", "-l"]:
                return Ended(out=self.text or "")
            case ["crontab", "-r"]:
                self.text = None
            case ["crontab", "-"] if given.endswith("\n"):
                self.text = given
            case ["crontab", "-"]:
                return Ended(code=1, err='"-": new crontab file is missing newline before EOF')
            case _:
                raise AssertionError(command)
        return Ended()


class Elsewhere:
    """A site that takes every job, and says how it stands."""

    def __init__(self, name: SiteName = "ray", state: State = State.RUNNING) -> None:
        self.name = name
        self.state = state
        self.away = False  # it cannot be fetched from
        self.sent: list[Job] = []

    def text(self, job: Job) -> str:
        return ""

    def submit(self, job: Job) -> str:
        self.sent.append(job)
        return f"job-{len(self.sent)}"

    def standing(self, run: Path, id: str) -> Standing:
        return Standing(state=self.state)

    def logs(self, run: Path, id: str, *, follow: bool) -> Any: ...

    def stop(self, run: Path, id: str) -> str:
        return ""

    def fetch(self, run: Path, id: str) -> str:
        if self.away:
            raise NightsweepError("it cannot be reached")
        return ""
