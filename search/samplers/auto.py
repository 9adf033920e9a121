"""Chooses the sampler from the space, the budget and the metrics, and says why."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING, Literal, Protocol

from pydantic import BaseModel, ConfigDict

from ..errors import Problem
from ..space import Space
from .gp import Gp
from .nsga2 import Nsga2
from .qmc import Qmc
from .tpe import Tpe

if TYPE_CHECKING:
    from . import Sampler

MANY = 20  # parameters: beyond, Gaussian processes are said to lose (Frazier 2018, section 1)


class Settings(Protocol):
    """A sampler's settings."""

    @property
    def name(self) -> str: ...

    def build(self, space: Space, seed: int) -> Sampler: ...


@dataclass(frozen=True, slots=True, kw_only=True)
class Chosen:
    """The settings of the sampler that proposes, and why it was chosen (empty: by the user)."""

    sampler: Settings
    why: str = ""


class Auto(BaseModel):
    """Settings of the choice: none."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["auto"] = "auto"

    def problems(self, space: Space) -> Iterator[Problem]:
        yield from ()

    def choose(self, space: Space, *, trials: int | None, objectives: int) -> Chosen:
        """The sampler for a sweep of `trials` (None: no limit) and so many objectives."""
        count = len(space.parameters)
        if objectives > 1:
            return Chosen(sampler=Nsga2(), why=f"{objectives} metrics are searched at once")
        if trials is not None and trials <= Gp().startup:
            return Chosen(sampler=Qmc(), why=f"{trials} trials are too few to learn from")
        if count > MANY:
            return Chosen(sampler=Tpe(), why=f"{count} parameters are many")
        budget = "time for many trials" if trials is None else f"{trials} trials"
        return Chosen(sampler=Gp(), why=f"one metric, {count} parameters, {budget}")
