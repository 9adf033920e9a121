"""What a sweep shows while it runs: a live table in a terminal, plain lines anywhere else."""

from __future__ import annotations

import contextlib
import math
import re
import time
from collections.abc import Callable, Iterator, Mapping
from typing import Protocol

from rich.console import Console, Group
from rich.live import Live
from rich.markup import escape
from rich.table import Table
from rich.text import Text

from ..search.record import Status
from ..search.runfolder import RunFolder
from ..search.schedulers import Step
from ..search.study import Study
from ..search.summary import WORDS
from ..search.units import duration

REFRESH = 0.5  # seconds
NEWS = 30.0  # seconds between plain lines when nothing new is found
FLOOD = 1.0  # and at least, when much is
BAR = 24  # characters
RUNGS = 12  # lines of the ladder, at most


class Display(Protocol):
    """Shows a search. `slots` is how many trials may run at once, once that is known."""

    slots: int

    def note(self, text: str) -> None:
        """Say something, once."""
        ...

    def showing(self, study: Study, folder: RunFolder) -> contextlib.AbstractContextManager[None]:
        """Show this study meanwhile."""
        ...

    def update(self, busy: int, notice: str, searched: float, ends: float = math.inf) -> None:
        """Look again: slots busy, something to say (or empty), seconds searched, and seconds
        until a budget ends the search at the latest."""
        ...


class Silent:
    """Shows nothing."""

    slots = 0

    def note(self, text: str) -> None:
        """Nothing to show."""

    @contextlib.contextmanager
    def showing(self, study: Study, folder: RunFolder) -> Iterator[None]:
        yield

    def update(self, busy: int, notice: str, searched: float, ends: float = math.inf) -> None:
        """Nothing to show."""


class Plain:
    """A line when the best changes, and now and then."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.slots = 0
        self._console = console
        self._clock = clock
        self._best: tuple[int, int] | None = None
        self._next = self._earliest = 0.0
        self._notice = ""

    def note(self, text: str) -> None:
        self._say(text)

    @contextlib.contextmanager
    def showing(self, study: Study, folder: RunFolder) -> Iterator[None]:
        self._study = study
        self._say(f"{study.sweep.name}: starting Ray; the run is in {folder.path}")
        yield

    def update(self, busy: int, notice: str, searched: float, ends: float = math.inf) -> None:
        study, now = self._study, self._clock()
        # One that goes on counting is said once.
        kind = re.sub(r"\d+", "", notice.partition(";")[0])
        if kind and kind != self._notice:
            self._say(f"{duration(searched)}: {notice}")
        self._notice = kind
        if notice and not busy:
            return  # nothing trains: there will be no news
        best = (study.best.id, study.best.best_epoch) if study.best else None
        if now < (self._next if best == self._best else self._earliest):
            return
        self._best, self._next, self._earliest = best, now + NEWS, now + FLOOD
        self._say(
            f"{duration(searched)}: {counted(study)}; {leader(study)}{left(study, searched, ends)}"
        )

    def _say(self, text: str) -> None:
        with contextlib.suppress(OSError):  # what is said may go to a file, on a disk that is full
            self._console.print(text, highlight=False, soft_wrap=True, markup=False)


class InTerminal:
    """A live picture: trials by state, the rung ladder, the best so far, the time left."""

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self.slots = 0
        self._console = console
        self._clock = clock
        self._next = 0.0
        self._best: tuple[int, int] | None = None
        self._best_at = 0.0

    def note(self, text: str) -> None:
        self._console.print(text, highlight=False, soft_wrap=True, markup=False)

    @contextlib.contextmanager
    def showing(self, study: Study, folder: RunFolder) -> Iterator[None]:
        self._study, self._folder = study, folder
        with Live(
            Text(f"{study.sweep.name}: starting Ray ..."),
            console=self._console,
            auto_refresh=False,
            transient=True,
        ) as self._live:
            self._live.refresh()
            yield

    def update(self, busy: int, notice: str, searched: float, ends: float = math.inf) -> None:
        now, best = self._clock(), self._study.best
        if best is not None and (best.id, best.best_epoch) != self._best:
            self._best, self._best_at = (best.id, best.best_epoch), searched
        if now < self._next:
            return
        self._next = now + REFRESH
        self._live.update(self._picture(busy, notice, searched, ends), refresh=True)

    def _picture(self, busy: int, notice: str, searched: float, ends: float) -> Group:
        study = self._study
        when = f", {duration(searched - self._best_at)} ago" if study.best else ""
        lines = [
            f"[bold]{escape(study.sweep.name)}[/]  {duration(searched)}"
            f"{left(study, searched, ends)}  slots {busy} of {self.slots} busy",
            counted(study),
            f"best: {escape(leader(study))}{when}",
            f"[yellow]{escape(notice)}[/]" if notice else "",
            f"[dim]{escape(str(self._folder.path))}[/]",
        ]
        return Group(*(Text.from_markup(line) for line in lines if line), ladder(study))


def counted(study: Study, counts: Mapping[Status, int] | None = None) -> str:
    """`12 of 60 trials: 3 in training, ...`; `counts` instead of the Study's own."""
    counts, limit = study.counts if counts is None else counts, study.limit
    of = f" of {limit}" if limit else ""
    ends = ", ".join(f"{counts[s]} {words}" for s, words in WORDS.items() if counts.get(s))
    return f"{len(study.trials)}{of} trials: {ends or 'none yet'}"


def leader(study: Study) -> str:
    """`val_loss 0.0713 by trial 14 at epoch 20`; every metric that matters, and the front."""
    best, sweep = study.best, study.sweep
    if best is None:
        return f"no {sweep.metric.name} yet"
    values = ", ".join(f"{m.name} {best.best_metrics[m.name]:.4g}" for m in sweep.outcomes)
    beside = f", one of {len(study.front)} on the front" if len(sweep.objectives) > 1 else ""
    unmet = "" if best.score.feasible else "; no trial meets the constraints yet"
    return f"{values} by trial {best.id} at epoch {best.best_epoch}{beside}{unmet}"


def left(study: Study, searched: float, ends: float = math.inf) -> str:
    """Time left, from epochs still expected and the pace so far; empty while it cannot be said.

    `ends`: seconds until a budget ends the search at the latest.
    """
    if study.trained >= 5 and searched > 0 and study.limit is not None:
        ends = min((study.expected_epochs - study.trained) * searched / study.trained, ends)
    return f", about {duration(max(ends, 0.0))} left" if ends < math.inf else ""


def ladder(study: Study) -> Table:
    """One line a rung: how many have come so far, and how many of them wait."""
    table = Table.grid(padding=(0, 1))
    steps = few(study.ladder)
    most = max([step.arrived for step in steps] + [1])
    for step in steps:
        went = step.arrived - step.paused
        bar = "█" * round(BAR * went / most) + "░" * round(BAR * step.paused / most)
        waiting = f", {step.paused} wait" if step.paused else ""
        table.add_row(f"epoch {step.epoch}", bar, f"{step.arrived} reached{waiting}")
    return table


def few(steps: list[Step]) -> list[Step]:
    """The first and the last rung, and others ever further apart, where there are many."""
    if len(steps) <= RUNGS:
        return steps
    growth = [len(steps) ** (line / (RUNGS - 1)) for line in range(RUNGS)]
    return [steps[number - 1] for number in sorted({round(reached) for reached in growth})]


def choose(console: Console) -> Display:
    """The display for this console."""
    return InTerminal(console) if console.is_terminal else Plain(console)
