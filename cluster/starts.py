"""How slots come up: whether no worker stays up, or only that of one node, or one node went."""

from __future__ import annotations

UNLUCKY = 3  # so many rounds of starts that failed in a row are no accident
PAUSE = 60.0  # seconds until the next, where others are up: one node may be sick, or full


class Starts:
    """One for an engine. Times are of any clock, in seconds.

    Starts are counted in rounds: slots that were opened before one was lost belong to its round,
    so that a node which goes with eight of them counts once.
    """

    def __init__(self) -> None:
        self._round = 0
        self._failed = 0  # rounds in a row
        self._starting: dict[str, int] = {}  # slots, and the round of each
        self._again = 0.0  # when to open slots again

    def opened(self, slot: str) -> None:
        """A slot was asked for."""
        self._starting[slot] = self._round

    def up(self, slot: str) -> None:
        """Its worker is there."""
        self._starting.pop(slot, None)
        self._failed = 0

    def lost(self, slot: str, now: float, *, others: bool) -> bool:
        """A slot was lost; whether no worker stays up. `others`: some are."""
        if self._starting.pop(slot, None) != self._round:
            return False  # it had been up, or is of a round that has failed already
        self._round += 1
        self._failed += 1
        if self._failed < UNLUCKY:
            return False
        if others:
            self._failed, self._again = 0, now + PAUSE
        return not others

    def may_open(self, now: float) -> bool:
        """Whether to open a slot now."""
        return now >= self._again
