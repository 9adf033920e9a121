"""What a sampler may know: results at rungs, and what is being tried right now."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from .space import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A trial's values at the rungs it has reached: epoch -> value, the lower the better.

    Whatever the sweep's goal, values are to be minimised; only those of one epoch may be compared.
    The last epoch counts as a rung. A trial that diverged is the worst wherever it did not come.
    """

    trial: int
    config: Config
    values: Mapping[int, float]
    diverged: bool = False

    def at(self, rung: int) -> float | None:
        """The value at a rung; inf for a trial that diverged before, None for one not there."""
        return self.values.get(rung, math.inf if self.diverged else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All observations in the order of their trials, and the trials without one yet."""

    observations: Sequence[Observation] = ()
    pending: Sequence[tuple[int, Config]] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration to try, and where it comes from in words."""

    config: Config
    origin: str
