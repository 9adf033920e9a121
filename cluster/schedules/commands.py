"""The commands for schedules: schedule, schedules, unschedule, tonight."""

from __future__ import annotations

import json
import os
import time
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from ...search.errors import NightsweepError
from ..console import Console
from ..options import File, Json

if TYPE_CHECKING:
    from .schedule import Place, Using
    from .timer import Timer

Name = Annotated[str, typer.Argument(help="The schedule's name.")]


def add_to(app: typer.Typer) -> None:
    """Put the commands into the command line."""
    for command in (schedule, schedules, unschedule, tonight):
        app.command()(command)


def schedule(
    file: File,
    at: Annotated[str, typer.Option(help="When to start: 22:00.")],
    until: Annotated[
        str | None, typer.Option(help="When to end; the next morning, if earlier: 07:00.")
    ] = None,
    days: Annotated[
        str | None, typer.Option(help="On which days: daily (without it), mon-fri, sat,sun.")
    ] = None,
    zone: Annotated[
        str | None, typer.Option(help="The time zone, Europe/Berlin; yours without it.")
    ] = None,
    to: Annotated[
        str | None, typer.Option(help="Where it runs: local (without it), ray, slurm, kubernetes.")
    ] = None,
    using: Annotated[
        str | None,
        typer.Option(help="By what: systemd, cron, scrontab, slurm or kubernetes."),
    ] = None,
    name: Annotated[str | None, typer.Option(help="Its name; the sweep's without it.")] = None,
    once: Annotated[bool, typer.Option("--once", help="No more nights after one sweep.")] = False,
    warm_start: Annotated[
        bool, typer.Option("--warm-start", help="A new sweep uses the results of the last.")
    ] = False,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Print it, write nothing.")] = False,
) -> None:
    """Start a sweep at a time of the day; each night goes on where the last one ended."""
    from . import asked, told
    from .timers import lingering

    words = asked.Asked(
        at=at,
        until=until,
        days=days,
        zone=zone,
        to=to,
        using=using,
        name=name,
        once=once,
        warm_start=warm_start,
    )
    timers = _timers()
    chosen = asked.chosen(file, words, timers, os.environ, time.time(), dry=dry_run)
    if dry_run:
        print(asked.text(chosen, os.environ), end="")
        return
    entry = asked.put(chosen, os.environ)
    for said in told.made(entry, chosen.why, os.environ, lingers=lingering(timers)):
        print(said)


def schedules(as_json: Json = False) -> None:
    """List the schedules: when each starts next, and what came of the last start."""
    from ..show import say
    from .schedule import home, places
    from .told import line

    timers, now = _timers(), time.time()
    lines = [line(place, timers[place.read().using], now) for place in places(home(os.environ))]
    if as_json:
        print(json.dumps([line.as_json() for line in lines], indent=2))
        return
    if not lines:
        print("nothing is scheduled; nightsweep schedule FILE --at 22:00 begins")
        return
    for found in lines:
        for text in found.lines:
            say(Console(), text)


def unschedule(name: Name) -> None:
    """End a schedule. A night that is at work goes on; run folders stay."""
    from .schedule import home, place

    print(_remove(place(home(os.environ), name)))


def tonight(
    name: Name,
    due: Annotated[
        bool, typer.Option("--due", help="Only if it is time, as start.sh says.")
    ] = False,
) -> None:
    """Start the night of a schedule now."""
    from ..jobs.sites import site
    from .drive import drive, say
    from .schedule import home, place
    from .tonight import Hands
    from .tonight import tonight as start

    found = place(home(os.environ), name)
    hands = Hands(clock=time.time, say=say, drive=drive, site=site, remove=_remove)
    _enter(found.read().folder, name)
    raise typer.Exit(start(found, hands, due=due))


def _enter(folder: Path, name: str) -> None:
    try:
        os.chdir(folder)
    except OSError as error:
        raise NightsweepError(
            f"{folder}, where {name} was scheduled, cannot be entered: {error.strerror}; if it "
            f"was moved, say nightsweep unschedule {name}, and schedule it again where it is now"
        ) from None


def _remove(place: Place) -> str:
    """Take a schedule from its timer, and away; what was done, in words."""
    import shutil

    from .timer import Entry

    name, known = place.path.name, place.read()
    entry = Entry(schedule=known, place=place)
    said = _timers()[known.using].remove(entry)
    shutil.rmtree(place.path)
    more = f" ({said})" if said else ""
    return f"{name} is scheduled no more{more}; its run folders stay"


def _timers() -> dict[Using, Timer]:
    from .timers import USING, system_zone, timer

    return {using: timer(using, os.environ, system_zone()) for using in USING}
