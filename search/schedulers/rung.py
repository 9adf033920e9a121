"""A rung: who has come to an epoch, who waits there, and what a rank there is worth.

Some trials train on whatever their rank: the first arrivals at the first rung (probes), each
so-many-th arrival at any rung (controls among them are those that would have been paused), and
everybody while the rung is blind. As nobody selected them, the rank correlation of their values
here and at the next rung says how well the rung selects.
"""

from __future__ import annotations

import math
from collections import deque
from dataclasses import dataclass, field

from ..correlation import spearman
from ..ranking import Ranking
from .verdict import Decision, Evidence, Pair

PROBES = 8
BLIND = 0.3  # a rank correlation below this says too little to stop anybody
ENOUGH = 5  # pairs that a rank correlation needs
LATEST = 200  # pairs that it looks at: each new one costs the same, however long the sweep

# At a rung: value, order of arrival, trial. Equal values rank by arrival.
Place = tuple[float, int, int]


@dataclass(slots=True, kw_only=True)
class Rung:
    """All that reached an epoch, and those of them that wait there; both best first."""

    epoch: int
    probes: int = 0  # the first so many go on; only a rung with probes can be blind
    every: int = 0  # each so-many-th arrival goes on; 0: none
    arrivals: Ranking[Place] = field(default_factory=Ranking)
    paused: Ranking[Place] = field(default_factory=Ranking)
    places: dict[int, Place] = field(default_factory=dict)
    free: set[int] = field(default_factory=set)  # trained on, whatever their rank
    stopped: int = 0
    correlation: float | None = None  # None while there are too few pairs
    latest: deque[Pair] = field(default_factory=lambda: deque(maxlen=LATEST))

    def rank(self, place: Place) -> int:
        return self.arrivals.before(place) + 1

    @property
    def gone(self) -> int:
        """How many have trained on."""
        return len(self.arrivals) - len(self.paused) - self.stopped

    @property
    def blind(self) -> bool:
        """Whether ranks here say so little about the next rung that all go on."""
        return self.probes > 0 and self.correlation is not None and self.correlation < BLIND

    @property
    def probing(self) -> bool:
        """Whether the next arrival is one of the first."""
        return len(self.arrivals) < self.probes

    @property
    def controlling(self) -> bool:
        """Whether the next arrival is a so-many-th."""
        return self.every > 0 and (len(self.arrivals) + 1) % self.every == 0

    def add(self, trial: int, value: float, decision: Decision) -> None:
        if decision is Decision.CONTINUE and (self.probing or self.controlling or self.blind):
            self.free.add(trial)
        place = (value, len(self.arrivals), trial)
        self.arrivals.add(place)
        self.places[trial] = place
        self.stopped += decision is Decision.STOP
        if decision is Decision.PAUSE:
            self.paused.add(place)

    def leave(self, trial: int) -> None:
        """A paused trial waits no longer. Errors: ValueError if it does not wait here."""
        try:
            self.paused.remove(self.places[trial])
        except ValueError:
            raise ValueError(f"trial {trial} does not wait at rung {self.epoch}") from None

    def learn(self, trial: int, value: float) -> None:
        """A trial from here has come to the next rung; `value`: what it has there."""
        if self.probes and trial in self.free:
            self.latest.append((self.places[trial][0], value))
            if len(self.latest) >= ENOUGH:
                self.correlation = spearman(self.latest)

    def evidence(self, above: Rung, last: Rung, eta: int) -> Evidence:
        """What is known of this rung by those that it did not select."""
        seen = sorted(trial for trial in self.free if trial in above.places)
        below = [trial for trial in seen if not self.among_best(trial, eta)]
        return Evidence(
            epoch=self.epoch,
            next=above.epoch,
            eta=eta,
            pairs=[(self.places[t][0], above.places[t][0]) for t in seen],
            finals=[
                (self.places[t][0], last.places[t][0])
                for t in sorted(self.free)
                if t in last.places
            ],
            controls=len(below),
            wrong=sum(above.among_best(trial, eta) for trial in below),
        )

    def among_best(self, trial: int, eta: int) -> bool:
        """Whether a trial is among the best 1/eta of all that have come here so far."""
        place = self.places[trial]
        return math.isfinite(place[0]) and self.rank(place) <= max(len(self.arrivals) // eta, 1)
