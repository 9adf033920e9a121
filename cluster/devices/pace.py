"""How long epochs take in different places, compared: on another kind of device, beside others.

Configurations differ more than devices do, so a trial that has trained in both places says most.
Here is no clock: trials' own seconds in, ratios out.
"""

from __future__ import annotations

from collections.abc import Collection, Hashable
from statistics import median
from typing import Generic, TypeVar

Place = TypeVar("Place", bound=Hashable)

PAIRED = 3  # epochs in each place of trials that were in both, and say enough
TRIALS = 4  # in each place, where fewer were in both
LATEST = 50  # trials of a place that are remembered
SLOW = 1.3  # times as long as on the fastest kind: what is less may be chance


class Paces(Generic[Place]):
    """Seconds that an epoch takes, by place (anything that can be a key) and trial."""

    def __init__(self) -> None:
        self._seconds: dict[Place, dict[int, tuple[int, float]]] = {}  # epochs, and their sum

    def note(self, place: Place, trial: int, seconds: float) -> None:
        """A trial has trained an epoch there."""
        here = self._seconds.setdefault(place, {})
        if seconds <= 0:
            return
        epochs, total = here.pop(trial, (0, 0.0))
        here[trial] = (epochs + 1, total + seconds)
        if len(here) > LATEST:
            del here[next(iter(here))]

    @property
    def places(self) -> Collection[Place]:
        """Where anything has trained."""
        return self._seconds.keys()

    def ratio(self, place: Place, other: Place) -> float | None:
        """How many times as long an epoch takes at `place` as at `other`; None: not known yet.

        The median over trials that were in both, or of all in one place over all in the other.
        """
        here, there = self._seconds.get(place, {}), self._seconds.get(other, {})
        both = here.keys() & there.keys()
        if sum(min(here[trial][0], there[trial][0]) for trial in both) >= PAIRED:
            return median(_mean(here[trial]) / _mean(there[trial]) for trial in both)
        if min(len(here), len(there)) < TRIALS:
            return None
        return median(map(_mean, here.values())) / median(map(_mean, there.values()))


class Kinds:
    """The kinds of devices that slots are on, and how much slower than the fastest each is."""

    def __init__(self) -> None:
        self._paces = Paces[str]()
        self._slots: dict[str, str] = {}  # the kind that each is on
        self._slower: dict[str, float] = {}  # than the fastest, by kind

    def sits(self, slot: str, kind: str) -> None:
        """A slot is on a device of that kind (its name); empty: not known."""
        if kind:
            self._slots[slot] = kind

    def left(self, slot: str) -> None:
        """A slot is gone."""
        self._slots.pop(slot, None)

    def trained(self, slot: str, trial: int, seconds: float) -> None:
        """A trial has trained an epoch in a slot."""
        if kind := self._slots.get(slot):
            self._paces.note(kind, trial, seconds)
            if len(self._paces.places) > 1:
                self._slower = self._compared(kind)

    def slower(self, slot: str) -> float:
        """How many times as long an epoch takes there as on the fastest kind; 1: not known."""
        return self._slower.get(self._slots.get(slot, ""), 1.0)

    @property
    def least(self) -> float:
        """How many times as long an epoch takes on the fastest kind that a slot is on now."""
        return min(map(self.slower, self._slots), default=1.0)

    def leaves(self, slot: str) -> int:
        """How many promotions a slot leaves to others: on a slow kind one to each fast slot."""
        if self.slower(slot) <= SLOW:
            return 0
        return sum(self.slower(other) <= SLOW for other in self._slots)

    def _compared(self, one: str) -> dict[str, float]:
        """Every kind with the fastest, where it can be compared with `one`."""
        ratios = {kind: self._paces.ratio(kind, one) for kind in self._paces.places}
        known = {kind: ratio for kind, ratio in ratios.items() if ratio}
        fastest = min(known.values(), default=1.0)
        return {kind: ratio / fastest for kind, ratio in known.items()}


def _mean(known: tuple[int, float]) -> float:
    epochs, total = known
    return total / epochs
