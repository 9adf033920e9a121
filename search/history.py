"""What a sampler may know: results at rungs, and what is being tried right now."""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
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


class Observations:
    """Collects observations, one a trial."""

    def __init__(self) -> None:
        self._known: dict[int, Observation] = {}

    def note(self, trial: int, config: Config, rung: int, value: float) -> None:
        """A trial has reached a rung."""
        values = {**self._values(trial), rung: value}
        self._known[trial] = Observation(trial=trial, config=config, values=values)

    def diverged(self, trial: int, config: Config) -> None:
        """A trial has diverged."""
        self._known[trial] = Observation(
            trial=trial, config=config, values=self._values(trial), diverged=True
        )

    def history(self, live: Iterable[tuple[int, Config]]) -> History:
        """What is known now; of the trials that live, those without a result are pending."""
        pending = [(trial, config) for trial, config in live if trial not in self._known]
        observations = [self._known[trial] for trial in sorted(self._known)]
        return History(observations=observations, pending=pending)

    def _values(self, trial: int) -> Mapping[int, float]:
        return self._known[trial].values if trial in self._known else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration to try, and where it comes from in words."""

    config: Config
    origin: str
