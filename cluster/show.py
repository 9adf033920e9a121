"""What the commands print for people."""

from __future__ import annotations

import math
import time
from datetime import datetime
from pathlib import Path
from typing import Any

import yaml
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..search.budget import clocked, promised
from ..search.contradiction import share
from ..search.lock import holder
from ..search.results import Results
from ..search.space import Choice, Float, Int
from ..search.study import Study
from ..search.summary import show
from ..search.sweep import Sweep
from ..search.units import duration, plural
from .display import RUNGS, counted, ladder, leader, left

LEADERS = 5


def plan(console: Console, sweep: Sweep, file: Path) -> None:
    """What a sweep file will run."""
    say(console, f"{file} is right.")
    study = Study(sweep)
    limit = study.limit
    many = f"As many trials of {sweep.trains} as its budgets or its grid allow"
    what = f"{plural(limit, 'trial')} of {sweep.trains}" if limit else many
    told = [f"{what}, up to {plural(sweep.max_epochs, 'epoch')} each"]
    if sweep.window:
        told.append(f"only in {' and '.join(sweep.window)}")
    told += [*promised(sweep, time.time()), *(metric.describe() for metric in sweep.outcomes)]
    say(console, f"{'; '.join(told)}.")
    if sweep.limit and limit and limit < sweep.limit:
        say(console, f"There are no more configurations, so it will not be {sweep.limit}.")
    rungs = [str(step.epoch) for step in study.ladder[:-1]]
    if rungs and limit:
        if len(rungs) > RUNGS:
            rungs[3:-1] = ["..."]
        say(
            console,
            f"{sweep.scheduler.name} decides at epochs {', '.join(rungs)}: about "
            f"{study.expected_epochs:.0f} of {limit * sweep.max_epochs} epochs will be trained.",
        )
    say(
        console,
        f"{proposer(sweep)} proposes; each trial gets {sweep.resources}; seed {sweep.seed}.",
    )
    table = Table("parameter", "takes", "default", "when", box=None, pad_edge=False)
    for name, value in sweep.parameters.items():
        table.add_row(escape(name), *(escape(cell) for cell in _cells(value)))
    console.print(table)
    if sweep.constraints:
        say(console, f"Of all configurations, about {share(sweep.space):.1%} meet")
    for constraint in sweep.constraints:
        say(console, f"  {constraint}")


def status(console: Console, results: Results) -> None:
    """How a run stands."""
    study = results.study
    say(console, f"{results.sweep.name}: {_state(results)}")
    say(console, counted(study, results.counts))
    say(console, f"best: {leader(study)}")
    console.print(ladder(study))
    running = driver(results) == "running"
    if (shared := results.ledger.shared) and results.sweep.resources.auto:
        say(console, shared.reason)
    if budgets := results.budgets(time.time() if running else None):
        say(console, f"left of its budgets: {', '.join(budget.words for budget in budgets)}")
    if running:
        age = time.time() - max((p.latest for _, p in results.rows()), default=time.time())
        spent = results.ledger.spent(time.time())
        ends = min((b.seconds for b in clocked(study.sweep, spent)), default=math.inf)
        rest = "" if held(results) else left(study, spent.searched, ends)
        say(console, f"last word {duration(age)} ago{rest}")
    elif not results.ledger.done:
        say(console, f"to go on: nightsweep resume {short(results.folder.path)}")


def report(console: Console, results: Results) -> None:
    """What came of a run: in words, and the best configurations as a table."""
    say(console, results.summary())
    if results.best is not None:
        console.print()
        console.print(leaders(results))
    folder = short(results.folder.path)
    say(console, "")
    say(console, f"everything is in {folder}: trials.csv, curves.csv (and .parquet), best/")
    say(console, f'in Python: nightsweep.load("{folder}").trials')


def best(console: Console, results: Results) -> None:
    """The best configuration as YAML, with where it comes from in comments.

    Of several objectives the whole front, a document each.
    """
    names = [metric.name for metric in results.sweep.outcomes]
    for place, found in enumerate(results.leaders):
        if place:
            say(console, "---")
        values = ", ".join(f"{name} {found.metrics[name]:.6g}" for name in names)
        unmet = "" if found.feasible else "; misses the constraints"
        say(console, f"# trial {found.trial}: {values} at epoch {found.epoch}{unmet}")
        if found.checkpoint:
            say(console, f"# its latest checkpoint: {short(found.checkpoint)}")
        say(console, yaml.safe_dump(found.config, sort_keys=False).rstrip())


def leaders(results: Results) -> Table:
    """The best few trials side by side, best first; a line a parameter, so that many fit."""
    outcomes, parameters = results.sweep.outcomes, results.sweep.parameters
    ranked = results.study.front
    if len(results.sweep.objectives) == 1:
        ranked = [known for known in results.study.trials.values() if known.best_epoch]
        ranked.sort(key=lambda known: known.score)
    shown = ranked[:LEADERS]
    table = Table(box=None, pad_edge=False, show_header=False, padding=(0, 2, 0, 0))
    table.add_row("trial", *(f"[bold]{known.id}[/]" for known in shown))
    for name in (metric.name for metric in outcomes):
        values = [f"[bold]{known.best_metrics[name]:.4g}[/]" for known in shown]
        table.add_row(escape(name), *values)
    table.add_row("at epoch", *(str(known.best_epoch) for known in shown))
    table.add_row("status", *(str(results.status(known)) for known in shown))
    for name, parameter in parameters.items():
        if isinstance(parameter, Float | Int | Choice):
            values = [show(known.config[name]) if name in known.config else "" for known in shown]
            table.add_row(f"  {escape(name)}", *(escape(value) for value in values))
    return table


def driver(results: Results) -> str:
    """`running`, `ended`, or `died` where it could not say goodbye."""
    by = holder(results.folder.lock)
    if by is not None and by.alive:
        return "running"
    return "ended" if results.ledger.ended_because else "died"


def held(results: Results) -> str:
    """Why the sweep trains nothing for a while, and since when; empty where it does."""
    ledger = results.ledger
    if not ledger.held or driver(results) != "running":
        return ""
    since = datetime.fromtimestamp(ledger.held_at)
    today = since.date() == datetime.now().date()
    return f"{ledger.held} (since {since:{'%H:%M' if today else '%Y-%m-%d %H:%M'}})"


def short(path: Path) -> str:
    """A path as a person would type it from here."""
    try:
        return str(path.relative_to(Path.cwd()))
    except ValueError:
        return str(path)


def say(console: Console, text: str) -> None:
    """Text as it is: no colours for numbers, no line breaks of our own."""
    console.print(text, highlight=False, soft_wrap=True, markup=False)


def proposer(sweep: Sweep) -> str:
    """Who proposes, and why where that was chosen for the user."""
    chosen = sweep.chosen
    return f"{chosen.sampler.name} ({chosen.why})" if chosen.why else chosen.sampler.name


def _state(results: Results) -> str:
    match driver(results):
        case "running":
            process = f"running, as {by}" if (by := holder(results.folder.lock)) else "running"
            return f"{process}; {why}" if (why := held(results)) else process
        case "died":
            return "its driver died; nothing that was recorded is lost"
    return f"{'done' if results.ledger.done else 'not done'}: {results.ledger.ended_because}"


def _cells(value: Any) -> tuple[str, str, str]:
    if not isinstance(value, Float | Int | Choice):
        return show(value), "", ""
    when = ", ".join(f"{name} is {wanted}" for name, wanted in (value.when or {}).items())
    believed = f" ({value.prior} prior)" if value.prior else ""
    default = "" if value.default is None else show(value.default) + believed
    return value.describe(), default, when
