"""Train everything one epoch, finish the best with the last third of the budget.

The protocol's "train everything one epoch, finish the best 1/3 of the budget" is read so: until
two thirds of the budget's worker-seconds are spent, random configurations are opened and trained
one epoch; from then on each free worker takes the best of them that is left, and trains it to the
end. It must know the budget, which no other peer does.
"""

from __future__ import annotations

import math
from heapq import heappop, heappush

from nightsweep.search import Decision
from nightsweep.search.space import Config

from .problem import EPOCHS, Problem, Start

OPENING = 2 / 3


class OneEpoch:
    """Random search with one cut."""

    def __init__(self, problem: Problem) -> None:
        self.configs = problem.draws()
        self.opening = OPENING * problem.budget
        self.spent = 0.0
        self.trials: dict[int, Config] = {}
        self.waiting: list[tuple[float, int]] = []

    def ask(self) -> Start:
        if self.waiting and self.spent >= self.opening:
            _, trial = heappop(self.waiting)
            return Start(id=trial, config=self.trials[trial], epoch=1)
        trial = len(self.trials) + 1
        self.trials[trial] = next(self.configs)
        return Start(id=trial, config=self.trials[trial])

    def report(self, trial: int, epoch: int, error: float, seconds: float) -> Decision:
        self.spent += seconds
        if math.isnan(error) or epoch >= EPOCHS:
            return Decision.STOP
        if epoch > 1:
            return Decision.CONTINUE
        heappush(self.waiting, (error, trial))
        return Decision.PAUSE
