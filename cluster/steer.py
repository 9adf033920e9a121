"""Commands to the driver of a run, from any host that shares its folder: pause, continue, stop."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Annotated

import typer

from ..search.errors import NightsweepError
from ..search.lock import Holder, holder
from ..search.runfolder import RunFolder
from .requests import Answer, Posted, Request, post

WAIT = 10.0  # seconds for an answer; a driver looks every second, once its Ray is up
LOOK = 0.1  # seconds between two looks for it

Run = Annotated[Path, typer.Argument(help="The run folder.")]


def add_to(app: typer.Typer) -> None:
    """Put the commands into the command line."""
    app.command()(pause)
    app.command("continue")(go_on)
    app.command()(stop)


def pause(run: Run) -> None:
    """Save what trains, and leave CPUs and GPUs to others until `continue`."""
    said = ask(run, Request(ask="pause"))
    print(f"{said}; nightsweep continue {run} goes on" if said else standing(run))


def go_on(run: Run) -> None:
    """Go on with a run that is paused, or outside its window."""
    print(ask(run, Request(ask="continue")) or standing(run))


def stop(
    run: Run,
    trial: Annotated[
        int | None, typer.Option(min=1, help="Only this trial; the sweep goes on.")
    ] = None,
) -> None:
    """Stop a run cleanly, or one of its trials for good."""
    from .jobs import commands as jobs  # its sites ask drivers too

    if trial is None and (said := jobs.stop(run)):
        print(f"{said}; nightsweep submit goes on" if "nothing to do" not in said else said)
        return
    if trial is None and driver(RunFolder.open(run)) is None:
        print(f"nothing to do: no driver is at work in {run}")
        return
    said = ask(run, Request(ask="stop", trial=trial))
    ends = f"; nightsweep resume {run} goes on" if trial is None else ""
    print(f"{said}{ends}" if said else standing(run))


def ask(
    run: Path,
    request: Request,
    *,
    sleep: Callable[[float], None] = time.sleep,
    wait: float = WAIT,
) -> str:
    """What the driver says has come of it; empty where it has not answered yet.

    Errors: NightsweepError where no driver is at work, or it refuses.
    """
    folder = RunFolder.open(run)
    if driver(folder) is None:
        raise _nobody(run)
    beat = _beat(folder)
    posted = post(folder, request)
    answer = _wait(posted, folder, sleep, round(wait / LOOK))
    if answer is None and driver(folder) is None:
        posted.withdraw()
        raise _nobody(run)
    if answer is None and not posted.stands:
        raise NightsweepError(f"the driver of {run} has just begun anew; ask again")
    if answer is None and _beat(folder) == beat:
        raise NightsweepError(
            f"{driver(folder)} has shown no sign of life for {wait:.0f} s; if it has gone with "
            f"its machine: nightsweep resume {run}"
        )
    if answer is not None and answer.refused:
        raise NightsweepError(answer.said)
    return answer.said if answer else ""


def driver(folder: RunFolder) -> Holder | None:
    """Who drives the run, unless it is known to be dead."""
    held = holder(folder.lock)
    return held if held is not None and held.alive else None


def standing(run: Path) -> str:
    """What to say of a request that waits for the driver to look."""
    who = driver(RunFolder.open(run)) or "its driver"
    return f"{who} has not answered yet: it will be done as soon as it looks (Ray may be starting)"


def _wait(
    posted: Posted, folder: RunFolder, sleep: Callable[[float], None], looks: int
) -> Answer | None:
    for _ in range(looks):
        if (answer := posted.answer()) is not None:
            return answer
        if driver(folder) is None:
            break
        sleep(LOOK)
    return posted.answer()


def _beat(folder: RunFolder) -> int:
    """Changes every few seconds while the driver lives."""
    try:
        return folder.lock.stat().st_mtime_ns
    except OSError:
        return 0


def _nobody(run: Path) -> NightsweepError:
    return NightsweepError(
        f"no driver is at work in {run}, so there is nobody to ask; to start one: nightsweep "
        f"resume {run}"
    )
