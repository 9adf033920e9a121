"""A sweep on a virtual cluster with a virtual clock: how a change to the search is judged.

    study = Study(sweep)
    for moment in simulate(study, train, [Worker()] * 8, until=3600.0):
        ...                                    # one moment per epoch trained

`train(config)` answers with the whole learning curve; a thousand workers cost no more than the
decisions that they ask for. Pausing and resuming cost no time.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np

from .events import Metrics
from .schedulers import Decision
from .space import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What training a configuration would bring: the metrics of each epoch, from the first.

    `seconds` for one epoch at speed 1. `fails`: why it fails after its last epoch here, where it
    does; a curve that ends before the sweep's last epoch returns of its own accord otherwise.
    """

    metrics: Sequence[Metrics]
    seconds: float = 1.0
    fails: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One slot. Times in seconds; `loss`: the chance per epoch that it dies and starts anew."""

    speed: float = 1.0
    arrives: float = 0.0
    leaves: float = math.inf
    loss: float = 0.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An epoch has ended. `decision` is None where the worker, or the trial, was lost in it."""

    time: float
    worker: int
    trial: int
    epoch: int
    metrics: Metrics
    decision: Decision | None


class Task(Protocol):
    """What `ask` gives."""

    @property
    def id(self) -> int: ...
    @property
    def config(self) -> Config: ...
    @property
    def epoch(self) -> int: ...


class Searcher(Protocol):
    """What is simulated: a Study, or a peer behind the same calls."""

    def ask(self) -> Task | None: ...

    def report(
        self, trial: int, epoch: int, metrics: Metrics, *, seconds: float | None = None
    ) -> Decision: ...

    def finish(self, trial: int) -> None: ...

    def fail(self, trial: int, reason: str) -> None: ...

    def interrupt(self, trial: int, reason: str, *, lost: bool = False) -> None: ...


def simulate(
    searcher: Searcher,
    train: Callable[[Config], Curve],
    workers: Sequence[Worker],
    *,
    until: float = math.inf,
    seed: int = 0,
) -> Iterator[Moment]:
    """Each epoch as it ends, in order of time, to `until` (virtual seconds) or the sweep's end."""
    yield from _Cluster(searcher, train, workers, np.random.default_rng(seed)).run(until)


@dataclass(order=True, slots=True)
class _Due:
    """Something that ends, or a worker that comes; at equal times, in the order of planning."""

    time: float
    order: int
    worker: int = field(compare=False)
    trial: int | None = field(compare=False, default=None)
    epoch: int = field(compare=False, default=0)


@dataclass(slots=True)
class _Cluster:
    searcher: Searcher
    train: Callable[[Config], Curve]
    workers: Sequence[Worker]
    chance: np.random.Generator
    due: list[_Due] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)
    curves: dict[int, Curve] = field(default_factory=dict)  # of the trials that are running
    planned: int = 0

    def run(self, until: float) -> Iterator[Moment]:
        for number, worker in enumerate(self.workers):
            self._plan(worker.arrives, number)
        while self.due:
            now = heapq.heappop(self.due)
            if now.time > until:
                return
            if now.trial is None:
                self.idle.append(now.worker)
            else:
                yield self._ended(now, now.trial)
            while self.idle and self._start(now.time, self.idle[-1]):
                self.idle.pop()

    def _plan(self, time: float, worker: int, trial: int | None = None, epoch: int = 0) -> None:
        self.planned += 1
        heapq.heappush(self.due, _Due(time, self.planned, worker, trial, epoch))

    def _start(self, time: float, worker: int) -> bool:
        """Give an idle worker something to do; False where there is nothing."""
        if time >= self.workers[worker].leaves:
            return True
        task = self.searcher.ask()
        if task is None:
            return False
        self.curves[task.id] = self.train(task.config)
        self._train(time, worker, task.id, task.epoch + 1)
        return True

    def _train(self, time: float, worker: int, trial: int, epoch: int) -> None:
        end = time + self.curves[trial].seconds / self.workers[worker].speed
        self._plan(min(end, self.workers[worker].leaves), worker, trial, epoch)

    def _ended(self, now: _Due, trial: int) -> Moment:
        worker, curve = self.workers[now.worker], self.curves[trial]
        metrics = curve.metrics[now.epoch - 1]
        decision: Decision | None = None
        if now.time >= worker.leaves or (worker.loss and self.chance.random() < worker.loss):
            self.searcher.interrupt(trial, "its worker was lost", lost=True)
        else:
            took = curve.seconds / worker.speed
            decision = self.searcher.report(trial, now.epoch, metrics, seconds=took)
        if decision is Decision.CONTINUE and now.epoch < len(curve.metrics):
            self._train(now.time, now.worker, trial, now.epoch + 1)
        else:
            if decision is Decision.CONTINUE and curve.fails:
                self.searcher.fail(trial, curve.fails)
            elif decision is Decision.CONTINUE:
                self.searcher.finish(trial)
            del self.curves[trial]
            self.idle.append(now.worker)
        return Moment(
            time=now.time,
            worker=now.worker,
            trial=trial,
            epoch=now.epoch,
            metrics=metrics,
            decision=decision,
        )
