"""The command line. Exit codes: docs/command-line.md."""

from __future__ import annotations

import json
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ..search.errors import ClusterDownError, NightsweepError, StoppedError
from ..search.results import Results
from . import show, steer
from .console import Console, visible
from .exits import BAD_INPUT, CLUSTER_DOWN, DONE, NOTHING_FOUND, RESUME_ME
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

app = typer.Typer(
    name="nightsweep",
    help="Distributed hyperparameter search for PyTorch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


@app.command()
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


@app.command()
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


@app.command()
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


steer.add_to(app)


@app.command()
def check(file: File, as_json: Json = False) -> None:
    """Check a sweep file and its training function, and say what will run."""
    from ..search.earlier import lessons, told
    from ..search.sweepfile import load
    from ..trainables.function import load as load_function

    sweep = load(file)
    if sweep.train is None:
        raise NightsweepError(
            f"{file}: train is missing; write train: module:function or file.py:function"
        )
    load_function(sweep.train, file.absolute().parent)
    learned = lessons(sweep, file.absolute().parent)
    if as_json:
        _print(sweep.model_dump(mode="json"))
    else:
        show.plan(Console(), sweep, file)
        for lesson in learned:
            show.say(Console(), f"It {told(lesson)}.")


@app.command()
def plan(
    file: File,
    slots: Slots = None,
    epoch_seconds: Annotated[
        float, typer.Option(min=0.001, help="How long an epoch takes, in seconds.")
    ] = 60.0,
    as_json: Json = False,
) -> None:
    """Simulate a sweep: how long it will take, and what other settings would change."""
    from time import time as now

    from ..search.plan import plan as simulated
    from ..search.sweepfile import load
    from . import tell

    sweep = load(file)
    slots = slots or sweep.slots or 1
    found = simulated(sweep, slots=slots, epoch_seconds=epoch_seconds, now=now())
    if as_json:
        variants = [asdict(forecast) for forecast in found]
        _print({"slots": slots, "epoch_seconds": epoch_seconds, "variants": variants})
    else:
        tell.forecasts(Console(), sweep, found, slots, epoch_seconds)


@app.command()
def status(run: Run, as_json: Json = False) -> None:
    """Say how a run stands, whether its driver lives or not."""
    results = Results.load(run)
    if as_json:
        live = {"driver": show.driver(results), "held": show.held(results) or None}
        _print(results.as_json() | live)
    else:
        show.status(Console(), results)


@app.command()
def why(
    run: Run,
    trial: Annotated[int, typer.Argument(help="The trial's number.")],
    as_json: Json = False,
) -> None:
    """Say why a trial was stopped, waits, goes on or failed."""
    from ..search.runfolder import RunFolder
    from ..search.why import load
    from . import tell

    story = load(run, trial)
    if as_json:
        _print(story.as_json())
    else:
        tell.life(Console(), story, RunFolder.open(run))


@app.command()
def report(run: Run, as_json: Json = False) -> None:
    """Write the tables of a run anew, and say in words what came of it."""
    results = Results.load(run)
    paths = results.write()
    if as_json:
        _print(results.as_json() | {"tables": [str(path) for path in paths]})
    else:
        show.report(Console(), results)


@app.command()
def best(run: Run, as_json: Json = False) -> None:
    """Print the best configuration, as YAML; of several objectives, all on the front."""
    results = Results.load(run)
    if results.best is None:
        metric = results.sweep.metric.name
        print(f"no trial has reported a finite {metric} yet", file=sys.stderr)
        raise typer.Exit(NOTHING_FOUND)
    if as_json:
        found = results.as_json()
        several = {"front": found["front"]} if len(results.sweep.objectives) > 1 else {}
        _print(found["best"] | several)
    else:
        show.best(Console(), results)


@app.command()
def init(
    folder: Annotated[Path, typer.Argument(help="Where to write it.")] = Path("."),
) -> None:
    """Write a commented sweep file and a training function to start from."""
    from .initialise import initialise

    files = initialise(folder)
    for file in files:
        print(f"wrote {file}")
    print(f"try it: nightsweep run {files[0]}")


@app.command()
def schema() -> None:
    """Print the JSON Schema of sweep files, with which editors complete them."""
    from ..search.schema import schema as json_schema

    _print(json_schema())


@app.callback(invoke_without_command=True)
def version(
    show_version: Annotated[bool, typer.Option("--version", help="Print the version.")] = False,
) -> None:
    """Distributed hyperparameter search for PyTorch."""
    if show_version:
        from importlib.metadata import version as installed

        print(f"nightsweep {installed('nightsweep')}")
        raise typer.Exit


def main() -> None:
    """The `nightsweep` command: a mistake of the user's is one message, and exit code 2."""
    try:
        app()
    except NightsweepError as error:
        print(f"nightsweep: {visible(str(error))}", file=sys.stderr)
        sys.exit(_code(error))


def _code(error: NightsweepError) -> int:
    match error:
        case ClusterDownError():
            return CLUSTER_DOWN
        case StoppedError():
            return RESUME_ME
        case _:
            return BAD_INPUT


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
        _print(results.as_json())
    else:
        show.report(Console(), results)
    if not results.ledger.done:
        print(f"to go on: nightsweep resume {show.short(results.folder.path)}", file=sys.stderr)
        raise typer.Exit(RESUME_ME)
    raise typer.Exit(DONE if results.best else NOTHING_FOUND)


def _print(values: Any) -> None:
    print(json.dumps(values, indent=2, allow_nan=False, default=str))
