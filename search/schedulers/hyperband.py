"""Asynchronous Hyperband: brackets of ASHA that stop less and less early (Li et al. 2018,
"Hyperband: A Novel Bandit-Based Approach to Hyperparameter Optimization", and Li et al. 2020, "A
System for Massively Parallel Hyperparameter Tuning", which runs them side by side).

Bracket s is an ASHA whose first rung is at grace × eta^s epochs.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import ClassVar, Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from .brackets import Brackets, graces, sizes
from .grace import too_late
from .halving import Halving


class Hyperband(BaseModel):
    """Settings of Hyperband."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    pauses: ClassVar[bool] = True

    name: Literal["hyperband"] = "hyperband"
    eta: int = Field(3, ge=2, description="of each rung, the best 1/eta go on")
    grace: int = Field(1, ge=1, description="the first rung of the first bracket, in epochs")

    def problems(self, max_epochs: int) -> Iterator[Problem]:
        yield from too_late(self.grace, max_epochs)

    def build(self, max_epochs: int) -> Brackets:
        firsts = graces(self.eta, self.grace, max_epochs)
        return Brackets(
            [Halving(eta=self.eta, grace=first, max_epochs=max_epochs) for first in firsts],
            sizes(len(firsts), self.eta),
        )
