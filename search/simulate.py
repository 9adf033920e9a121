"""A sweep on a virtual cluster with a virtual clock: how a change to the search is judged.

    study = Study(sweep)
    for moment in simulate(study, train, [Worker()] * 8, until=3600.0):
        ...                                    # one moment per epoch trained

`train(config)` answers with the whole learning curve; a thousand workers cost no more than the
decisions that they ask for. Pausing and resuming cost no time. A trial that lost its worker goes
on from where it was last saved, as in a real run, but is never given up.
"""

from __future__ import annotations

import heapq
import math
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, field
from typing import NamedTuple, Protocol

import numpy as np

from .events import Cause, Metrics
from .schedulers import Decision
from .space import Config
from .study import Study

SAVE_EVERY = 300.0  # seconds between two rungs after which a trial is saved (trainables/trial.py)


@dataclass(frozen=True, slots=True, kw_only=True)
class Curve:
    """What training a configuration would bring: the metrics of each epoch, from the first.

    `seconds` for one epoch at speed 1. A curve that ends before the sweep's last epoch returns
    there of its own accord, or with `fails` (why) is lost in the epoch after it.
    """

    metrics: Sequence[Metrics]
    seconds: float = 1.0
    fails: str = ""

    def __post_init__(self) -> None:
        if not self.metrics and not self.fails:
            raise ValueError("a curve has the metrics of an epoch at least, or says why it fails")


@dataclass(frozen=True, slots=True, kw_only=True)
class Worker:
    """One slot. Times in seconds; `loss`: the chance per epoch that it dies and starts anew."""

    speed: float = 1.0
    arrives: float = 0.0
    leaves: float = math.inf
    loss: float = 0.0

    def __post_init__(self) -> None:
        if not 0 <= self.loss < 1:
            raise ValueError(f"loss is {self.loss}, but must be at least 0 and below 1")


@dataclass(frozen=True, slots=True, kw_only=True)
class Moment:
    """An epoch has ended. Where the worker or the trial was lost in it, `decision` is None, and
    there are no metrics."""

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

    def interrupt(self, trial: int, reason: str, *, cause: Cause = Cause.NONE) -> None: ...


def simulate(
    searcher: Searcher,
    train: Callable[[Config], Curve],
    workers: Sequence[Worker],
    *,
    until: float = math.inf,
    ends: float = math.inf,
    seed: int = 0,
) -> Iterator[Moment]:
    """Each epoch as it ends, in order of time, to `until` (virtual seconds) or the sweep's end.

    `ends`: when its time is over. A Study is told, as by its driver, how much of it is left.
    """
    cluster = _Cluster(searcher, train, workers, np.random.default_rng(seed), ends)
    yield from cluster.run(min(until, ends))


class _Due(NamedTuple):
    """An epoch that ends, or a worker that comes; at equal times, in the order of planning."""

    time: float
    order: int
    worker: int
    trial: int | None
    epoch: int


@dataclass(slots=True)
class _Cluster:
    searcher: Searcher
    train: Callable[[Config], Curve]
    workers: Sequence[Worker]
    chance: np.random.Generator
    ends: float = math.inf
    due: list[_Due] = field(default_factory=list)
    idle: list[int] = field(default_factory=list)
    curves: dict[int, Curve] = field(default_factory=dict)  # of the trials that are running
    saved: dict[int, float] = field(default_factory=dict)  # and when they were last
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
            self._fill(now.time)

    def _plan(self, time: float, worker: int, trial: int | None = None, epoch: int = 0) -> None:
        self.planned += 1
        heapq.heappush(self.due, _Due(time, self.planned, worker, trial, epoch))

    def _fill(self, time: float) -> None:
        """Give idle workers something to do, while there is something."""
        while self.idle:
            worker = self.idle[-1]
            if time < self.workers[worker].leaves:
                task = self._ask(time)
                if task is None:
                    return
                self.curves[task.id] = self.train(task.config)
                self.saved[task.id] = time
                self.idle.pop()
                self._go_on(time, worker, task.id, task.epoch)
            else:
                self.idle.pop()

    def _ask(self, time: float) -> Task | None:
        if isinstance(self.searcher, Study) and self.ends < math.inf:
            return self.searcher.ask(left=self.ends - time)
        return self.searcher.ask()

    def _go_on(self, time: float, worker: int, trial: int, trained: int) -> None:
        """Begin the next epoch; where the curve has none, the training function returns."""
        curve, at = self.curves[trial], self.workers[worker]
        if trained < len(curve.metrics) or curve.fails:
            self._plan(min(time + curve.seconds / at.speed, at.leaves), worker, trial, trained + 1)
        else:
            self.searcher.finish(trial)
            self._free(worker, trial)

    def _free(self, worker: int, trial: int) -> None:
        del self.curves[trial], self.saved[trial]
        self.idle.append(worker)

    def _ended(self, now: _Due, trial: int) -> Moment:
        worker, curve = self.workers[now.worker], self.curves[trial]
        metrics: Metrics = {}
        decision: Decision | None = None
        if now.time >= worker.leaves or (worker.loss and self.chance.random() < worker.loss):
            self.searcher.interrupt(trial, "its worker was lost", cause=Cause.LOST)
        elif now.epoch > len(curve.metrics):
            self.searcher.fail(trial, curve.fails)
        else:
            metrics = curve.metrics[now.epoch - 1]
            decision = self._report(now, trial, metrics, curve.seconds / worker.speed)
        if decision is Decision.CONTINUE:
            self._go_on(now.time, now.worker, trial, now.epoch)
        else:
            self._free(now.worker, trial)
        return Moment(
            time=now.time,
            worker=now.worker,
            trial=trial,
            epoch=now.epoch,
            metrics=metrics,
            decision=decision,
        )

    def _report(self, now: _Due, trial: int, metrics: Metrics, took: float) -> Decision:
        """Report an epoch; a Study is told, as by its driver, whether the trial was saved then."""
        study = self.searcher
        if not isinstance(study, Study):
            return study.report(trial, now.epoch, metrics, seconds=took)
        due = now.epoch >= study.until(trial) and study.sweep.scheduler.pauses
        saves = due or now.time - self.saved[trial] >= SAVE_EVERY
        if saves:
            self.saved[trial] = now.time
        return study.report(trial, now.epoch, metrics, seconds=took, checkpoint=saves)
