"""NSGA-II: good configurations are crossed and mutated (Deb et al. 2002).

The population is the best results at the modelled rung, whenever somebody asks: there are no
generations that workers would have to wait for. Parents win a tournament of two; a child's
values come from one of them or from in between (simulated binary crossover), and one value in
each child on average is mutated (polynomial mutation). A population of 10 did better than larger
ones within a hundred trials.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from ..history import History, Observation, Proposal
from ..space import Config, Parameter, Space
from .admissible import admissible
from .cube import graded, place
from .random import RandomSampler
from .teaching import best, modelled

# The distribution indices: the higher, the more children are like their parents. The paper's 20 is
# for thousands of trials; with it and early stopping the search settled where trials begin well.
CROSSOVER = 2
MUTATION = 5


class Nsga2(BaseModel):
    """Settings of NSGA-II."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["nsga2"] = "nsga2"
    population: int = Field(10, ge=4, description="results that may become parents")

    def problems(self, space: Space) -> Iterator[Problem]:
        yield from ()

    def build(self, space: Space, seed: int) -> Nsga2Sampler:
        return Nsga2Sampler(space=space, seed=seed, population=self.population)


@dataclass(frozen=True, slots=True, kw_only=True)
class Nsga2Sampler:
    """Defaults, then chance until a rung has a population of results, then their children."""

    space: Space
    seed: int
    population: int

    def propose(self, number: int, history: History) -> Proposal | None:
        rung = modelled(history.observations, self.population)
        if number == 1 or rung is None:
            return RandomSampler(space=self.space, seed=self.seed).propose(number, history)
        population = fittest(history.observations, rung, self.population)
        origin = f"nsga2 from the best {len(population)} results at epoch {rung}"

        def guess(attempt: int) -> Proposal:
            chance = np.random.default_rng([self.seed, number, attempt])
            return Proposal(config=self._child(population, chance), origin=origin)

        return admissible(self.space, self.seed, number, history, guess)

    def _child(self, population: Sequence[Config], chance: np.random.Generator) -> Config:
        parents = [population[rank] for rank in couple(len(population), chance)]
        rate = 1 / max(len(self.space.parameters), 1)

        def choose(name: str, parameter: Parameter) -> Any:
            known = [parent[name] for parent in parents if name in parent]
            if not known:
                return parameter.at(float(chance.random()))
            if chance.random() < rate:
                return mutated(parameter, inherited(parameter, known, chance), chance)
            return inherited(parameter, known, chance)

        return self.space.build(choose)


def fittest(observations: Sequence[Observation], rung: int, count: int) -> list[Config]:
    """The best results, best first. With several metrics: by non-dominated rank and crowding."""
    return [observation.config for observation, _ in best(observations, rung, count)]


def couple(count: int, chance: np.random.Generator) -> tuple[int, int]:
    """Two different ranks, each the better of two that are drawn by chance."""
    one = int(chance.integers(count, size=2).min())
    other = int(chance.integers(count - 1, size=2).min())
    return one, other + (other >= one)


def inherited(parameter: Parameter, known: Sequence[Any], chance: np.random.Generator) -> Any:
    """One parent's value, or half the time, where there is an order, one between or around both.

    Simulated binary crossover, Deb & Agrawal 1995: one of two children.
    """
    one, other = (known[i] for i in chance.permutation([0, -1]))
    if chance.random() < 0.5 or one == other or not graded(parameter):
        return one
    a, b = (place(parameter, value, float(chance.random())) for value in (one, other))
    draw = chance.random()
    spread = (2 * draw if draw < 0.5 else 0.5 / (1 - draw)) ** (1 / (CROSSOVER + 1))
    return at(parameter, (a + b + spread * (a - b)) / 2)


def mutated(parameter: Parameter, value: Any, chance: np.random.Generator) -> Any:
    """A value nearby (polynomial mutation, Deb et al. 2002); any other where there is no order."""
    if not graded(parameter):
        return parameter.at(float(chance.random()))
    draw, power = chance.random(), 1 / (MUTATION + 1)
    shift = (2 * draw) ** power - 1 if draw < 0.5 else 1 - (2 * (1 - draw)) ** power
    return at(parameter, place(parameter, value, float(chance.random())) + shift)


def at(parameter: Parameter, unit: float) -> Any:
    """The value at a place, or at the side's end where that lies beyond it."""
    return parameter.at(min(max(unit, 0.0), 1.0))
