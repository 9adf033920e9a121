"""The commands for jobs: submit, jobs, logs, fetch. `status` and `stop` know jobs too."""

from __future__ import annotations

import json
import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from ...search.brief import brief
from ...search.errors import (
    NOTHING_TRAINS,
    NightsweepError,
    RunFolderError,
    TrainingFunctionError,
)
from ...search.runfolder import RunFolder
from ...search.sites import SITES, SiteName
from ..console import Console
from ..options import Deadline, File, Json, Run, Seed, Slots, Time, Trials, moment, seconds
from ..settings import parsed
from ..steer import driver
from . import record
from .record import Record
from .site import ALIVE, Job, Site, Standing, State
from .sites import site
from .submit import Submitted, jobs, submit, unfinished

RUNS = Path("runs")


def add_to(app: typer.Typer) -> None:
    """Put the commands into the command line."""
    app.command("submit")(send)
    app.command("jobs")(listed)
    for command in (logs, fetch):
        app.command()(command)


def send(
    file: File,
    to: Annotated[str, typer.Option(help="Where: local, ray, slurm or kubernetes.")],
    out: Annotated[
        Path | None, typer.Option(help="The run folder; runs/<name>-<time> without it.")
    ] = None,
    settings: Annotated[
        list[str] | None,
        typer.Option("--set", help="For this job, as under submit in the file: nodes=2."),
    ] = None,
    trials: Trials = None,
    time: Time = None,
    deadline: Deadline = None,
    slots: Slots = None,
    seed: Seed = None,
    begin: Annotated[
        str | None, typer.Option(help="Not before 22:00, or 2026-11-23 22:00, if the site can.")
    ] = None,
    wait: Annotated[
        bool, typer.Option(help="Follow it to its end; submit it again when it has died.")
    ] = False,
    dry_run: Annotated[bool, typer.Option(help="Print what would be submitted, no more.")] = False,
    as_json: Json = False,
) -> None:
    """Submit a sweep as a job; once more is safe, and goes on where it was."""
    from ...search.sweepfile import load, read
    from ..run import new_folder

    given: dict[str, Any] = {
        "trials": trials,
        "time": seconds(time),
        "deadline": moment(deadline),
        "slots": slots,
        "seed": seed,
    }
    texts = {"trials": trials, "time": time, "deadline": deadline, "slots": slots, "seed": seed}
    name = _site_name(to)
    there = site(name)
    if settings:
        given["submit"] = _with(read(file)[0].get("submit"), name, settings)
    sweep = load(file, **given)
    if sweep.trains is None:
        raise TrainingFunctionError(f"{file}: {NOTHING_TRAINS}")
    words = [w for key, text in texts.items() if text is not None for w in (f"--{key}", str(text))]
    run = out or unfinished(file, words, there, jobs(RUNS)) or new_folder(sweep.name)
    job = Job(
        sweep=sweep,
        file=file.absolute(),
        run=run.absolute(),
        words=tuple(words),
        begin=_begin(begin),
        asked=sweep.submit,
    )
    if dry_run:
        print(there.text(job), end="")
        return
    known = record.read(job.run)
    done = submit(job, there, earlier=site(known.site) if known else None)
    _tell(done, run, as_json)
    if wait:
        raise typer.Exit(_follow(job, site(done.site), done))


def _follow(job: Job, there: Site, done: Submitted) -> int:
    from .following import follow

    def show(line: str) -> None:
        print(line, flush=True)

    def say(text: str) -> None:
        print(f"nightsweep: {text}", file=sys.stderr, flush=True)

    return follow(job, there, done.id, show=show, say=say)


def listed(
    folder: Annotated[Path, typer.Argument(help="The folder of run folders.")] = RUNS,
    as_json: Json = False,
) -> None:
    """List the jobs, and how they stand."""
    rows = [(run, known, _standing(run, known)) for run, known in _known(folder)]
    if as_json:
        print(json.dumps([_values(*row) for row in rows], indent=2))
        return
    if not rows:
        print(f"no job was submitted from {folder}; nightsweep submit FILE --to local begins one")
        return
    table = Table("job", "site", "id", "submitted", "state", box=None, pad_edge=False)
    for run, known, standing in rows:
        again = f" ({len(known.sent)} times)" if len(known.sent) > 1 else ""
        when = known.sent[-1].at[:16].replace("T", " ") + again
        table.add_row(str(run), known.site, known.id, when, str(standing))
    Console().print(table)


