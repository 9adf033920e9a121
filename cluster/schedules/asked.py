"""From the words of `nightsweep schedule` to an entry and its timer, and those put in place."""

from __future__ import annotations

import re
import shutil
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from ...search.brief import brief
from ...search.errors import NightsweepError
from ...search.nearest import did_you_mean
from ...search.sites import SITES, SiteName
from ...search.sweep import LONGEST_NAME, Sweep
from ...search.sweepfile import load
from ...search.zone import zone as known_zone
from ...trainables.ready import chosen as trained
from .calendar import DAILY, days, wall
from .schedule import ONE_RUN, Place, Schedule, Using, home
from .script import script
from .soon import pace, refuse_short
from .timer import Entry, Timer
from .timers import USING, choose, system_zone

NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]*")
TOLD: dict[Using, str] = {
    "cron": "in the crontab",
    "systemd": "for the user's systemd",
    "scrontab": "for scrontab",
    "slurm": "for sbatch",
    "kubernetes": "for kubectl apply",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """The options, as they were written."""

    at: str
    until: str | None = None
    days: str | None = None
    zone: str | None = None
    to: str | None = None
    using: str | None = None
    name: str | None = None
    once: bool = False
    warm_start: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """An entry, its timer, and why it is that one."""

    entry: Entry
    timer: Timer
    why: str


def chosen(
    file: Path,
    asked: Asked,
    timers: Mapping[Using, Timer],
    environ: Mapping[str, str],
    now: float,
    *,
    dry: bool = False,
) -> Chosen:
    """What is to be written, checked; `dry`: only to be read. Errors: NightsweepError."""
    using, to = _using(asked.using), _site(asked)
    if using in ONE_RUN and to != using:
        raise NightsweepError(f"--using {using} starts jobs of its own: leave out --to {to}")
    times = _times(asked, environ)
    sweep = load(file)
    place = _new(asked.name or sweep.name, environ)
    timer, why = choose(timers, to, using, one_night=asked.days is None, unseen=dry)
    _refuse(timer.name, to, asked, sweep)
    schedule = Schedule(
        name=place.path.name,
        file=file.absolute(),
        folder=Path.cwd(),
        to=to,
        using=timer.name,
        once=asked.once or timer.name in ONE_RUN,
        warm_start=asked.warm_start,
        made=now,
        **times,
    )
    trained(sweep, file.absolute().parent)
    refuse_short(schedule, sweep, pace(file, Path("runs")))
    entry = Entry(schedule=schedule, place=place, sweep=sweep)
    return Chosen(entry=entry, timer=timer, why=why)


def _refuse(using: Using, to: SiteName, asked: Asked, sweep: Sweep) -> None:
    """What a timer or a site cannot do."""
    if using == "slurm" and asked.days is not None:
        raise NightsweepError(
            "--using slurm waits in the queue for one night, the next; leave out --days, or have "
            "each night submitted by --using cron"
        )
    away = to == "kubernetes" or (to == "ray" and sweep.submit.ray.runs is not None)
    if asked.warm_start and away:
        raise NightsweepError(
            "--warm-start needs the earlier run where the new one is, and runs lie elsewhere with "
            f"--to {to}; leave it out, or write from: in the sweep file"
        )
    if using in ONE_RUN and asked.warm_start:
        raise NightsweepError(
            f"--warm-start needs a new run for each new sweep, and {using} is given one run for "
            "all nights; leave it out, or add --using cron"
        )


def text(chosen: Chosen, environ: Mapping[str, str]) -> str:
    """All that `put` writes, for people to read first."""
    entry, using = chosen.entry, chosen.timer.name
    told = f"# {TOLD[using]}\n{chosen.timer.text(entry)}"
    if using in ONE_RUN:
        return told
    return f"{told}\n# {entry.place.script}\n{_script(entry, environ)}"


def put(chosen: Chosen, environ: Mapping[str, str]) -> Entry:
    """Write the schedule's folder, and tell its timer. Errors: NightsweepError; nothing stays."""
    entry, place = chosen.entry, chosen.entry.place
    try:
        if place.path.exists():  # left by a crash before anything was told to a timer
            shutil.rmtree(place.path)
        place.path.mkdir(parents=True, mode=0o700)
        place.script.write_text(_script(entry, environ), encoding="utf-8")
        place.script.chmod(0o700)
    except OSError as error:
        raise NightsweepError(f"{place.path} cannot be written: {error.strerror}") from None
    try:
        place.write(entry.schedule)  # first: a timer without it would start nothing
        made = chosen.timer.add(entry)
        if made != entry.schedule:
            place.write(made)
    except NightsweepError:
        shutil.rmtree(place.path, ignore_errors=True)
        raise
    return replace(entry, schedule=made)


def _script(entry: Entry, environ: Mapping[str, str]) -> str:
    setup = entry.sweep.submit.local.setup if entry.sweep and entry.schedule.to == "local" else ()
    return script(entry.schedule, entry.place, environ, setup)


def _times(asked: Asked, environ: Mapping[str, str]) -> dict[str, Any]:
    try:
        at = wall(asked.at, "--at")
        until = wall(asked.until, "--until") if asked.until is not None else None
        on = days(asked.days) if asked.days is not None else DAILY
        zone = known_zone(asked.zone).key if asked.zone else _zone(environ)
    except ValueError as error:
        raise NightsweepError(str(error)) from None
    if at == until:
        raise NightsweepError(
            f"--until {asked.until} is when it starts; without it a sweep ends by itself"
        )
    return {
        "at": f"{at:%H:%M}",
        "until": f"{until:%H:%M}" if until else None,
        "days": tuple(sorted(on)),
        "zone": zone,
    }


def _zone(environ: Mapping[str, str]) -> str:
    """The zone that the user's clock shows, by its name; empty where it has none."""
    try:
        return (
            known_zone(environ.get("TZ", "").lstrip(":")).key
            if environ.get("TZ")
            else (system_zone())
        )
    except ValueError:
        return ""


def _new(name: str, environ: Mapping[str, str]) -> Place:
    if len(name) > LONGEST_NAME or not NAME.fullmatch(name):
        raise NightsweepError(
            f"--name {brief(name)}: a schedule's name has letters, digits, dots, - and _, at most "
            f"{LONGEST_NAME}; give another by --name"
        )
    place = Place(home(environ) / name)
    if place.record.exists():
        raise NightsweepError(
            f"{name} is scheduled already ({place.read().hours}); nightsweep unschedule {name} "
            "first, or give this one another --name"
        )
    return place


def _using(word: str | None) -> Using | None:
    found = next((name for name in USING if name == word), None)
    if word is not None and found is None:
        raise NightsweepError(f"--using {brief(word)}: write {did_you_mean(word, USING)}")
    return found


def _site(asked: Asked) -> SiteName:
    own = {"scrontab": "slurm", "slurm": "slurm", "kubernetes": "kubernetes"}
    word = asked.to or own.get(asked.using or "", "local")
    found = next((name for name in SITES if name == word), None)
    if found is None:
        raise NightsweepError(f"--to {brief(word)}: write {did_you_mean(word, list(SITES))}")
    return found
