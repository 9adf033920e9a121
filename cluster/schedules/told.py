"""What is said of schedules: when one was made, and in the list of all."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from ...search.errors import NightsweepError
from ..exits import BAD_INPUT, DONE, NOTHING_FOUND, RESUME_ME
from ..jobs.commands import standing as job
from ..show import short
from . import starts
from .calendar import Calendar, Odd, wall
from .night import missed
from .schedule import ONE_RUN, Place, Schedule
from .script import captured, private
from .starts import Start
from .timer import Entry, Timer


def made(entry: Entry, why: str, environ: Mapping[str, str], *, lingers: bool) -> Iterator[str]:
    """What a new schedule will do."""
    schedule, name = entry.schedule, entry.place.path.name
    calendar = schedule.calendar
    yield f"{name} is scheduled: {schedule.hours}, by {schedule.using} ({why})"
    yield f"next start: {calendar.stamp(calendar.next(schedule.made))}"
    yield NIGHTS[_kind(schedule)].format(name=name, folder=schedule.run and short(schedule.run))
    if endless(entry):
        yield "it names no end of its own (trials: 60, or time: 20h), so every night is of one run"
    yield from odd_nights(schedule)
    if schedule.using == "systemd" and not lingers:
        yield "systemd stops it when you log out, unless you say: loginctl enable-linger"
    secret = captured(environ).secret
    if secret and schedule.using not in ONE_RUN:
        yield (
            f"left out of start.sh, since no script should hold them: {', '.join(secret)}; lines "
            f"like export {secret[0]}=... in {private(environ)} (chmod 600) are read each night"
        )
    yield f"to try it now: nightsweep tonight {name}; to end it: nightsweep unschedule {name}"


def endless(entry: Entry) -> bool:
    """Whether a sweep never ends by itself: the end of a night takes the place of 60 trials."""
    if entry.sweep is None or entry.schedule.until is None:
        return False
    sweep = entry.sweep.model_copy(update={"deadline": entry.schedule.until})
    ends = (sweep.limit, sweep.time, sweep.gpu_hours, sweep.patience, sweep.target)
    return ends == (None,) * 5 and sweep.sampler.name != "grid"


NIGHTS = {
    "begins": (
        "each night goes on with the run that is not done, or begins one in runs/{name}-<time>"
    ),
    "once": "each night goes on with one run, runs/{name}-<time>; once that is done, no more",
    "slurm": "it runs in {folder}",
    "kubernetes": (
        "its nights go on with one run until that is done; nightsweep jobs, and logs, stop and "
        "fetch of {folder} tell of it"
    ),
}


def odd_nights(schedule: Schedule) -> Iterator[str]:
    """What comes of it in the nights of the coming year in which the clocks change."""
    yield from (
        _odd(odd, schedule.at, "starts", schedule) for odd in schedule.calendar.odd(schedule.made)
    )
    if schedule.until:
        ends = Calendar(at=wall(schedule.until, "--until"), zone=schedule.zone)
        yield from (_odd(odd, schedule.until, "ends", schedule) for odd in ends.odd(schedule.made))


def _odd(odd: Odd, time: str, does: str, schedule: Schedule) -> str:
    if odd.what == "show twice":
        then = f"it {does} the first time"
    elif odd.at is None:
        then = f"{schedule.using} starts nothing in that night"
    else:
        then = f"it {does} when they have changed"
    do = f"skip {time}" if odd.what == "skip" else f"show {time} twice"
    return f"on {odd.day} the clocks {do}: {then}"


def _kind(schedule: Schedule) -> str:
    if schedule.using in ONE_RUN:
        return schedule.using
    return "once" if schedule.once else "begins"


@dataclass(frozen=True, slots=True, kw_only=True)
class Line:
    """A schedule in the list. Times are in seconds since 1970.

    `wrong`: why it will not start. `job`: how the one stands that waits for its time.
    """

    name: str
    schedule: Schedule
    next: float | None
    last: Start | None
    result: str
    missed: tuple[float, ...]
    wrong: str = ""
    job: str = ""

    def as_json(self) -> dict[str, Any]:
        """For scripts."""
        return {
            "name": self.name,
            "file": str(self.schedule.file),
            "hours": self.schedule.hours,
            "to": self.schedule.to,
            "using": self.schedule.using,
            "next": self.next,
            "last": self.last.at if self.last else None,
            "run": self.last.run if self.last else None,
            "result": self.result,
            "missed": list(self.missed),
            "job": self.job,
            "wrong": self.wrong,
        }

    @property
    def lines(self) -> Iterator[str]:
        """For people."""
        asked, stamp = self.schedule, self.schedule.calendar.stamp
        where = f", to {asked.to}" if asked.to != "local" else ""
        yield f"{self.name}: {short(asked.file)} at {asked.hours}, by {asked.using}{where}"
        if self.wrong:
            yield f"  will not start: {self.wrong}"
        elif self.next is not None:
            yield f"  next start {stamp(self.next)}"
        if self.job:
            yield f"  {self.job}"
        if self.last:
            yield f"  last start {stamp(self.last.at)}: {self.result}"
        if self.missed:
            yield f"  {missed(asked, self.missed)}"


def line(place: Place, timer: Timer, now: float) -> Line:
    """How a schedule stands."""
    schedule = place.read()
    entry = Entry(schedule=schedule, place=place)
    known = starts.read(place.starts)
    given, coming = schedule.using in ONE_RUN, _next(schedule, now)
    since = next((start.at for start in reversed(known)), schedule.made)
    return Line(
        name=place.path.name,
        schedule=schedule,
        next=coming,
        last=known[-1] if known else None,
        result=_result(place, schedule, known),
        missed=() if given else tuple(starts.missed(schedule.calendar, known, since, now)),
        wrong=_wrong(entry, timer) if coming is not None else "",
        job=job(schedule.run) if schedule.run and _sent(schedule, now) else "",
    )


def _next(schedule: Schedule, now: float) -> float | None:
    if schedule.using == "slurm":  # one night
        start = schedule.calendar.next(schedule.made)
        return start if start > now else None
    return schedule.calendar.next(now)


def _sent(schedule: Schedule, now: float) -> bool:
    """Whether its site can know of a job: Kubernetes makes one when it is time."""
    return schedule.using == "slurm" or schedule.calendar.next(schedule.made) <= now


def _wrong(entry: Entry, timer: Timer) -> str:
    try:
        if why := timer.hindrance():
            return why
        if timer.holds(entry):
            return ""
    except NightsweepError as error:
        return str(error)
    return f"{timer.name} does not know it any more; nightsweep unschedule {entry.place.path.name}"


def _result(place: Place, schedule: Schedule, known: Sequence[Start]) -> str:
    """What came of the last start, in a few words."""
    if not known:
        return ""
    last, run = known[-1], Path(known[-1].run)
    if last.said:
        return last.said.splitlines()[0]
    if last.ended is None:
        with place.alone() as alone:
            return f"{'was killed' if alone else 'at work'}, in {short(run)}"
    if schedule.to != "local":
        return job(run)
    words = RESULTS.get(last.code or DONE, f"failed with exit code {last.code}: its log says why")
    return f"{words}, in {short(run)}"


RESULTS = {
    DONE: "done",
    NOTHING_FOUND: "done, no trial has reported a finite value",
    RESUME_ME: "not done yet",
    BAD_INPUT: "refused",
}
