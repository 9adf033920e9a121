"""Samplers: what to try next. One method a file, each with its settings and a `build`."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Discriminator

from ..history import History, Proposal
from .auto import Auto, Chosen
from .cmaes import Cmaes
from .gp import Gp
from .grid import Grid
from .nsga2 import Nsga2
from .qmc import Qmc
from .random import Random
from .tpe import Tpe

__all__ = [
    "Auto",
    "Chosen",
    "Cmaes",
    "Gp",
    "Grid",
    "Nsga2",
    "Qmc",
    "Random",
    "Sampler",
    "SamplerSettings",
    "Tpe",
]

SamplerSettings = Annotated[
    Auto | Gp | Tpe | Random | Grid | Qmc | Cmaes | Nsga2, Discriminator("name")
]


class Sampler(Protocol):
    """Proposes configurations. Its answer depends on its arguments, space and seed alone.

    It keeps to the space's constraints, and off `history.tried`; `admissible` does both for it.
    """

    def propose(self, number: int, history: History) -> Proposal | None:
        """The configuration of trial `number` (from 1); None when there is nothing left to try."""
        ...
