"""Slurm's own --begin: one night, as a job that waits in the queue from now on."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...search.errors import NightsweepError
from ..jobs.site import ALIVE, Job, Site, State
from ..jobs.submit import submit
from ..run import new_folder
from .night import deadline
from .program import MISSING, Program, program
from .schedule import Schedule, Using
from .timer import Entry, gone


@dataclass(frozen=True, slots=True, kw_only=True)
class Begin:
    """Slurm, which starts a job at its time."""

    site: Callable[[], Site]
    run: Program = program
    name: Using = "slurm"

    def hindrance(self) -> str:
        """Slurm's commands must be here, and its controller answer."""
        asked = self.run(["sinfo", "--noheader", "--format=%P"], "")
        if asked.code == MISSING:
            return "there is no Slurm: sinfo is not installed"
        return f"Slurm does not answer ({asked.words})" if asked.code else ""

    def text(self, entry: Entry) -> str:
        """What sbatch is given."""
        return self.site().text(_job(entry, _folder(entry)))

    def add(self, entry: Entry) -> Schedule:
        """Submit the job."""
        run = _folder(entry)
        sent = submit(_job(entry, run), self.site())
        return entry.schedule.model_copy(update={"run": run, "id": sent.id})

    def remove(self, entry: Entry) -> str:
        """Cancel the job while it waits; one that runs goes on."""
        state = self._state(entry)
        if state is State.WAITING:
            self.site().stop(_run(entry), entry.schedule.id)
            return ""
        return "its job is at work, and goes on" if state in ALIVE else gone(self.name)

    def holds(self, entry: Entry) -> bool:
        """Whether it waits or runs."""
        return self._state(entry) in ALIVE

    def _state(self, entry: Entry) -> State:
        return self.site().standing(_run(entry), entry.schedule.id).state


def _folder(entry: Entry) -> Path:
    return entry.schedule.folder / new_folder(entry.place.path.name)


def _run(entry: Entry) -> Path:
    if entry.schedule.run is None:
        raise NightsweepError(f"{entry.place.record} names no run; nothing was submitted")
    return entry.schedule.run


def _job(entry: Entry, run: Path) -> Job:
    schedule, sweep = entry.schedule, entry.sweep
    if sweep is None:
        raise NightsweepError(f"{schedule.file} has not been read")
    start = schedule.calendar.next(schedule.made)
    return Job(
        sweep=sweep,
        file=schedule.file,
        run=run,
        words=deadline(schedule, start),
        begin=datetime.fromtimestamp(start).isoformat(timespec="seconds"),  # Slurm's zone is ours
        asked=sweep.submit,
    )
