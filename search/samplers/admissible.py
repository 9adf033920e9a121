"""From a sampler's guesses to a configuration that may be tried.

A sampler says how its n-th guess for a trial is made; the rest is the same for all of them:

    def propose(self, number: int, history: History) -> Proposal | None:
        def guess(attempt: int) -> Proposal:
            config = ...  # from a generator of [self.seed, number, attempt]
            return Proposal(config=config, origin="my method")

        return admissible(self.space, self.seed, number, history, guess)
"""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from ..history import History, Proposal
from ..space import Config, Space

ATTEMPTS = 20  # guesses of the method itself
DRAWS = 100_000  # random ones after them ...
FEW = 100  # ... and after these, one of those left, where all can be listed


def admissible(
    space: Space,
    seed: int,
    number: int,
    history: History,
    guess: Callable[[int], Proposal | None] = lambda attempt: None,
    attempts: int = ATTEMPTS,
) -> Proposal | None:
    """The first guess that the constraints allow and that has not been tried yet.

    `guess(0)` is what the sampler wants to try as trial `number`; `guess(1)`, `guess(2)` ... what
    it would try instead, each from a seed derived from the attempt. None where it has no other:
    a method that would repeat itself, or that takes long, may give up early (or asks for fewer
    `attempts`). After it chance decides; None where everything has been tried.
    """
    for attempt in range(attempts):
        proposal = guess(attempt)
        if proposal is None:
            break
        if _may_be_tried(space, proposal.config, history):
            return proposal
    config = _by_chance(space, seed, number, history)
    return None if config is None else Proposal(config=config, origin="random")


def draw(space: Space, seed: int, number: int, attempt: int = 0) -> Config:
    """The random configuration of trial `number`, whether it may be tried or not."""
    generator = np.random.default_rng([seed, number, attempt])
    return space.build(lambda name, parameter: parameter.at(float(generator.random())))


def _by_chance(space: Space, seed: int, number: int, history: History) -> Config | None:
    """A random configuration that may be tried; the rarer they are, the longer it takes."""
    for attempt in range(DRAWS):
        if attempt == FEW and space.points is not None:
            return _one_left(space.points, seed, number, history)
        config = draw(space, seed, number, attempt)
        if _may_be_tried(space, config, history):
            return config
    return None


def _one_left(points: Sequence[Config], seed: int, number: int, history: History) -> Config | None:
    left = [config for config in points if config not in history.tried]
    generator = np.random.default_rng([seed, number, FEW])
    return dict(left[int(generator.integers(len(left)))]) if left else None


def _may_be_tried(space: Space, config: Config, history: History) -> bool:
    return space.allows(config) and config not in history.tried
