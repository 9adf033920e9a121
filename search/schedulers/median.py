"""The median stopping rule of Google Vizier (Golovin et al. 2017, "Google Vizier: A Service for
Black-Box Optimization", section 3.2.2): a trial is stopped at an epoch if its best value so far is
worse than the median of the other trials' running averages up to that epoch.

As in Ray Tune and Katib, trials that are still in training count as well as those completed. Best
and average are of the values at the rungs: all of a trial's epochs from `grace` on, or with
`every` each so many. It pauses nobody, so it needs no checkpoints.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from .grace import too_late
from .unpaused import Unpaused
from .verdict import Decision, Step, Verdict

MOST = 10_000  # decisions about a trial


class Median(BaseModel):
    """Settings of the median stopping rule."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    pauses: ClassVar[bool] = False

    name: Literal["median"] = "median"
    grace: int = Field(1, ge=1, description="the first decision, in epochs: nobody stops before")
    min_trials: int = Field(5, ge=1, description="other trials that a median needs")
    every: int = Field(1, ge=1, description="epochs from one decision to the next")

    def problems(self, max_epochs: int) -> Iterator[Problem]:
        yield from too_late(self.grace, max_epochs)
        if (decisions := max_epochs // self.every) > MOST:
            yield Problem(
                key=("scheduler", "every"),
                message=f"median would decide at {decisions:,} epochs, more than {MOST:,}; "
                f"write every: {math.ceil(max_epochs / MOST)} or more",
            )

    def build(self, max_epochs: int) -> MedianScheduler:
        return MedianScheduler(
            epochs=range(self.grace, max_epochs, self.every),
            min_trials=self.min_trials,
            max_epochs=max_epochs,
        )


@dataclass(slots=True)
class Course:
    """A trial's values so far: the best, their sum, how many."""

    best: float = math.inf
    total: float = 0.0
    count: int = 0

    def add(self, value: float) -> float:
        """Take over a value; the running average with it."""
        self.best = min(self.best, value)
        self.total += value
        self.count += 1
        return self.total / self.count


@dataclass(slots=True)
class Rung:
    """The running averages of those who have come to an epoch, best first; how many stopped."""

    averages: list[float] = field(default_factory=list)
    stopped: int = 0

    @property
    def median(self) -> float:
        count = len(self.averages)
        return (self.averages[(count - 1) // 2] + self.averages[count // 2]) / 2


class MedianScheduler(Unpaused):
    """A rung at each of `epochs`; a trial that diverged on the way to one is the worst there."""

    def __init__(self, *, epochs: range, min_trials: int, max_epochs: int) -> None:
        self.epochs = epochs
        self.min_trials = min_trials
        self.max_epochs = max_epochs
        self._rungs = {epoch: Rung() for epoch in epochs}
        self._courses: defaultdict[int, Course] = defaultdict(Course)

    def next_rung(self, trial: int, epoch: int) -> int:
        passed = max((epoch - self.epochs.start) // self.epochs.step + 1, 0)
        return self.epochs[passed] if passed < len(self.epochs) else self.max_epochs

    def expected_epochs(self, trials: int) -> float:
        """At each rung that share of the judged is stopped which has been so far."""
        total, left, start = 0.0, float(trials), 0
        for epoch in self.epochs:
            total += left * (epoch - start)
            left -= max(left - self.min_trials, 0.0) * self._stopping(epoch)
            start = epoch
        return total + left * (self.max_epochs - start)

    def ladder(self) -> list[Step]:
        return [
            Step(epoch=epoch, arrived=len(rung.averages), paused=0)
            for epoch, rung in self._rungs.items()
        ]

    def judge(self, trial: int, rung: int, value: float, *, can_pause: bool) -> Verdict:
        others = self._rungs[rung].averages
        if len(others) < self.min_trials:
            reason = f"rung {rung}: {len(others)} trials before, a median needs {self.min_trials}"
            return Verdict(decision=Decision.CONTINUE, reason=reason)
        best = min(value, self._courses[trial].best) if trial in self._courses else value
        # An infinite median stops nobody: where most trials diverge, the others go on.
        stops = best > self._rungs[rung].median
        reason = (
            f"rung {rung}: best so far {'worse' if stops else 'no worse'} than the median, "
            f"behind {bisect_left(others, best)} of {len(others)} averages"
        )
        return Verdict(decision=Decision.STOP if stops else Decision.CONTINUE, reason=reason)

    def arrived(self, trial: int, rung: int, value: float, decision: Decision) -> None:
        if rung not in self._rungs:
            return  # the last epoch, where nothing is decided
        at = self._rungs[rung]
        insort(at.averages, self._courses[trial].add(value) if math.isfinite(value) else value)
        at.stopped += decision is Decision.STOP

    def _stopping(self, epoch: int) -> float:
        """The share of the judged that a rung has stopped.

        While it has judged few: half at the first rung, where one value each is compared, and
        nobody later, where a good trial's best is far below the averages.
        """
        rung = self._rungs[epoch]
        judged = len(rung.averages) - self.min_trials
        if judged >= self.min_trials:
            return min(rung.stopped / judged, 1.0)
        return 0.5 if epoch == self.epochs.start else 0.0
