"""The field: nightsweep and its peers, each behind `ask` and `report`, one a file."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from importlib.util import find_spec

from .dehb_brackets import dehb
from .neps_priorband import neps
from .one_epoch import OneEpoch
from .optuna_hyperband import OptunaHyperband
from .own import Nightsweep
from .problem import Peer, Problem
from .ray_asha import random_asha, stock
from .smac_hyperband import smac
from .syne_bohb import SyneBohb

__all__ = ["OWN", "PEERS", "STOCK", "Entry", "entry"]

OWN = "nightsweep"
STOCK = "stock"


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A row of the tables: how it is built, and the package that it needs.

    `told_nan`: its users report every epoch, and NaN as it is.
    """

    title: str
    build: Callable[[Problem], Peer]
    needs: str = "nightsweep"
    told_nan: bool = False

    @property
    def installed(self) -> bool:
        return find_spec(self.needs) is not None


PEERS = {
    STOCK: Entry(
        title="Ray Tune, OptunaSearch + ASHA (stock)", build=stock, needs="ray", told_nan=True
    ),
    "random": Entry(
        title="random search + Ray's ASHA", build=random_asha, needs="ray", told_nan=True
    ),
    "optuna": Entry(
        title="Optuna, TPE + Hyperband", build=OptunaHyperband, needs="optuna", told_nan=True
    ),
    "bohb": Entry(title="Syne Tune, BOHB", build=SyneBohb, needs="syne_tune", told_nan=True),
    "dehb": Entry(title="DEHB", build=dehb, needs="dehb"),
    "smac": Entry(title="SMAC, multi-fidelity", build=smac, needs="smac"),
    "neps": Entry(title="NePS, Hyperband or PriorBand", build=neps, needs="neps"),
    "one-epoch": Entry(title="one epoch each, finish the best", build=OneEpoch),
}


def entry(name: str) -> Entry:
    """A peer, `nightsweep`, or `nightsweep SAMPLER`. Errors: KeyError for any other name."""
    own, _, sampler = name.partition(" ")
    if own != OWN:
        return PEERS[name]
    options = {"sampler": sampler} if sampler else {}
    return Entry(title=name, build=lambda problem: Nightsweep(problem, **options))
