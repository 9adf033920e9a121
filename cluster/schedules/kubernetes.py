"""A CronJob of Kubernetes, which makes a RayJob at its time; applied by kubectl.

Its nights go on in one run folder until the sweep is done; after that they have nothing to do.
"""

from __future__ import annotations

import contextlib
import json
import shutil
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

import yaml

from ...search.deadline import NIGHT
from ...search.errors import ClusterDownError, NightsweepError, RunFolderError
from ..jobs import record
from ..jobs.kubernetes.cron import cron_manifest
from ..jobs.kubernetes.kubectl import Kubectl, current_context
from ..jobs.kubernetes.manifest import names
from ..jobs.kubernetes.status import standing
from ..jobs.record import Record, Sent
from ..jobs.site import ALIVE, Job
from ..jobs.submit import digest
from .calendar import DAILY, spoken
from .schedule import Schedule, Using
from .timer import Entry, gone

SEND = "--filename=-"
# A field manager of its own: what `nightsweep submit` applies to the same run takes nothing away.
MANAGER = "--field-manager=nightsweep-schedule"
APPLY = ("apply", "--server-side", "--force-conflicts", MANAGER)
DAY = 86400.0  # seconds
SUNDAY = 6


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
        return cron_manifest(as_job(entry), fields(schedule), zone)

    def add(self, entry: Entry) -> Schedule:
        """Apply the manifest, once the API server has tried it; the run folder is a job's then.

        A copy of the manifest stays in the schedule's folder, to take it away by.
        """
        text, job = self.text(entry), as_job(entry)
        context = job.asked.kubernetes.context or self.context()
        there = Kubectl(context=context)
        try:
            job.place.mkdir(parents=True, exist_ok=True)
            entry.place.manifest.write_text(text, encoding="utf-8")
        except OSError as error:
            raise RunFolderError(f"{error.filename} cannot be written: {error.strerror}") from None
        try:
            there.ask(*APPLY, "--dry-run=server", SEND, send=text)
            namespace = _apply(there, text)
        except NightsweepError:
            shutil.rmtree(job.run, ignore_errors=True)  # its name is new, by the time in it
            raise
        record.write(job.run, _recorded(entry.schedule, job, namespace, context))
        return entry.schedule.model_copy(update={"run": job.run, "id": context})

    def remove(self, entry: Entry) -> str:
        """Delete what was applied. A night that is at work goes on, and keeps its ConfigMap."""
        there, text = _applied(entry)
        documents = list(yaml.safe_load_all(text))
        configs = [document for document in documents if document["kind"] == "ConfigMap"]
        deleted = _delete(there, [each for each in documents if each not in configs])
        for metadata in (config["metadata"] for config in configs):
            if _at_work(there, metadata):
                return (
                    f"its night is at work, and goes on; it reads the ConfigMap {metadata['name']}"
                    ", which stays: kubectl delete it when that has ended"
                )
        deleted += _delete(there, configs)
        return "" if deleted.strip() else gone(self.name)

    def holds(self, entry: Entry) -> bool:
        """Whether Kubernetes still has all that was applied."""
        there, text = _applied(entry)
        try:
            there.ask("get", SEND, send=text)
        except NightsweepError:
            return False
        return True


def fields(schedule: Schedule) -> str:
    """Its time as the five fields of cron. Sunday is 0 there, and can end no range of days."""
    days = frozenset(schedule.days)
    sunday = "sun" if SUNDAY in days else ""
    named = ",".join(filter(None, (spoken(days - {SUNDAY}), sunday))).upper()
    hour, minute = schedule.at.split(":")
    return f"{int(minute)} {int(hour)} * * {named if days != DAILY else '*'}"


def _apply(there: Kubectl, text: str) -> str:
    """The namespace in which all is then; where it is refused, nothing."""
    try:
        sent = json.loads(there.ask(*APPLY, SEND, "--output=json", send=text))
    except NightsweepError:
        with contextlib.suppress(NightsweepError):
            there.ask("delete", "--ignore-not-found", SEND, send=text)
        raise
    items = sent.get("items", [sent])
    return str(items[0]["metadata"].get("namespace", "default"))


def _delete(there: Kubectl, documents: Sequence[dict[str, Any]]) -> str:
    """What kubectl says of it; empty where nothing was there."""
    return there.ask(
        "delete", "--ignore-not-found", SEND, send=yaml.safe_dump_all(documents, sort_keys=False)
    )


def _at_work(there: Kubectl, metadata: dict[str, Any]) -> bool:
    """Whether the RayJob of that name waits or runs."""
    place = Kubectl(context=there.context, namespace=metadata.get("namespace", ""))
    try:
        job = place.get("rayjob", metadata["name"])
    except ClusterDownError:
        raise
    except NightsweepError:  # a cluster without KubeRay has none
        return False
    return job is not None and standing(job).state in ALIVE


def _recorded(schedule: Schedule, job: Job, namespace: str, context: str) -> Record:
    """Its nights as one job, known to `nightsweep jobs`, `logs`, `stop` and `fetch`."""
    made = datetime.fromtimestamp(schedule.made).astimezone().isoformat(timespec="seconds")
    return Record(
        site="kubernetes",
        file=str(schedule.file),
        digest=digest(schedule.file),
        words=job.words,
        asked=job.asked,
        sent=(Sent(id=f"{namespace}/{names(job)[0]}@{context}", at=made),),
    )


def _applied(entry: Entry) -> tuple[Kubectl, str]:
    try:
        text = entry.place.manifest.read_text(encoding="utf-8")
    except OSError as error:
        raise NightsweepError(
            f"{entry.place.manifest} cannot be read: {error.strerror}; nothing was applied"
        ) from None
    return Kubectl(context=entry.schedule.id), text


def as_job(entry: Entry) -> Job:
    """Its nights, as the job that they are in the cluster."""
    schedule, sweep = entry.schedule, entry.sweep
    if sweep is None:
        raise NightsweepError(f"{schedule.file} has not been read")
    _refuse_long(schedule)
    until = f"{schedule.until} {schedule.zone}".rstrip() if schedule.until else ""
    made = f"{schedule.calendar.shown(schedule.made):%Y%m%d-%H%M%S}"
    return Job(
        sweep=sweep,
        file=schedule.file,
        run=schedule.folder / "runs" / f"{entry.place.path.name}-{made}",
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