def logs(
    run: Run,
    follow: Annotated[
        bool, typer.Option("--follow", "-f", help="Go on until the job ends.")
    ] = False,
) -> None:
    """Print what a job has printed."""
    known = _job(run)
    for line in site(known.site).logs(run.absolute(), known.id, follow=follow):
        print(line, flush=True)


def fetch(run: Run) -> None:
    """Copy a job's results into its run folder here."""
    known = _job(run)
    print(site(known.site).fetch(run.absolute(), known.id))


def standing(run: Path) -> str:
    """How the job of a run stands, in a line; empty where it is no job."""
    known = record.read(run)
    if known is None:
        return ""
    return f"job {known.id} at {known.site} is {_standing(run.absolute(), known)}"


def stop(run: Path) -> str:
    """Stop the job of a run, if it is one and lives; what was done, in words."""
    known = record.read(run)
    if known is None:
        return ""
    there = site(known.site)
    now = there.standing(run.absolute(), known.id)
    if now.state not in ALIVE:
        if RunFolder(run).begun and driver(RunFolder(run)) is not None:
            return ""  # it was resumed by hand: its driver is asked
        return f"nothing to do: job {known.id} at {known.site} is {now}"
    return there.stop(run.absolute(), known.id)


def _site_name(to: str) -> SiteName:
    found = next((name for name in SITES if name == to), None)
    if found is None:
        raise NightsweepError(f"--to {to!r} is no site; name one of {', '.join(SITES)}")
    return found


def _with(written: Any, name: SiteName, settings: list[str]) -> dict[str, Any]:
    """`submit` of a sweep file, with `--set` for one site. Errors: NightsweepError."""
    submitted = dict(written) if isinstance(written, dict) else {}
    asked = submitted.get(name) or {}
    if not isinstance(asked, dict):
        raise NightsweepError(f"submit.{name} must be a mapping, not {brief(asked)}")
    return submitted | {name: asked | parsed(settings, "nodes=2")}


def _begin(text: str | None) -> str:
    """`--begin` as sites are told it: local time, to the second. Errors: NightsweepError."""
    if text is None:
        return ""
    from time import time as now

    from ...search.deadline import Deadline as Moment
    from ...search.deadline import due

    try:
        at = due(str(Moment.parse(text)), now())
    except ValueError as error:
        raise NightsweepError(f"--begin: {error}") from None
    from datetime import datetime

    return datetime.fromtimestamp(at).isoformat(timespec="seconds")


def _job(run: Path) -> Record:
    known = record.read(run)
    if known is None:
        raise RunFolderError(f"{run} is no job: nothing was submitted there")
    return known


def _known(folder: Path) -> list[tuple[Path, Record]]:
    return [(run, known) for run in jobs(folder) if (known := record.read(run)) is not None]


def _standing(run: Path, known: Record) -> Standing:
    """As its site says; where the site cannot be asked, that."""
    there: Site = site(known.site)
    try:
        return there.standing(run.absolute(), known.id)
    except NightsweepError as error:
        return Standing(state=State.GONE, detail=str(error))


def _values(run: Path, known: Record, standing: Standing) -> dict[str, Any]:
    return {
        "run": str(run),
        "site": known.site,
        "id": known.id,
        "submitted": [sent.at for sent in known.sent],
        "state": str(standing.state),
        "detail": standing.detail,
    }


def _tell(done: Submitted, run: Path, as_json: bool) -> None:
    if as_json:
        values = {"run": str(run), "site": done.site, "id": done.id, "new": done.new}
        print(json.dumps(values, indent=2))
        return
    print(f"{run}: job {done.id} at {done.site}, {done.said}")
    print(f"to see more: nightsweep jobs, nightsweep logs -f {run}, nightsweep status {run}")
