"""The commands that drive a sweep: run, resume, extend."""

from __future__ import annotations

import json
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Annotated, Any, NoReturn

import typer

from ..search.errors import NightsweepError
from ..search.results import Results
from ..search.runfolder import RunFolder
from . import show
from .console import Console
from .exits import DONE, NOTHING_FOUND, RESUME_ME
from .options import (
    DataPaths,
    Deadline,
    Json,
    KeepGoing,
    OnCluster,
    Run,
    Seed,
    Settings,
    Slots,
    Target,
    Time,
    Trainable,
    Trials,
    cluster,
    moment,
    seconds,
)
from .settings import asked, from_here, without_file


def add_to(app: typer.Typer) -> None:
    """Put the commands into the command line."""
    for command in (run, resume, extend):
        app.command()(command)


def run(
    file: Annotated[
        Path | None, typer.Argument(help="The sweep file: YAML, TOML or JSON.")
    ] = None,
    trainable: Trainable = None,
    data: DataPaths = None,
    target: Target = None,
    settings: Settings = None,
    out: Annotated[
        Path | None, typer.Option(help="The run folder; runs/<name>-<time> without it.")
    ] = None,
    trials: Trials = None,
    time: Time = None,
    deadline: Deadline = None,
    slots: Slots = None,
    seed: Seed = None,
    earlier: Annotated[
        list[str] | None,
        typer.Option("--from", help="An earlier run whose results are used, beside the file's."),
    ] = None,
    again: Annotated[
        bool, typer.Option("--resume", help="Go on with the run in --out, if one has begun there.")
    ] = False,
    address: OnCluster = None,
    keep_going: KeepGoing = False,
    as_json: Json = False,
) -> None:
    """Run a sweep: of a file, or of a ready-made trainable on your data."""
    from ..search.sweep import Sweep
    from ..search.sweepfile import load, read
    from .display import choose
    from .run import Source, new_folder, start

    options = {
        "trials": trials,
        "time": seconds(time),
        "deadline": moment(deadline),
        "slots": slots,
        "seed": seed,
    }
    written = read(file)[0] if file else {}
    given: dict[str, Any] = {k: value for k, value in options.items() if value is not None}
    paths = from_here(data or ()) if file else data or ()
    given |= asked(written, trainable, paths, target, settings or ())
    given |= _with(written, earlier or [])
    if again and out is None:
        raise NightsweepError("--resume goes on with the run in --out; name its folder there")
    if again and out is not None and RunFolder(out).begun:
        if keep_going:
            _supervise(out, _words(), as_json, address)
        more = {key: options[key] for key in ("trials", "time", "deadline", "slots")}
        more |= {key: given[key] for key in ("trainable", "data") if key in given}
        return _go_on(out, more, as_json, file=file, address=cluster(address))
    sweep = load(file, **given) if file else Sweep(**without_file(given))
    on = cluster(address)
    if keep_going:
        folder = out or new_folder(sweep.name)
        _supervise(folder, ["run", "--out", str(folder), *_words()[1:]], as_json, address)
    results = start(
        sweep,
        out=out,
        source=Source(file=file, given=given),
        display=choose(Console(stderr=True)),
        address=on,
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
    address: OnCluster = None,
    keep_going: KeepGoing = False,
    as_json: Json = False,
) -> None:
    """Go on with a run after any end, or extend a finished one."""
    on = cluster(address)
    if keep_going:
        _supervise(run, _words(), as_json, address)
    changes = {
        "trials": trials,
        "time": seconds(time),
        "deadline": moment(deadline),
        "slots": slots,
    }
    _go_on(run, changes, as_json, as_begun=as_begun, address=on)


def _go_on(run: Path, changes: dict[str, Any], as_json: bool, **how: Any) -> None:
    from .display import choose
    from .run import resume as go_on

    _finish(go_on(run, changes=changes, display=choose(Console(stderr=True)), **how), as_json)


def extend(
    run: Run,
    trials: Annotated[int | None, typer.Option(min=1, help="So many more trials.")] = None,
    time: Annotated[str | None, typer.Option(help="So much more time: 2h.")] = None,
    gpu_hours: Annotated[float | None, typer.Option(min=0.0, help="So many more.")] = None,
    max_epochs: Annotated[
        int | None, typer.Option(min=1, help="The new last epoch; the best go on to it.")
    ] = None,
    address: OnCluster = None,
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
    on, display = cluster(address), choose(Console(stderr=True))
    _finish(go_on(run, changes=more, display=display, address=on), as_json)


def _supervise(folder: Path, words: list[str], as_json: bool, address: str | None) -> NoReturn:
    """Do what the command says in a driver of its own, and again when it died."""
    from .supervise import Supervisor

    console = Console(stderr=True)

    def say(text: str) -> None:
        console.show_cursor()  # a driver that was killed has left it hidden
        console.print(f"nightsweep: {text}", highlight=False, soft_wrap=True, markup=False)

    resuming = words_again(words, folder, address=address, as_json=as_json)
    # -P: without it Python would look for every module in the working directory first.
    python = [sys.executable, "-P", "-m", "nightsweep"]
    raise typer.Exit(Supervisor(folder, python + words, python + resuming, say).run())


def words_again(
    words: list[str], folder: Path, *, address: str | None, as_json: bool
) -> list[str]:
    """The command that goes on with a run which `words` have begun, or gone on with."""
    if words[0] == "resume":
        return words
    cluster = [] if address is None else ["--address", address]
    return ["resume", str(folder), *cluster, *["--json"][:as_json]]


def _with(written: Mapping[str, Any], earlier: Sequence[str]) -> dict[str, Any]:
    """`from` of a sweep file, and more earlier runs."""
    from ..search.earlier import absolute

    if not earlier:
        return {}
    there = written.get("from") or []
    there = there if isinstance(there, list) else [there]
    return {"from": [*there, *map(absolute, earlier)]}


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
