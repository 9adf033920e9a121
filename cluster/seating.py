"""Which slots share a device, and for whom a device is kept free.

A trial that ran out of memory beside others is tried again alone: on its GPU, or, since memory is
a host's, on its host where it trains on CPUs.
"""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass


@dataclass(frozen=True, slots=True, kw_only=True)
class Place:
    """Where a slot is. `kind`: its GPU's name, where that is known; `gpus`: what it has of it."""

    host: str
    pid: int
    device: str
    kind: str = ""
    gpus: float = 0.0

    def shares(self, other: Place) -> bool:
        """Whether two slots have one device between them."""
        return self.host == other.host and self.device == other.device


class Seating:
    """Places of slots; a slot that was not heard of yet may be anywhere."""

    def __init__(self) -> None:
        self.kept_for: str | None = None  # a slot; those beside it get no work
        self._places: dict[str, Place] = {}

    def sits(self, slot: str, place: Place) -> None:
        """A slot has said where it is."""
        self._places[slot] = place

    def left(self, slot: str) -> None:
        """A slot is gone."""
        self._places.pop(slot, None)
        if self.kept_for == slot:
            self.kept_for = None

    def beside(self, slot: str, others: Collection[str]) -> bool:
        """Whether one of the others may share the device of this slot."""
        here = self._places.get(slot)
        for other in others:
            there = self._places.get(other)
            if other != slot and (here is None or there is None or here.shares(there)):
                return True
        return False

    def capped(self, slot: str) -> bool:
        """Whether a slot may take no more than its share of a GPU's memory."""
        here = self._places.get(slot)
        return here is not None and 0 < here.gpus < 1

    def kept_from(self, slot: str) -> bool:
        """Whether this slot's device is kept free for another."""
        kept = self.kept_for
        return kept is not None and kept != slot and self.beside(kept, [slot])
