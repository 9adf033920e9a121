"""What a sampler may know: results at rungs, and what is being tried right now."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from .space import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A trial's result at the highest rung it has reached.

    `value` is to be minimised whatever the sweep's goal, and is inf where the trial diverged.
    Values of different epochs must not be compared with each other.
    """

    trial: int
    config: Config
    epoch: int
    value: float


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
