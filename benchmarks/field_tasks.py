"""Tables of learning curves as tasks for a search, and the score of a search on one.

A folder of tables holds `curves.py` and what it loads: `tasks(family)` names the tables and
`load(family, task)` gives one, with `space`, `configs`, `errors`, `seconds` and `unit`.

The score is the normalised regret of the best error seen so far, (error − best) / (median − best):
best is the lowest error in the table, at any epoch; median is that of its configurations fully
trained, diverged ones counted as the worst. It is clipped at CLIP, which is also the regret of a
run that has seen nothing yet.
"""

from __future__ import annotations

import importlib.util
import math
import sys
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from time import perf_counter
from types import ModuleType
from typing import Any

import numpy as np
from field_peers.problem import EPOCHS, METRIC, Peer, Problem

from nightsweep.search import Decision, Float, Int
from nightsweep.search.events import Cause, Metrics
from nightsweep.search.simulate import Curve, Task, Worker, simulate
from nightsweep.search.space import Config

TRAININGS = 40  # the budget: so many full trainings of median cost
GRID = 64  # the regret is kept at so many even steps of the budget
CLIP = 10.0


@cache
def curves(folder: Path) -> ModuleType:
    """The folder's `curves.py`, as a module."""
    spec = importlib.util.spec_from_file_location("field_curves", folder / "curves.py")
    if spec is None or spec.loader is None or not (folder / "curves.py").is_file():
        raise FileNotFoundError(f"{folder} holds no curves.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # its dataclasses look for it there
    spec.loader.exec_module(module)
    return module


class Table:
    """A task. Where a curve has a point more than epochs, its first is the untrained model's."""

    def __init__(self, folder: Path, family: str, task: str) -> None:
        self.table: Any = curves(folder).load(family, task)
        self.space = {name: parameter(*bounds) for name, bounds in self.table.space.items()}
        self.cube = self.table.unit(self.table.configs)
        self.errors = self.table.errors[:, -EPOCHS:]
        final = self.errors[:, -1]
        self.best = float(np.nanmin(self.errors))
        self.median = float(np.median(np.where(np.isfinite(final), final, np.inf)))
        self.worst = float(final[np.isfinite(final)].max())
        self.budget = TRAININGS * EPOCHS * float(np.median(self.table.seconds))

    def problem(self, seed: int) -> Problem:
        """What a peer is told of it."""
        return Problem(space=self.space, budget=self.budget, worst=self.worst, seed=seed)

    def train(self, config: Config) -> Curve:
        """The curve of the nearest row."""
        point = self.table.unit(np.array([[float(config[name]) for name in self.space]]))
        row = int(((self.cube - point) ** 2).sum(axis=1).argmin())
        metrics = [{METRIC: float(error)} for error in self.errors[row]]
        return Curve(metrics=metrics, seconds=float(self.table.seconds[row]))

    def regret(self, error: float) -> float:
        return min((error - self.best) / (self.median - self.best), CLIP)


def parameter(low: float, high: float, log: bool, integer: bool) -> Float | Int:
    """A column of a table as nightsweep has it."""
    if integer:
        return Int(min=int(low), max=int(high), log=log)
    return Float(min=float(low), max=float(high), log=log)


@dataclass(slots=True)
class Seat:
    """A peer where the simulation wants a searcher; counts its trials, and times its answers.

    `nan`: what it is told instead of NaN.
    """

    peer: Peer
    nan: float = math.nan
    trials: int = 0
    asks: int = 0
    seconds: float = 0.0

    def ask(self) -> Task | None:
        began = perf_counter()
        task = self.peer.ask()
        self.seconds += perf_counter() - began
        if task is not None:
            self.asks += 1
            self.trials += task.epoch == 0
        return task

    def report(
        self, trial: int, epoch: int, metrics: Metrics, *, seconds: float | None = None
    ) -> Decision:
        error = self.nan if math.isnan(metrics[METRIC]) else metrics[METRIC]
        began = perf_counter()
        decision = self.peer.report(trial, epoch, error, seconds or 0.0)
        self.seconds += perf_counter() - began
        return decision

    def finish(self, trial: int) -> None:
        raise AssertionError(f"trial {trial} was to go on after {EPOCHS} epochs")

    def fail(self, trial: int, reason: str) -> None:
        raise AssertionError(f"curves do not fail, but trial {trial} did: {reason}")

    def interrupt(self, trial: int, reason: str, *, cause: Cause = Cause.NONE) -> None:
        raise AssertionError(f"workers are not lost, but trial {trial} was: {reason}")


def regrets(table: Table, seat: Seat, workers: int, seed: int) -> list[float]:
    """The regret at 1/GRID, 2/GRID ... of the budget, spread over the workers."""
    end = table.budget / workers
    found: list[float] = []
    best = math.inf
    moments = simulate(seat, table.train, [Worker()] * workers, until=end, seed=seed)
    for moment in moments:
        while len(found) < GRID and moment.time > end * (len(found) + 1) / GRID:
            found.append(table.regret(best))
        best = min(best, _finite(moment.metrics[METRIC]))
    return found + [table.regret(best)] * (GRID - len(found))


def _finite(error: float) -> float:
    return error if math.isfinite(error) else math.inf
