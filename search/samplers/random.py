"""Random search: every value drawn alone, evenly on its own scale (Bergstra & Bengio 2012)."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from ..errors import Problem
from ..history import History, Proposal
from ..space import Config, Space
from .admissible import admissible, draw

__all__ = ["Random", "RandomSampler", "draw", "first"]

ATTEMPTS = 1000  # to find the rest, where the defaults leave little that is allowed


class Random(BaseModel):
    """Settings of random search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["random"] = "random"

    def problems(self, space: Space) -> Iterator[Problem]:
        yield from ()

    def build(self, space: Space, seed: int) -> RandomSampler:
        return RandomSampler(space=space, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class RandomSampler:
    """The user's defaults first, then chance."""

    space: Space
    seed: int

    def propose(self, number: int, history: History) -> Proposal | None:
        if number == 1 and any(p.default is not None for p in self.space.parameters.values()):
            return admissible(self.space, self.seed, number, history, self._defaults, ATTEMPTS)
        return admissible(self.space, self.seed, number, history)

    def _defaults(self, attempt: int) -> Proposal:
        return Proposal(config=first(self.space, self.seed, attempt), origin="defaults")


def first(space: Space, seed: int, attempt: int = 0) -> Config:
    """The user's defaults; chance for the parameters that have none."""
    generator = np.random.default_rng([seed, 1, attempt])
    return space.build(
        lambda name, parameter: (
            parameter.at(float(generator.random()))
            if parameter.default is None
            else parameter.default
        )
    )
