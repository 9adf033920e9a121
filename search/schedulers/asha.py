"""ASHA in its promotion form (Li et al. 2020, "A System for Massively Parallel Hyperparameter
Tuning", algorithm 2): a trial that reaches a rung goes on if it is among the best 1/eta there,
and is paused otherwise, until others have reached the rung and made its rank good enough.

A trial that cannot be paused (its training function keeps no checkpoint) is judged once, by the
stopping form: it ends if it is not among the best 1/eta, rounded up.
"""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from .verdict import Decision, Promotion, Step, Verdict

# At a rung: value, order of arrival, trial. Equal values rank by arrival.
Place = tuple[float, int, int]


class Asha(BaseModel):
    """Settings of ASHA."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["asha"] = "asha"
    eta: int = Field(3, ge=2, description="of each rung, the best 1/eta go on")
    grace: int = Field(1, ge=1, description="the first rung, in epochs: nobody stops before")

    def problems(self, max_epochs: int) -> Iterator[Problem]:
        if self.grace > max_epochs:
            yield Problem(
                key=("scheduler", "grace"),
                message=f"grace {self.grace} is beyond max_epochs {max_epochs}; lower it",
            )

    def build(self, max_epochs: int) -> AshaScheduler:
        return AshaScheduler(eta=self.eta, grace=self.grace, max_epochs=max_epochs)


@dataclass(slots=True)
class Rung:
    """All that reached an epoch, and those of them that wait there; both best first."""

    arrivals: list[Place] = field(default_factory=list)
    paused: list[Place] = field(default_factory=list)
    places: dict[int, Place] = field(default_factory=dict)

    def rank(self, place: Place) -> int:
        return bisect_left(self.arrivals, place) + 1


class AshaScheduler:
    """Rungs at grace × eta^k epochs, below `max_epochs`."""

    def __init__(self, *, eta: int, grace: int, max_epochs: int) -> None:
        self.eta = eta
        self.max_epochs = max_epochs
        self.rungs: dict[int, Rung] = {}
        epoch = grace
        while epoch < max_epochs:
            self.rungs[epoch] = Rung()
            epoch *= eta

    def next_rung(self, epoch: int) -> int:
        return next((rung for rung in self.rungs if rung > epoch), self.max_epochs)

    def expected_epochs(self, trials: int) -> float:
        """Of each rung so many go on as have done so far, at least 1/eta."""
        total, left, start = 0.0, float(trials), 0
        for epoch, rung in self.rungs.items():
            total += left * (epoch - start)
            count = len(rung.arrivals)
            passed = (count - len(rung.paused)) / count if count >= self.eta else 0.0
            left, start = max(left * max(passed, 1 / self.eta), 1.0), epoch
        return total + left * (self.max_epochs - start)

    def ladder(self) -> list[Step]:
        return [
            Step(epoch=epoch, arrived=len(rung.arrivals), paused=len(rung.paused))
            for epoch, rung in self.rungs.items()
        ]

    def judge(self, trial: int, rung: int, value: float, *, can_pause: bool) -> Verdict:
        arrivals = self.rungs[rung].arrivals
        count = len(arrivals) + 1
        rank = bisect_left(arrivals, (value, len(arrivals), trial)) + 1
        kept = count // self.eta if can_pause else math.ceil(count / self.eta)
        standing = f"rung {rung}: rank {rank} of {count}"
        if rank <= kept:
            return Verdict(decision=Decision.CONTINUE, reason=f"{standing}, best {kept} go on")
        if kept == 0:
            needed = f"the first goes on when {self.eta} are there"
        else:
            needed = f"cut-off {arrivals[kept - 1][0]:.4g} after rank {kept}"
        decision = Decision.PAUSE if can_pause else Decision.STOP
        return Verdict(decision=decision, reason=f"{standing}, {needed}")

    def promote(self, *, last: bool) -> Promotion | None:
        for epoch, rung in reversed(self.rungs.items()):
            if not rung.paused or math.isinf(rung.paused[0][0]):
                continue
            place = rung.paused[0]
            count = len(rung.arrivals)
            # With fewer than eta trials a rung would keep nobody, and a small sweep finish none.
            kept = max(count // self.eta, 1) if last else count // self.eta
            rank = rung.rank(place)
            if rank <= kept:
                reason = f"rung {epoch}: rank {rank} of {count}, best {kept} go on"
                return Promotion(trial=place[2], rung=epoch, reason=reason)
        return None

    def arrived(self, trial: int, rung: int, value: float, decision: Decision) -> None:
        if rung not in self.rungs:
            return  # the last epoch, where nothing is decided
        at = self.rungs[rung]
        place = (value, len(at.arrivals), trial)
        insort(at.arrivals, place)
        at.places[trial] = place
        if decision is Decision.PAUSE:
            insort(at.paused, place)

    def promoted(self, trial: int, rung: int) -> None:
        self.dropped(trial, rung)

    def dropped(self, trial: int, rung: int) -> None:
        at = self.rungs[rung]
        at.paused.remove(at.places[trial])
