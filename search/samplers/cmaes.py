"""CMA-ES: a normal distribution that follows the best results of each generation (Hansen 2016).

Its state is what the generations of the history make of it, so a proposal stays a function of the
history. A generation is `population` results of the modelled rung, in the order of their trials;
who asks before it is whole gets a draw from the latest distribution, and nobody waits. A result
drawn from an earlier distribution, or by chance, counts like any other (Hansen 2011 shortens such
steps; that made no difference here), and small generations do best for 64 workers too.

The distribution covers the numbers that are always used. The other parameters are taken over from
one of the best results, and one time in five drawn anew.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from ..history import History, Observation, Proposal
from ..space import Config, Parameter, Space
from .admissible import admissible
from .cube import graded, place
from .random import RandomSampler
from .teaching import best, count, modelled, there

if TYPE_CHECKING:
    from cmaes import CMA

KEPT = 16  # generations at least, twice as many at most: a proposal takes no longer with more
ANEW = 0.2
NARROWEST = 1e-3  # the first spread, as a part of the range

Told = tuple[int, Config, float]  # a trial, and its value at the modelled rung


class Cmaes(BaseModel):
    """Settings of CMA-ES."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["cmaes"] = "cmaes"
    population: int | None = Field(
        None, ge=4, description="results in a generation; 4 + 3 ln(parameters) if left out"
    )

    def problems(self, space: Space) -> Iterator[Problem]:
        """Without a number there is no distribution to follow."""
        if not followed(space):
            yield Problem(
                key=("sampler",),
                message="cmaes needs a number, or rising values, without `when`; use sampler: tpe",
            )

    def build(self, space: Space, seed: int) -> CmaesSampler:
        names = followed(space)
        population = self.population or 4 + math.floor(3 * math.log(len(names)))
        return CmaesSampler(space=space, seed=seed, names=names, population=population)


@dataclass(slots=True, kw_only=True)
class CmaesSampler:
    """Defaults, then chance until a rung has a generation of results, then the distribution.

    Keeps the generations told so far, to tell only what is new; it has no other state.
    """

    space: Space
    seed: int
    names: tuple[str, ...]
    population: int
    _told: list[list[Told]] = field(default_factory=list, repr=False)
    _optimizer: CMA | None = field(default=None, repr=False)

    def propose(self, number: int, history: History) -> Proposal | None:
        known, size = history.observations, self.population
        rung = modelled(known, size)
        if number == 1 or rung is None or not (told := generations(known, rung, size)):
            return RandomSampler(space=self.space, seed=self.seed).propose(number, history)
        optimizer = self._taught(told)
        leaders = best(known, rung, size // 2)
        origin = f"cmaes from {count(known, rung)} results at epoch {rung}"

        def guess(attempt: int) -> Proposal:
            chance = np.random.default_rng([self.seed, number, attempt])
            optimizer.reseed_rng(int(chance.integers(2**32)))
            leader = leaders[int(chance.integers(len(leaders)))][0].config
            return Proposal(config=self._config(optimizer.ask(), leader, chance), origin=origin)

        return admissible(self.space, self.seed, number, history, guess)

    def _config(
        self, point: NDArray[np.float64], leader: Config, chance: np.random.Generator
    ) -> Config:
        """The configuration at a point; what it does not say is the leader's, or new."""
        places = dict(zip(self.names, point, strict=True))

        def choose(name: str, parameter: Parameter) -> Any:
            if name in places:
                return parameter.at(float(places[name]))
            if name in leader and chance.random() >= ANEW:
                return leader[name]
            return parameter.at(float(chance.random()))

        return self.space.build(choose)

    def _taught(self, generations: list[list[Told]]) -> CMA:
        """The distribution after these generations, of which there is at least one."""
        if self._told != generations[: len(self._told)]:
            self._told, self._optimizer = [], None
        for generation in generations[len(self._told) :]:
            points = self._points(generation)
            if self._optimizer is None:
                self._optimizer = start(points)
            values = [value for *_, value in generation]
            self._optimizer.tell(list(zip(points, values, strict=True)))
            self._told.append(generation)
        assert self._optimizer is not None
        return self._optimizer

    def _points(self, generation: list[Told]) -> NDArray[np.float64]:
        """Where the results of a generation lie in the unit cube."""
        parameters = [(name, self.space.parameters[name]) for name in self.names]
        return np.array(
            [[place(p, config[name]) for name, p in parameters] for _, config, _ in generation]
        )


def followed(space: Space) -> tuple[str, ...]:
    """The parameters that the distribution covers."""
    return tuple(name for name, p in space.parameters.items() if p.when is None and graded(p))


def generations(observations: Sequence[Observation], rung: int, size: int) -> list[list[Told]]:
    """Whole generations, in order; of many the latest. One that diverged as a whole says nothing.

    The first one kept changes in steps, so that most proposals need only what is new.
    """
    first = max(count(observations, rung) // size // KEPT - 1, 0) * KEPT
    told = [(o.trial, o.config, value) for o, value in there(observations, rung, first * size)]
    whole = [told[i : i + size] for i in range(0, len(told) - size + 1, size)]
    return [g for g in whole if any(math.isfinite(value) for *_, value in g)]


def start(points: NDArray[np.float64]) -> CMA:
    """As wide as the first generation: that is chance, or at higher rungs a choice of the best."""
    from cmaes import CMA

    size, dimensions = points.shape
    return CMA(
        mean=points.mean(axis=0),
        sigma=max(math.sqrt(points.var(axis=0).mean()), NARROWEST),
        bounds=np.array([[0.0, 1.0]] * dimensions),
        population_size=size,
    )
