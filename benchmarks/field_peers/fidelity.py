"""For peers that ask for "this configuration, for so many epochs" and take one number back.

Their users write a function of a configuration and a fidelity; here it goes on from where the
same configuration had come before, and gives up at the first NaN with the worst error of the
table, as none of them takes NaN. Both help the peer: DEHB's and SMAC's examples train anew.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, field
from typing import Any, Protocol

from nightsweep.search import Decision
from nightsweep.search.space import Config

from .problem import Start


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A configuration to be trained until `epochs`; `ticket` is what the peer knows it by."""

    config: Config
    epochs: int
    ticket: Any


class Fidelities(Protocol):
    """A peer of this kind."""

    def next(self) -> Job: ...
    def tell(self, ticket: Any, error: float) -> None: ...


@dataclass(slots=True, kw_only=True)
class Known:
    """A configuration, its errors so far, and the job that it is in."""

    id: int
    config: Config
    errors: list[float] = field(default_factory=list)
    job: Job | None = None


class ByFidelity:
    """Such a peer behind `ask` and `report`; `worst` stands for NaN."""

    def __init__(self, peer: Fidelities, worst: float) -> None:
        self.peer = peer
        self.worst = worst
        self.trials: dict[int, Known] = {}
        self.latest: dict[tuple[Any, ...], Known] = {}  # by the configuration

    def ask(self) -> Start:
        while True:
            job = self.peer.next()
            known = self._known(job.config)
            result = self._result(known, job)
            if result is None:
                known.job = job
                return Start(id=known.id, config=known.config, epoch=len(known.errors))
            self.peer.tell(job.ticket, result)

    def report(self, trial: int, epoch: int, error: float, seconds: float) -> Decision:
        known = self.trials[trial]
        assert known.job is not None
        known.errors.append(error)
        result = self._result(known, known.job)
        if result is None:
            return Decision.CONTINUE
        self.peer.tell(known.job.ticket, result)
        known.job = None
        return Decision.PAUSE

    def _known(self, config: Config) -> Known:
        """The trial of this configuration; a new one where that is being trained just now."""
        key = tuple(config.values())
        known = self.latest.get(key)
        if known is None or known.job is not None:
            known = self.latest[key] = Known(id=len(self.trials) + 1, config=config)
            self.trials[known.id] = known
        return known

    def _result(self, known: Known, job: Job) -> float | None:
        """The number to tell, where it is known already."""
        if known.errors and math.isnan(known.errors[-1]):
            return self.worst
        return known.errors[job.epochs - 1] if len(known.errors) >= job.epochs else None
