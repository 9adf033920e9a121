"""A CronJob of Kubernetes, which makes a RayJob at its time; applied by kubectl.

Its nights go on in one run folder until the sweep is done; after that they have nothing to do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from ...search.deadline import NIGHT
from ...search.errors import NightsweepError
from ..jobs.kubernetes.cron import cron_manifest
from ..jobs.kubernetes.kubectl import Kubectl, current_context
from ..jobs.site import Job
from .calendar import DAILY, spoken
from .schedule import Schedule, Using
from .timer import Entry

SEND = "--filename=-"
DAY = 86400.0  # seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class CronJob:
    """Kubernetes, by kubectl. `zone`: the machine's, where the schedule names none."""

    zone: str = ""
    context: Callable[[], str] = current_context
    name: Using = "kubernetes"

    def hindrance(self) -> str:
        """There must be a kubectl, and a cluster that answers it."""
        try:
            Kubectl(context=self.context()).ask("version", "--output=json")
        except NightsweepError as error:
            return str(error)
        return ""

    def text(self, entry: Entry) -> str:
        """The manifest."""
        schedule = entry.schedule
        zone = schedule.zone or self.zone or "Etc/UTC"
        return cron_manifest(_job(entry), fields(schedule), zone)

    def add(self, entry: Entry) -> Schedule:
        """Apply the manifest. A copy stays in the schedule's folder, to take it away by."""
        text, job = self.text(entry), _job(entry)
        context = job.asked.kubernetes.context or self.context()
        Kubectl(context=context).ask("apply", SEND, send=text)
        entry.place.manifest.write_text(text, encoding="utf-8")
        return entry.schedule.model_copy(update={"run": job.run, "id": context})

    def remove(self, entry: Entry) -> bool:
        """Delete what was applied; the RayJob of a night that is at work goes on."""
        there, text = _applied(entry)
        return bool(there.ask("delete", "--ignore-not-found", SEND, send=text).strip())

    def holds(self, entry: Entry) -> bool:
        """Whether Kubernetes still has all that was applied."""
        there, text = _applied(entry)
        try:
            there.ask("get", SEND, send=text)
        except NightsweepError:
            return False
        return True


def fields(schedule: Schedule) -> str:
    """Its time as the five fields of cron."""
    days = frozenset(schedule.days)
    named = "*" if days == DAILY else spoken(days).upper()
    hour, minute = schedule.at.split(":")
    return f"{int(minute)} {int(hour)} * * {named}"


def _applied(entry: Entry) -> tuple[Kubectl, str]:
    try:
        text = entry.place.manifest.read_text(encoding="utf-8")
    except OSError as error:
        raise NightsweepError(
            f"{entry.place.manifest} cannot be read: {error.strerror}; nothing was applied"
        ) from None
    return Kubectl(context=entry.schedule.id), text


def _job(entry: Entry) -> Job:
    schedule, sweep = entry.schedule, entry.sweep
    if sweep is None:
        raise NightsweepError(f"{schedule.file} has not been read")
    _refuse_long(schedule)
    until = f"{schedule.until} {schedule.zone}".rstrip() if schedule.until else ""
    return Job(
        sweep=sweep,
        file=schedule.file,
        run=schedule.folder / "runs" / entry.place.path.name,
        words=("--deadline", until) if until else (),
        asked=sweep.submit,
    )


def _refuse_long(schedule: Schedule) -> None:
    """Every night has the same deadline there, whose day a driver has to guess."""
    start = schedule.calendar.next(schedule.made)
    end = schedule.ends(start)
    if end is not None and end - start > DAY - NIGHT:
        raise NightsweepError(
            f"{schedule.at} to {schedule.until} is more than half a day; a night in Kubernetes "
            "cannot tell such an end from that of the night before: write an earlier --until"
        )
