"""One night of a schedule: from a timer's start to the last word of the sweep, or of its job."""

from __future__ import annotations

import contextlib
import os
import shlex
import socket
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

from ...search.budget import out_of_time
from ...search.errors import JournalError, NightsweepError
from ...search.lock import born
from ...search.notes import note
from ...search.results import Results
from ...search.runfolder import RunFolder
from ...search.sites import SiteName
from ...search.sweepfile import load
from ..exits import BAD_INPUT, DONE, NOTHING_FOUND, RESUME_ME
from ..jobs import record
from ..jobs.ending import ended, exit_file
from ..jobs.local import LocalSite
from ..jobs.site import Job, Site, Standing, State
from ..jobs.submit import submit
from ..run import new_folder
from . import starts
from .night import Night, Nothing, night, not_due
from .schedule import Place, Schedule
from .starts import Start


class Foreground(LocalSite):
    """This machine, in this very process, which its starter watches until it ends."""

    def submit(self, job: Job) -> str:
        """The process's own id; who asked for it goes on to search."""
        exit_file(job.run).unlink(missing_ok=True)
        return self._mine

    def standing(self, run: Path, id: str) -> Standing:
        """Of an earlier job; this process is none."""
        return ended(run) if id == self._mine else super().standing(run, id)

    @property
    def _mine(self) -> str:
        return f"{os.getpid()}-{born(os.getpid()) or 0}@{socket.gethostname()}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Hands:
    """What a night does beyond its own files. `drive`: search in a run folder by a command."""

    clock: Callable[[], float]
    say: Callable[[str], None]
    drive: Callable[[Path, list[str]], int]
    site: Callable[[SiteName], Site]
    remove: Callable[[Place], object] = field(default=lambda place: None)


def tonight(place: Place, hands: Hands, *, due: bool) -> int:
    """Start the night, if it is time (`due`: a timer says so), and see it through; the exit code.

    Errors: NightsweepError.
    """
    schedule = place.read()
    began = hands.clock()
    with place.alone(tries=3) as alone:
        before = starts.read(place.starts)
        if not alone:
            return _left_out(place, schedule, before, hands, due=due)
        found = night(schedule, before, began, lambda run: done(run, hands.site), due=due)
        if isinstance(found, Nothing):
            hands.say(f"{place.path.name}: {found.why}")
            if found.over:
                hands.remove(place)
            return DONE
        run = found.run or schedule.folder / new_folder(place.path.name)
        start = Start(at=began, run=str(run))
        starts.add(place.starts, start)
        try:
            said, code = _search(schedule, found, run, hands)
        except NightsweepError as error:
            starts.ended(place.starts, start, str(error), hands.clock(), BAD_INPUT)
            raise
        starts.ended(place.starts, start, said, hands.clock(), code)
        if schedule.once and done(run, hands.site):
            hands.remove(place)
        return code


def done(run: Path, site: Callable[[SiteName], Site]) -> bool:
    """Whether the sweep in a run folder is done, and not only its time of one night over."""
    if _decided(run):
        return True
    known = record.read(run)
    if known is None or known.site == "local":
        return False
    there = site(known.site)
    if there.standing(run, known.id).state is not State.DONE:
        return False
    with contextlib.suppress(NightsweepError):  # its journal may lie elsewhere
        there.fetch(run, known.id)
        if RunFolder(run).begun:
            return _decided(run)
    return "--deadline" not in known.words  # without a journal, a night that is over looks so too


def _decided(run: Path) -> bool:
    if not RunFolder(run).begun:
        return False
    try:
        found = Results.load(run)
    except JournalError:
        return False
    return found.ledger.done and not out_of_time(found.sweep, found.ledger.ended_because)


def _search(schedule: Schedule, found: Night, run: Path, hands: Hands) -> tuple[str, int]:
    """Search here, or submit what shall search elsewhere: why not, if not, and the exit code."""
    sweep = load(schedule.file)  # it may have become wrong since the evening
    asked = Job(sweep=sweep, file=schedule.file, run=run, words=found.options, asked=sweep.submit)
    here = schedule.to == "local"
    known = record.read(run)
    sent = submit(
        asked,
        Foreground() if here else hands.site(schedule.to),
        earlier=hands.site(known.site) if known and known.site != schedule.to else None,
    )
    for text in found.notes:
        note(RunFolder(run), text)
        hands.say(text)
    hands.say(f"{run}: job {sent.id} at {sent.site}, {sent.said}")
    if not (here and sent.new):
        return "" if sent.new else f"left out: {sent.said}", DONE
    code = hands.drive(run, shlex.split(asked.command()))
    if code in (DONE, NOTHING_FOUND) and not done(run, hands.site):
        code = RESUME_ME
        coming = schedule.calendar.stamp(schedule.calendar.next(hands.clock()))
        note(RunFolder(run), f"this night is over; the next, {coming}, goes on with it")
    exit_file(run).write_text(f"{code}\n", encoding="utf-8")
    return "", code


def _left_out(
    place: Place, schedule: Schedule, before: list[Start], hands: Hands, *, due: bool
) -> int:
    """The night before is at work still; its report says that this one was left out."""
    now = hands.clock()
    run = next((Path(start.run) for start in reversed(before) if start.run), None)
    if due and not_due(schedule, before, now):
        return DONE
    said = f"the start of {schedule.calendar.stamp(now)} was left out: the sweep was at work still"
    if not due:
        raise NightsweepError(f"{place.path.name} is at work already, in {run or 'a new run'}")
    starts.add(place.starts, Start(at=now, said=said))
    if run is not None:
        note(RunFolder(run), said)
    hands.say(said)
    return DONE
