"""Grid search: every combination once, the last parameter turning fastest."""

from __future__ import annotations

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import Literal

from pydantic import BaseModel, ConfigDict

from ..errors import Problem
from ..history import History, Proposal
from ..space import LARGEST, Config, Int, Parameter, Space, size


class Grid(BaseModel):
    """Settings of grid search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["grid"] = "grid"

    def problems(self, space: Space) -> Iterator[Problem]:
        """A grid needs a finite number of values, and not too many."""
        counts = {name: _count(parameter) for name, parameter in space.parameters.items()}
        for name, count in counts.items():
            if count is None:
                yield Problem(
                    key=("parameters", name),
                    message="a grid needs a finite number of values; give values: [...] or a step",
                )
        for name, parameter in space.parameters.items():
            if parameter.prior:
                yield Problem(
                    key=("parameters", name, "prior"),
                    message="a grid tries every value; remove prior, or use sampler: tpe",
                )
        points = math.prod(count or 1 for count in counts.values())
        if points > LARGEST:
            yield Problem(
                key=("sampler",),
                message=f"the grid has {points:,} points, more than {LARGEST:,}; use sampler: tpe",
            )

    def build(self, space: Space, seed: int) -> GridSampler:
        return GridSampler(points=space.points or ())


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSampler:
    """All points of the grid that are allowed, in order; then those that may be tried again."""

    points: Sequence[Config] = field(repr=False)

    def propose(self, number: int, history: History) -> Proposal | None:
        for step in range(len(self.points)):
            index = (number - 1 + step) % len(self.points)
            if self.points[index] not in history.tried:
                origin = f"grid point {index + 1} of {len(self.points)}"
                return Proposal(config=dict(self.points[index]), origin=origin)
        return None


def _count(parameter: Parameter) -> int | None:
    # Whole numbers on a log scale ask for a factor between them, not for every one of them.
    whole = isinstance(parameter, Int) and not parameter.log
    return size(parameter) if whole else parameter.count
