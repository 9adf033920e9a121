"""The command line. Exit codes: docs/command-line.md."""

from __future__ import annotations

import json
import os
import shlex
import sys
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from ..search.errors import ClusterDownError, NightsweepError, StoppedError
from ..search.results import Results
from ..search.runfolder import RunFolder
from . import drive, importing, show, steer
from .console import Console, visible
from .doctor import command as doctor
from .exits import BAD_INPUT, CLUSTER_DOWN, NOTHING_FOUND, RESUME_ME
from .jobs import commands as jobs
from .options import DataPaths, File, Json, Run, Settings, Slots, Target, Trainable
from .schedules import commands as schedules
from .settings import asked, without_file

app = typer.Typer(
    name="nightsweep",
    help="Distributed hyperparameter search for PyTorch.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,
    context_settings={"help_option_names": ["-h", "--help"]},
)


drive.add_to(app)
jobs.add_to(app)
steer.add_to(app)
schedules.add_to(app)
doctor.add_to(app)
importing.add_to(app)


@app.command()
def check(file: File, as_json: Json = False) -> None:
    """Check a sweep file and its training function, and say what will run."""
    from ..search.earlier import lessons, told
    from ..search.sweepfile import load
    from ..trainables.ready import chosen
    from .joining.project import check_data

    sweep = load(file)
    chosen(sweep, file.absolute().parent)
    check_data(sweep, file.absolute().parent, str(file))
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
    if job := jobs.standing(run):
        print(job, file=sys.stderr if as_json else sys.stdout)
        if not RunFolder(run).begun:
            return
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
    trainable: Trainable = None,
    data: DataPaths = None,
    target: Target = None,
    settings: Settings = None,
) -> None:
    """Write a sweep file to start from, with a training function or for a ready-made trainable."""
    from ..search.sweep import Sweep
    from .initialise import initialise

    given = asked({}, trainable, data or (), target, settings or ())
    files = initialise(folder, Sweep(**without_file(given)) if given else None)
    for file in files:
        print(f"wrote {file}")
    print(f"try it: nightsweep run {shlex.quote(str(files[0]))}")


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
        if isinstance(error, ClusterDownError) and error.held:
            sys.stdout.flush()
            sys.stderr.flush()
            os._exit(CLUSTER_DOWN)
        sys.exit(_code(error))


def _code(error: NightsweepError) -> int:
    match error:
        case ClusterDownError():
            return CLUSTER_DOWN
        case StoppedError():
            return RESUME_ME
        case _:
            return BAD_INPUT


def _print(values: Any) -> None:
    print(json.dumps(values, indent=2, allow_nan=False, default=str))
