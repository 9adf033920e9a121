"""Quasi-random search: the points of a scrambled Sobol sequence, which leave no large gaps.

They cover the space more evenly than chance does, the more so the fewer parameters matter
(Bergstra & Bengio 2012, section 4). A point is a function of seed and trial alone, so any number
of workers may ask for them. Scrambling is that of Matoušek (1998), as in scipy.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict

from ..errors import Problem
from ..history import History, Proposal
from ..space import Space
from .admissible import admissible
from .random import RandomSampler


class Qmc(BaseModel):
    """Settings of quasi-random search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["qmc"] = "qmc"

    def problems(self, space: Space) -> Iterator[Problem]:
        yield from ()

    def build(self, space: Space, seed: int) -> QmcSampler:
        return QmcSampler(space=space, seed=seed)


@dataclass(frozen=True, slots=True, kw_only=True)
class QmcSampler:
    """The user's defaults first, then one point after the other."""

    space: Space
    seed: int

    def propose(self, number: int, history: History) -> Proposal | None:
        defaults = any(p.default is not None for p in self.space.parameters.values())
        if number == 1 and defaults:
            return RandomSampler(space=self.space, seed=self.seed).propose(number, history)
        # Without its first point the sequence is no better balanced than chance (Owen 2020), so
        # the defaults do not use it up.
        index = number - 1 - defaults

        def guess(attempt: int) -> Proposal:
            return self._point(index, attempt)

        return admissible(self.space, self.seed, number, history, guess)

    def _point(self, index: int, attempt: int) -> Proposal:
        """The point with this index; of a sequence that is scrambled anew for each attempt.

        Every parameter has a dimension of its own, whether it is used in a trial or not.
        """
        from scipy.stats.qmc import Sobol

        names = list(self.space.parameters)
        sequence = Sobol(max(len(names), 1), rng=np.random.default_rng([self.seed, attempt]))
        if index:
            sequence.fast_forward(index)
        point = dict(zip(names, sequence.random(1)[0], strict=False))
        config = self.space.build(lambda name, parameter: parameter.at(float(point[name])))
        return Proposal(config=config, origin=f"point {index + 1} of a Sobol sequence")
