"""The commands that drive a sweep: run, resume, extend."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, NoReturn

import typer

from ..search.errors import NightsweepError
from ..search.results import Results
from ..search.runfolder import RunFolder
from . import show
from .console import Console
from .exits import DONE, NOTHING_FOUND, RESUME_ME
from .options import (
    Deadline,
    File,
    Json,
    KeepGoing,
    Run,
    Slots,
    Time,
    Trials,
    moment,
    seconds,
)


def add_to(app: typer.Typer) -> None:
    """Put the commands into the command line."""
    for command in (run, resume, extend):
        app.command()(command)


def run(
    file: File,
    out: Annotated[
        Path | None, typer.Option(help="The run folder; runs/<name>-<time> without it.")
    ] = None,
    trials: Trials = None,
    time: Time = None,
    deadline: Deadline = None,
    slots: Slots = None,
    seed: Annotated[int | None, typer.Option(min=0, help="For everything random.")] = None,
    again: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, if one has begun there.")
    ] = False,
    keep_going: KeepGoing = False,
    as_json: Json = False,
) -> None:
    """Run a sweep."""
    from ..search.sweepfile import load
    from .display import choose
    from .run import Source, new_folder, start

    options = {
        "trials": trials,
        "time": seconds(time),
        "deadline": moment(deadline),
        "slots": slots,
        "seed": seed,
    }
    given = {key: value for key, value in options.items() if value is not None}
    if again and out is None:
        raise NightsweepError("--resume goes on with the run in --out; name its folder there")
    if again and out is not None and RunFolder(out).begun:
        return resume(out, trials, time, deadline, slots, keep_going=keep_going, as_json=as_json)
    sweep = load(file, **given)
    if keep_going:
        folder = out or new_folder(sweep.name)
        _supervise(folder, ["run", "--out", str(folder), *_words()[1:]], as_json)
    results = start(
        sweep,
        out=out,
        source=Source(file=file, given=given),
        display=choose(Console(stderr=True)),
    )
    _finish(results, as_json)


def resume(
    run: Run,
    trials: Trials = None,
    time: Time = None,
    deadline: Deadline = None,
    slots: Slots = None,
    as_begun: Annotated[
        bool, typer.Option(help="Leave out what was edited in the sweep file meanwhile.")
    ] = False,
    keep_going: KeepGoing = False,
    as_json: Json = False,
) -> None:
    """Go on with a run after any end, or extend a finished one."""
    if keep_going:
        _supervise(run, _words(), as_json)
    from .display import choose
    from .run import resume as go_on

    results = go_on(
        run,
        changes={
            "trials": trials,
            "time": seconds(time),
            "deadline": moment(deadline),
            "slots": slots,
        },
        as_begun=as_begun,
        display=choose(Console(stderr=True)),
    )
    _finish(results, as_json)


def extend(
    run: Run,
    trials: Annotated[int | None, typer.Option(min=1, help="So many more trials.")] = None,
    time: Annotated[str | None, typer.Option(help="So much more time: 2h.")] = None,
    gpu_hours: Annotated[float | None, typer.Option(min=0.0, help="So many more.")] = None,
    max_epochs: Annotated[
        int | None, typer.Option(min=1, help="The new last epoch; the best go on to it.")
    ] = None,
    as_json: Json = False,
) -> None:
    """Give a run more trials, time or epochs, and go on with it."""
    from .display import choose
    from .extend import extended
    from .run import resume as go_on

    more = extended(
        Results.load(run),
        trials=trials,
        time=seconds(time),
        gpu_hours=gpu_hours,
        max_epochs=max_epochs,
    )
    _finish(go_on(run, changes=more, display=choose(Console(stderr=True))), as_json)


def _supervise(folder: Path, words: list[str], as_json: bool) -> NoReturn:
    """Do what the command says in a driver of its own, and again when it died."""
    from .supervise import Supervisor

    console = Console(stderr=True)

    def say(text: str) -> None:
        console.show_cursor()  # a driver that was killed has left it hidden
        console.print(f"nightsweep: {text}", highlight=False, soft_wrap=True, markup=False)

    again = words if words[0] == "resume" else ["resume", str(folder), *["--json"][:as_json]]
    # -P: without it Python would look for every module in the working directory first.
    python = [sys.executable, "-P", "-m", "nightsweep"]
    raise typer.Exit(Supervisor(folder, python + words, python + again, say).run())


def _words() -> list[str]:
    """The command as it was given, for a driver of its own."""
    return [word for word in sys.argv[1:] if word != "--keep-going"]


def _finish(results: Results, as_json: bool) -> None:
    if as_json:
        print(json.dumps(results.as_json(), indent=2, allow_nan=False, default=str))
    else:
        show.report(Console(), results)
    if not results.ledger.done:
        print(f"to go on: nightsweep resume {show.short(results.folder.path)}", file=sys.stderr)
        raise typer.Exit(RESUME_ME)
    raise typer.Exit(DONE if results.best else NOTHING_FOUND)
