"""Submit a sweep: as a new job, as one that goes on, or not at all, since it is there already."""

from __future__ import annotations

import contextlib
import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path

from ...search.errors import NightsweepError, RunFolderError
from ...search.runfolder import RunFolder
from ...search.sites import SiteName
from . import record
from .record import Record, Sent
from .site import ALIVE, STOPPING, Job, Site, Standing, State


@dataclass(frozen=True, slots=True, kw_only=True)
class Submitted:
    """What became of it. `new`: whether something was sent to the site."""

    run: Path
    site: SiteName
    id: str
    new: bool
    said: str


def submit(job: Job, site: Site, *, earlier: Site | None = None) -> Submitted:
    """Send a job to its site, unless it is there already, or done.

    `earlier`: the site of the run's record, if that is another. Errors: NightsweepError.
    """
    new = not os.path.lexists(job.run)
    try:
        job.place.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{job.run} cannot be made: {error.strerror}") from None
    try:
        return _submit(job, site, earlier)
    except NightsweepError:
        if new:
            shutil.rmtree(job.run, ignore_errors=True)  # nothing is left of what was refused
        raise


def _submit(job: Job, site: Site, earlier: Site | None) -> Submitted:
    with _alone(job.place):
        known = record.read(job.run)
        if known is not None:
            standing = (earlier or site).standing(job.run, known.id)
            if refusal := _refused(known, standing, site.name):
                raise NightsweepError(f"{job.run} {refusal}")
            if said := _there(standing, anew=known.words != job.words):
                return Submitted(run=job.run, site=known.site, id=known.id, new=False, said=said)
        id = site.submit(job)
        record.write(job.run, _recorded(job, site.name, id, known))
        begun = RunFolder(job.run).begun
    said = "submitted; it goes on where it was" if begun else "submitted"
    return Submitted(run=job.run, site=site.name, id=id, new=True, said=said)


def _refused(known: Record, standing: Standing, site: SiteName) -> str:
    if standing.state in ALIVE and standing.detail == STOPPING:
        return f"is job {known.id} at {known.site}, {STOPPING}; submit again when it has ended"
    if known.site != site and standing.state in ALIVE:
        return f"is job {known.id} at {known.site} ({standing}); stop that first"
    return ""


def _there(standing: Standing, *, anew: bool) -> str:
    """Why there is nothing to submit; empty where there is. `anew`: with other options."""
    if standing.state in ALIVE:
        return f"submitted before, and {standing}"
    if standing.state is State.DONE and not anew:
        return "done before; nightsweep extend goes on with it"
    return ""


def _recorded(job: Job, site: SiteName, id: str, known: Record | None) -> Record:
    sent = Sent(id=id, at=datetime.now().astimezone().isoformat(timespec="seconds"))
    before = known.sent if known is not None and known.site == site else ()
    return Record(
        site=site,
        file=str(job.file.absolute()),
        digest=digest(job.file),
        words=job.words,
        asked=job.asked,
        sent=(*before, sent),
    )


def unfinished(file: Path, words: Sequence[str], site: Site, runs: Sequence[Path]) -> Path | None:
    """The run of the same sweep at the same site that is not done yet: the newest, if any.

    The same: the same file with the same text, and the same options beside it.
    """
    for run in reversed(runs):
        known = record.read(run)
        if known is None or known.site != site.name or known.words != tuple(words):
            continue
        if known.file != str(file.absolute()) or known.digest != digest(file):
            continue
        return run if site.standing(run, known.id).state is not State.DONE else None
    return None


def jobs(folder: Path) -> list[Path]:
    """The runs in a folder that are jobs, in the order in which they were submitted first."""
    found = {
        path.parents[1]: record.read(path.parents[1]) for path in folder.glob("*/job/job.json")
    }
    return sorted(found, key=lambda run: _first(found[run]))


def _first(known: Record | None) -> datetime:
    return datetime.fromisoformat(known.sent[0].at) if known else datetime.max


def digest(file: Path) -> str:
    """Of a sweep file's text."""
    return hashlib.sha256(file.read_bytes()).hexdigest()


@contextlib.contextmanager
def _alone(place: Path) -> Iterator[None]:
    """One submission of a run at a time, on storage that knows locks."""
    with (place / "lock").open("w") as file:
        with contextlib.suppress(OSError):
            fcntl.flock(file, fcntl.LOCK_EX)
        yield
