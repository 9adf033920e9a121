"""What the user believes: defaults with a `prior` are drawn near, until results disagree.

With a prior, proposals that would be random come from a normal distribution around the default
instead, cut off at the ends of the range; so does a share of the others. How many is decided by
the results, as in PriorBand (Mallik et al. 2023, section 5): while nothing is known, half of the
random ones; where trials near the defaults turn out better than those further away, almost all;
where they do not, hardly any. The share of the others also falls with the number of results
(πBO, Hvarfner et al. 2022, section 4).

How near a trial is follows from its configuration, so nobody has to remember how it was drawn.
"""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

import numpy as np

from ..history import History, Observation, Proposal, Standings
from ..space import Config, Parameter, Space
from .admissible import admissible
from .cube import graded, place

if TYPE_CHECKING:
    from . import Sampler

# The spread on the unit side, and how many times as often an unordered default is drawn.
SPREAD = {"low": 0.25, "medium": 0.125, "high": 0.0625}
WEIGHT = {"low": 2.0, "medium": 4.0, "high": 8.0}
OTHERS = 0.25  # of the proposals that are not random, at first ...
FADING = 10  # ... and half as many after so many results
COIN, DRAW = 11, 12  # what a generator is for, in its seed


def believing(sampler: Sampler, space: Space, seed: int) -> Sampler:
    """The sampler, guided by the space's priors; itself where there are none."""
    if not any(parameter.prior for parameter in space.parameters.values()):
        return sampler
    return PriorSampler(sampler=sampler, space=space, seed=seed)


@dataclass(slots=True, kw_only=True)
class PriorSampler:
    """Draws from the prior in the place of some of a sampler's proposals.

    Keeps how near trials are, to save time; it has no other state.
    """

    sampler: Sampler
    space: Space
    seed: int
    _near: dict[int, tuple[Config, float]] = field(default_factory=dict, repr=False)

    def propose(self, number: int, history: History) -> Proposal | None:
        trust = self.trust(history.observations)
        coin = np.random.default_rng([self.seed, number, COIN]).random()
        results = len(history.observations)
        if number > 1 and coin < OTHERS * trust * FADING / (FADING + results):
            return self._believed(number, history)
        proposal = self.sampler.propose(number, history)
        if proposal is None or proposal.origin != "random" or coin >= trust:
            return proposal
        return self._believed(number, history)

    def trust(self, observations: Sequence[Observation]) -> float:
        """The probability that a random proposal is drawn near the defaults: 0.5 at first.

        From how often a trial near them is better than one further away, and how often worse; both
        as if it had been so once before.
        """
        standings = Standings.of(observations)
        better = worse = 1.0
        near = far = 0.0  # among those so far
        for observation, finite in best_first(standings):
            belongs = self._nearness(observation)
            better, worse = better + near * (1 - belongs), worse + far * belongs
            if finite:  # those without a value are equally bad
                near, far = near + belongs, far + 1 - belongs
        return better**2 / (better**2 + worse**2)

    def _believed(self, number: int, history: History) -> Proposal | None:
        def guess(attempt: int) -> Proposal:
            generator = np.random.default_rng([self.seed, number, attempt, DRAW])
            return Proposal(config=draw(self.space, generator), origin="near the defaults")

        return admissible(self.space, self.seed, number, history, guess)

    def _nearness(self, observation: Observation) -> float:
        """The probability that a configuration comes from the prior, not from anywhere."""
        known = self._near.get(observation.trial)
        if known is None or known[0] is not observation.config:
            believed = density(self.space, observation.config)
            known = (observation.config, believed / (1 + believed))
            self._near[observation.trial] = known
        return known[1]


def best_first(standings: Standings) -> Iterator[tuple[Observation, bool]]:
    """Those that came furthest, and among them the best there; whether they have any value."""
    seen: set[int] = set()
    for known in standings.leaders():
        seen.add(known.trial)
        yield known, True
    yield from ((known, False) for known in standings if known.trial not in seen)


def draw(space: Space, generator: np.random.Generator) -> Config:
    """A configuration near the defaults that have a prior; chance decides the others."""

    def choose(name: str, parameter: Parameter) -> Any:
        unit = float(generator.random())
        return parameter.at(_quantile(parameter, unit) if parameter.prior else unit)

    return space.build(choose)


def density(space: Space, config: Config) -> float:
    """How much likelier a configuration is near the defaults than by chance."""
    found = 1.0
    for name, parameter in space.parameters.items():
        if parameter.prior and name in config:
            found *= _density(parameter, config[name])
    return found


def _quantile(parameter: Parameter, unit: float) -> float:
    """Where on the side so much of the prior lies below."""
    if not graded(parameter):
        return _of_words(parameter, unit)
    from scipy.special import ndtr, ndtri

    middle, spread = _normal(parameter)
    low, high = ndtr(-middle / spread), ndtr((1 - middle) / spread)
    found = middle + spread * float(ndtri(low + unit * (high - low)))
    return min(max(found, 0.0), math.nextafter(1.0, 0.0))


def _density(parameter: Parameter, value: Any) -> float:
    assert parameter.prior is not None
    if not graded(parameter):
        count, weight = parameter.count or 1, WEIGHT[parameter.prior]
        own = weight if parameter.encode(value) == parameter.encode(parameter.default) else 1.0
        return own * count / (weight + count - 1)
    from scipy.special import ndtr

    middle, spread = _normal(parameter)
    inside = ndtr((1 - middle) / spread) - ndtr(-middle / spread)
    away = (place(parameter, value) - middle) / spread
    return float(math.exp(-0.5 * away * away) / (math.sqrt(2 * math.pi) * spread * inside))


def _normal(parameter: Parameter) -> tuple[float, float]:
    """Its middle and spread on the unit side."""
    assert parameter.prior is not None
    return place(parameter, parameter.default), SPREAD[parameter.prior]


def _of_words(parameter: Parameter, unit: float) -> float:
    """The default with its weight, the other values with a weight of one each."""
    assert parameter.prior is not None
    count, weight = parameter.count or 1, WEIGHT[parameter.prior]
    own = parameter.encode(parameter.default)
    weights = [weight if index == own else 1.0 for index in range(count)]
    index = int(np.searchsorted(np.cumsum(weights) / sum(weights), unit, side="right"))
    return (min(index, count - 1) + 0.5) / count
