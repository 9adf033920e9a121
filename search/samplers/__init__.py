"""Samplers: what to try next. One method a file, each with its settings and a `build`."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Discriminator

from ..history import History, Proposal
from .grid import Grid
from .random import Random
from .tpe import Tpe

__all__ = ["Grid", "Random", "Sampler", "SamplerSettings", "Tpe"]

SamplerSettings = Annotated[Tpe | Random | Grid, Discriminator("name")]


class Sampler(Protocol):
    """Proposes configurations. Its answer depends on its arguments, space and seed alone."""

    @property
    def count(self) -> int | None:
        """How many configurations there are to propose; None where there is no end."""
        ...

    def propose(self, number: int, history: History) -> Proposal | None:
        """The configuration of trial `number` (from 1); None when there is nothing left to try."""
        ...
