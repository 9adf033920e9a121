"""ASHA (Li et al. 2020, "A System for Massively Parallel Hyperparameter Tuning") as settings: its
form, and its modes as in Determined's `adaptive_asha`.

It audits itself: a small share of the trials that it would end train on as controls, and show
whether it should have (rung.py).
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Literal

from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from .brackets import Brackets, graces, sizes
from .grace import too_late
from .halving import Halving
from .rung import PROBES


class Asha(BaseModel):
    """Settings of ASHA."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["asha"] = "asha"
    eta: int = Field(3, ge=2, description="of each rung, the best 1/eta go on")
    grace: int = Field(1, ge=1, description="the first rung, in epochs: nobody stops before")
    mode: Literal["aggressive", "standard", "conservative"] = Field(
        "aggressive", description="how early: one bracket, half of Hyperband's, or all of them"
    )
    form: Literal["promotion", "stopping"] = Field(
        "promotion", description="promotion: who is not good enough yet waits; stopping: ends"
    )
    audit: float = Field(
        0.03, ge=0, le=0.5, description="the share that trains on as controls; 0 switches it off"
    )

    @property
    def pauses(self) -> bool:
        return self.form == "promotion"

    def problems(self, max_epochs: int) -> Iterator[Problem]:
        yield from too_late(self.grace, max_epochs)

    def build(self, max_epochs: int) -> Halving | Brackets:
        firsts = graces(self.eta, self.grace, max_epochs)
        used = {
            "aggressive": 1,
            "standard": (len(firsts) + 1) // 2,
            "conservative": len(firsts),
        }[self.mode]
        brackets = [
            Halving(
                eta=self.eta,
                grace=first,
                max_epochs=max_epochs,
                audit=self.audit,
                # Bracket 0 asks whether the first rung says anything; the others begin later.
                probes=PROBES if first == self.grace else 0,
                pauses=self.pauses,
            )
            for first in firsts[:used]
        ]
        if used == 1:
            return brackets[0]
        return Brackets(brackets, sizes(len(firsts), self.eta)[:used])
