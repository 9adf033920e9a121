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

    @property
    def count(self) -> None:
        return None

    def propose(self, number: int, history: History) -> Proposal:
        if number == 1 and any(p.default is not None for p in self.space.parameters.values()):
            return Proposal(config=first(self.space, self.seed), origin="defaults")
        return Proposal(config=draw(self.space, self.seed, number), origin="random")


def draw(space: Space, seed: int, number: int) -> Config:
    """The random configuration of trial `number`."""
    generator = np.random.default_rng([seed, number])
    return space.build(lambda name, parameter: parameter.at(float(generator.random())))


def first(space: Space, seed: int) -> Config:
    """The user's defaults; chance for the parameters that have none."""
    generator = np.random.default_rng([seed, 1])
    return space.build(
        lambda name, parameter: (
            parameter.at(float(generator.random()))
            if parameter.default is None
            else parameter.default
        )
    )
