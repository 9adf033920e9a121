"""What a peer is told, and the two calls that it answers."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from nightsweep.search import Decision, Float, Int
from nightsweep.search.simulate import Task
from nightsweep.search.space import Config

METRIC = "error"
EPOCHS = 50
ETA = 3
GRACE = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """A search to do: the least `error` after at most EPOCHS epochs of a configuration.

    `budget`: worker-seconds, for who plans with them. `worst`: what to tell a peer that cannot
    take NaN. `default`: the configuration that the user would start from, where there is one.
    """

    space: Mapping[str, Float | Int]
    budget: float
    worst: float
    seed: int
    default: Config | None = None

    @property
    def first(self) -> list[Config]:
        """The configurations to try first."""
        return [] if self.default is None else [dict(self.default)]

    def centre(self) -> Config:
        """The middle of each range, on its own scale."""
        return self.at([0.5] * len(self.space))

    def at(self, point: Iterable[float]) -> Config:
        """The configuration at a point of the unit cube."""
        places = zip(self.space.items(), point, strict=True)
        return {name: parameter.at(float(place)) for (name, parameter), place in places}

    def draws(self) -> Iterator[Config]:
        """`first`, then random search without end."""
        yield from self.first
        generator = np.random.default_rng(self.seed)
        while True:
            yield self.at(generator.random(len(self.space)))

    def with_default(self) -> Problem:
        """The same, with the centre of the space as its default."""
        return replace(self, default=self.centre())


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """A trial to train from `epoch` epochs on."""

    id: int
    config: Config
    epoch: int = 0


class Peer(Protocol):
    """A search as the simulation drives it. Trials count from 1, epochs too."""

    def ask(self) -> Task | None:
        """The trial to train next, new or paused; None when there is nothing to do now."""
        ...

    def report(self, trial: int, epoch: int, error: float, seconds: float) -> Decision:
        """The error after an epoch that took `seconds`; anything but CONTINUE frees the worker."""
        ...
