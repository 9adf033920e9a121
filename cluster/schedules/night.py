"""What a start does: go on with the run that is not done, begin a new one, or nothing at all."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path

from . import starts
from .schedule import Schedule
from .starts import EARLY, Start

LATE = 3600.0  # seconds in which a start without an end may come late
FEW = 5  # missed starts that are named one by one


@dataclass(frozen=True, slots=True, kw_only=True)
class Night:
    """Search, in `run`, or in a new folder where that is None. `options`: of `nightsweep run`.

    `notes`: what is to be said in the report.
    """

    run: Path | None
    options: tuple[str, ...] = ()
    notes: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Nothing:
    """Start nothing, and why. `over`: and never again, the one sweep is done."""

    why: str
    over: bool = False


def night(
    schedule: Schedule,
    before: Sequence[Start],
    now: float,
    done: Callable[[Path], bool],
    *,
    due: bool,
) -> Night | Nothing:
    """What to do `now`, in seconds since 1970. `before`: the earlier starts, in their order.

    `done`: whether the sweep in a run folder is. `due`: the start comes from a timer, so that it
    must be time.
    """
    calendar = schedule.calendar
    if due and (why := not_due(schedule, before, now)):
        return Nothing(why=why)
    runs = [Path(start.run) for start in before if start.run]
    going = runs[-1] if runs and not done(runs[-1]) else None
    if schedule.once and runs and going is None:
        return Nothing(why=f"{runs[-1]} is done, and the schedule is for one sweep", over=True)
    since = before[-1].at if before else schedule.made
    lost = starts.missed(calendar, before, since, now - EARLY)
    if due:  # what this start serves has not been missed
        lost = [moment for moment in lost if moment != calendar.latest(now + EARLY)]
    return Night(
        run=going,
        options=(*deadline(schedule, now), *_earlier(schedule, going, runs, done)),
        notes=(missed(schedule, lost),) if lost else (),
    )


def not_due(schedule: Schedule, before: Sequence[Start], now: float) -> str:
    """Why a start by a timer is not to be followed; empty where it is."""
    calendar = schedule.calendar
    time = calendar.latest(now + EARLY)
    if time < schedule.made or any(time - EARLY <= start.at for start in before):
        return f"it is not time; next start: {calendar.stamp(calendar.next(now + EARLY))}"
    end = schedule.ends(time)
    if now >= (time + LATE if end is None else end):
        over = f"after {schedule.until}" if end is not None else "an hour or more too late"
        return f"the start of {calendar.stamp(time)} came {over}, and is left out"
    return ""


def missed(schedule: Schedule, moments: Sequence[float]) -> str:
    """Starts that have not come, in words."""
    named = ", ".join(schedule.calendar.stamp(moment) for moment in moments[:FEW])
    more = f" and {len(moments) - FEW} more" if len(moments) > FEW else ""
    what = "start was" if len(moments) == 1 else "starts were"
    return (
        f"{len(moments)} {what} missed: {named}{more} (this machine, or {schedule.using}, was not "
        "running then)"
    )


def deadline(schedule: Schedule, now: float) -> tuple[str, ...]:
    """The option that ends this night, with its day: the run may have had another night's."""
    end = schedule.ends(now)
    if end is None:
        return ()
    wall = schedule.calendar.shown(end)
    return ("--deadline", f"{wall:%Y-%m-%d %H:%M} {schedule.zone}".rstrip())


def _earlier(
    schedule: Schedule, going: Path | None, runs: Sequence[Path], done: Callable[[Path], bool]
) -> tuple[str, ...]:
    """The latest run that is done, for a new one to learn from."""
    if not schedule.warm_start or going is not None:
        return ()
    latest = next((run for run in reversed(runs) if done(run)), None)
    return ("--from", str(latest)) if latest else ()
