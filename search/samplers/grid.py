"""Grid search: every combination once, the last parameter turning fastest."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from itertools import product
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

from ..errors import Problem
from ..history import History, Proposal
from ..space import Config, Int, Parameter, Space

LARGEST = 100_000


class Grid(BaseModel):
    """Settings of grid search."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["grid"] = "grid"

    def problems(self, space: Space) -> Iterator[Problem]:
        """A grid needs a finite number of values, and not too many."""
        size = 1
        for name, parameter in space.parameters.items():
            count = _count(parameter)
            if count is None:
                yield Problem(
                    key=("parameters", name),
                    message="a grid needs a finite number of values; give values: [...] or a step",
                )
            else:
                size *= count
        if size > LARGEST:
            yield Problem(
                key=("sampler",),
                message=f"the grid has {size:,} points, more than {LARGEST:,}; use sampler: tpe",
            )

    def build(self, space: Space, seed: int) -> GridSampler:
        return GridSampler(points=tuple(_points(space)))


@dataclass(frozen=True, slots=True, kw_only=True)
class GridSampler:
    """All points of the grid, in order; then nothing."""

    points: tuple[Config, ...] = field(repr=False)

    @property
    def count(self) -> int:
        return len(self.points)

    def propose(self, number: int, history: History) -> Proposal | None:
        if number > len(self.points):
            return None
        origin = f"grid point {number} of {len(self.points)}"
        return Proposal(config=dict(self.points[number - 1]), origin=origin)


def _points(space: Space) -> Iterator[Config]:
    """Each configuration once: values of unused parameters make no difference."""
    names = list(space.parameters)
    seen: set[str] = set()
    for values in product(*(_values(space.parameters[name]) for name in names)):
        chosen = dict(zip(names, values, strict=True))
        config = space.build(lambda name, parameter, chosen=chosen: chosen[name])  # type: ignore[misc]
        if repr(config) not in seen:
            seen.add(repr(config))
            yield config


def _count(parameter: Parameter) -> int | None:
    if parameter.count is None and isinstance(parameter, Int) and not parameter.log:
        return parameter.max - parameter.min + 1
    return parameter.count


def _values(parameter: Parameter) -> list[Any]:
    count = parameter.count
    if count is None:
        assert isinstance(parameter, Int)
        return list(range(parameter.min, parameter.max + 1))
    return [parameter.level(index) for index in range(count)]
