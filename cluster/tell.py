"""What `why` and `plan` print for people."""

from __future__ import annotations

from collections.abc import Sequence

from rich.console import Console
from rich.markup import escape
from rich.table import Table

from ..search.lock import holder
from ..search.plan import Forecast
from ..search.runfolder import RunFolder
from ..search.story import Judged, Neighbour, Stand, Story
from ..search.summary import show
from ..search.sweep import Sweep
from ..search.units import duration, plural
from .display import RUNGS
from .show import say, short

CHANCE = ("random", "grid", "qmc")  # samplers that learn nothing
# Measured on the curves of search/plan.py, whose docstring says more.
LEARNING = (
    "Proposals are random here. A sampler that learns takes more trials further: on curves like "
    "these up to a quarter more epochs."
)


def life(console: Console, story: Story, folder: RunFolder) -> None:
    """A trial's life: the answer, what it is, how it stood at each decision, what happened."""
    say(console, f"{story.answer} {story.otherwise}".rstrip())
    say(console, "")
    config = ", ".join(f"{name} {show(value)}" for name, value in story.config.items())
    say(console, f"tries {config} ({story.origin})")
    if story.judged:
        console.print(_decisions(story))
    say(console, "")
    for time, what in _course(story):
        say(console, f"{duration(time - story.began):>10}  {what}")
    if story.traceback:
        say(console, f"\n{story.traceback.rstrip()}")
    log = folder.trial(story.trial) / "log.txt"
    if log.exists():
        say(console, f"\nwhat it printed: {short(log)}")
    driver = holder(folder.lock)
    if story.status.ended:
        return
    if driver is None or not driver.alive:
        say(console, f"\nno driver is at work; to go on: nightsweep resume {short(folder.path)}")
    elif story.held:
        say(console, f"\nnothing trains now: the sweep is {story.held}")


def _decisions(story: Story) -> Table:
    """How it stood among the others, at each epoch where it was decided on."""
    table = Table(box=None, pad_edge=False)
    for title in ("epoch", escape(story.metric), "rank then", "now", "above it now", "below it"):
        table.add_column(title, justify="right")
    for judged in story.judged:
        table.add_row(
            str(judged.epoch),
            f"{judged.value:.4g}",
            _rank(judged.then),
            _rank(judged.now),
            _beside(judged.above),
            _beside(judged.below),
        )
    return table


def _rank(stand: Stand) -> str:
    return f"{stand.rank} of {stand.of}"


def _beside(neighbour: Neighbour | None) -> str:
    return f"trial {neighbour.trial}: {neighbour.value:.4g}" if neighbour else ""


def _course(story: Story) -> list[tuple[float, str]]:
    """All that happened, in order of time; of decisions those that ended its stay in a slot."""
    told = [(happened.time, happened.what) for happened in story.happened]
    told += [(j.time, _verdict(j)) for j in story.judged if j.decision != "continue"]
    return sorted(told, key=lambda line: line[0])


def _verdict(judged: Judged) -> str:
    word = "was paused" if judged.decision == "pause" else "was stopped"
    return f"{word} at epoch {judged.epoch}: {judged.words}"


def forecasts(
    console: Console, sweep: Sweep, found: Sequence[Forecast], slots: int, seconds: float
) -> None:
    """What a sweep will take, and what it would take with other settings of its scheduler."""
    first = found[0]
    say(
        console,
        f"{sweep.name}, simulated on {plural(slots, 'slot')} with {duration(seconds)} an epoch: "
        f"{_number(first.epochs)} epochs ({first.fewest:,} to {first.most:,}, as luck has it) in "
        f"{duration(first.seconds)}.",
    )
    say(console, f"Trials that train to epoch {_reached(first)}.")
    say(console, "")
    unit, hours = ("GPU", "gpu_hours") if sweep.resources.gpus else ("CPU", "cpu_hours")
    table = Table(box=None, pad_edge=False)
    table.add_column("variant", no_wrap=True)
    for title in ("trials", "to the end", "epochs", "time", f"{unit}-hours", "first"):
        table.add_column(title, justify="right", no_wrap=True)
    for forecast in found:
        table.add_row(
            escape(forecast.variant),
            _number(forecast.trials),
            _number(forecast.completed),
            _number(forecast.epochs),
            duration(forecast.seconds),
            _number(getattr(forecast, hours)),
            "never" if forecast.first is None else duration(forecast.first),
        )
    console.print(table)
    say(console, "")
    say(console, "first: when the first trial is trained to its end.")
    if sweep.sampler.name not in CHANCE:
        say(console, LEARNING)


def _reached(forecast: Forecast) -> str:
    """`1: 60, 3: 21.9, 9: 8.2`; the first and the last few, where there are many."""
    told = [f"{epoch}: {_number(trials)}" for epoch, trials in forecast.reached.items()]
    if len(told) > RUNGS:
        told[3:-1] = ["..."]
    return ", ".join(told)


def _number(count: float) -> str:
    """A mean: with a decimal while that tells something."""
    return f"{count:,.0f}" if count >= 100 or count == int(count) else f"{count:.1f}"
