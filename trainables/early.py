"""Early stopping of one trial: its own validation loss has not become better for a while.

Prechelt 1998, "Early Stopping - But When?". The scheduler's stopping, which compares trials, is
another matter: search/schedulers/.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any


@dataclass
class EarlyStop:
    """`patience`: epochs without a loss that is better by `min_delta`; 0: without end."""

    patience: int = 0
    min_delta: float = 0.0
    best: float = math.inf
    waited: int = 0

    def judge(self, loss: float) -> None:
        """After each epoch."""
        if loss < self.best - self.min_delta:
            self.best, self.waited = loss, 0
        else:
            self.waited += 1

    @property
    def over(self) -> bool:
        """Whether the trial has waited long enough."""
        return 0 < self.patience <= self.waited

    def state_dict(self) -> dict[str, Any]:
        """Where it is."""
        return {"best": self.best, "waited": self.waited}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        self.best, self.waited = state["best"], state["waited"]
