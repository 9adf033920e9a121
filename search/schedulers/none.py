"""No early stopping: every trial trains to the end."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict

from ..errors import Problem
from .unpaused import Unpaused
from .verdict import Decision, Step, Verdict


class Never(BaseModel):
    """Settings of `none`."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    pauses: ClassVar[bool] = True  # never really: its trials are saved at their end

    name: Literal["none"] = "none"

    def problems(self, max_epochs: int) -> Iterator[Problem]:
        yield from ()

    def build(self, max_epochs: int) -> NeverScheduler:
        return NeverScheduler(max_epochs=max_epochs)


@dataclass(frozen=True, slots=True, kw_only=True)
class NeverScheduler(Unpaused):
    """One rung, the last epoch, at which nothing is decided."""

    max_epochs: int

    def next_rung(self, trial: int, epoch: int) -> int:
        return self.max_epochs

    def expected_epochs(self, trials: int) -> float:
        return float(trials * self.max_epochs)

    def ladder(self) -> list[Step]:
        return []

    def judge(self, trial: int, rung: int, value: float, *, can_pause: bool) -> Verdict:
        return Verdict(decision=Decision.CONTINUE, reason="no early stopping")

    def arrived(self, trial: int, rung: int, value: float, decision: Decision) -> None:
        """Nothing to record."""
