"""A schedule: which sweep, when, where; and the folder in which it lies.

~/.local/state/nightsweep/schedules/NAME/ (or under XDG_STATE_HOME):

schedule.json   what was asked for
start.sh        what is started; cluster/schedules/script.py
starts.jsonl    each start; cluster/schedules/starts.py
lock            held while a night is at work
log             what start.sh says before there is a run folder
"""

from __future__ import annotations

import contextlib
import fcntl
import json
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from ...search.errors import NightsweepError
from ...search.nearest import nearest
from ...search.runfolder import write_whole
from ...search.sites import SiteName
from .calendar import Calendar, spoken, wall

Using = Literal["cron", "systemd", "scrontab", "slurm", "kubernetes"]
LEAVES_OUT = ("systemd", "kubernetes")  # a time that the clocks skip does not come there
ONE_RUN = ("slurm", "kubernetes")  # which are given the run folder with the time
Hours = Annotated[str, Field(pattern=r"^\d\d:\d\d$")]


class Schedule(BaseModel):
    """What was asked for. `folder`: where the command was given. `made`: seconds since 1970.

    `run`, `id`: of what waits for its time at a site (`ONE_RUN`); for Kubernetes, its context.
    """

    model_config = ConfigDict(extra="forbid", frozen=True)

    format: Literal[1] = 1
    name: str
    file: Path
    folder: Path
    at: Hours
    until: Hours | None = None
    days: tuple[int, ...]
    zone: str = ""
    to: SiteName = "local"
    using: Using
    once: bool = False
    warm_start: bool = False
    made: float
    run: Path | None = None
    id: str = ""

    @cached_property
    def calendar(self) -> Calendar:
        """When it starts."""
        return Calendar(
            at=wall(self.at, "--at"),
            days=frozenset(self.days),
            zone=self.zone,
            leaves_out=self.using in LEAVES_OUT,
        )

    def ends(self, start: float) -> float | None:
        """When a night that starts then ends, in seconds since 1970; None without `until`."""
        if self.until is None:
            return None
        return Calendar(at=wall(self.until, "--until"), zone=self.zone).next(start)

    @property
    def hours(self) -> str:
        """`22:00-07:00 mon-fri Europe/Berlin`; of one night there are no days."""
        span = f"{self.at}-{self.until}" if self.until else self.at
        days = spoken(frozenset(self.days)) if self.using != "slurm" else ""
        return " ".join(filter(None, (span, days, self.zone)))


@dataclass(frozen=True, slots=True)
class Place:
    """Every path in the folder of a schedule."""

    path: Path

    @property
    def record(self) -> Path:
        return self.path / "schedule.json"

    @property
    def script(self) -> Path:
        return self.path / "start.sh"

    @property
    def starts(self) -> Path:
        return self.path / "starts.jsonl"

    @property
    def lock(self) -> Path:
        return self.path / "lock"

    @property
    def log(self) -> Path:
        return self.path / "log"

    @property
    def manifest(self) -> Path:
        """What Kubernetes was given."""
        return self.path / "cronjob.yaml"

    @contextlib.contextmanager
    def alone(self, tries: int = 1) -> Iterator[bool]:
        """Whether no night is at work; then the kernel keeps others out meanwhile.

        More `tries`: who only looks holds the lock too, for a moment.
        """
        with self.lock.open("a") as file:
            for _ in range(tries):
                try:
                    fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    time.sleep(0.1 * (tries > 1))
                else:
                    yield True
                    return
            yield False

    def write(self, schedule: Schedule) -> None:
        """Put the record in place."""
        text = json.dumps(schedule.model_dump(mode="json"), indent=2) + "\n"
        write_whole(self.record, lambda path: path.write_text(text, encoding="utf-8"))

    def read(self) -> Schedule:
        """Errors: NightsweepError if it cannot be read."""
        try:
            return Schedule.model_validate_json(self.record.read_bytes())
        except (OSError, ValidationError) as error:
            words = str(error).splitlines()[0]
            raise NightsweepError(
                f"{self.record} cannot be read ({words}); to be rid of it, remove its entry where "
                f"it is started (crontab -e, systemctl --user), then {self.path}"
            ) from None


def home(environ: Mapping[str, str]) -> Path:
    """Where the schedules of this user lie."""
    state = environ.get("XDG_STATE_HOME") or Path(environ.get("HOME") or "~").expanduser() / (
        ".local/state"
    )
    return Path(state) / "nightsweep" / "schedules"


def places(home: Path) -> list[Place]:
    """All schedules, by name."""
    return [Place(path.parent) for path in sorted(home.glob("*/schedule.json"))]


def place(home: Path, name: str) -> Place:
    """The schedule of that name. Errors: NightsweepError, with the nearest name."""
    found = {known.path.name: known for known in places(home)}
    if name in found:
        return found[name]
    if not found:
        raise NightsweepError(f"{name} is not scheduled: nothing is; nightsweep schedule begins")
    near = nearest(name, list(found))
    meant = f'; did you mean "{near}"?' if near else ""
    raise NightsweepError(f"{name} is not scheduled; what is: {', '.join(found)}{meant}")
