"""What a rule that pauses nobody answers where others speak of those who wait."""

from __future__ import annotations

from .verdict import Evidence, May, Promotion, anyone


class Unpaused:
    """The part of a Scheduler that is about waiting: nobody does, and nobody is a control."""

    __slots__ = ()

    def promote(self, *, last: bool, may: May = anyone) -> Promotion | None:
        return None

    def rescue(self, *, may: May = anyone) -> Promotion | None:
        return None

    def chances(self, trials: int | None) -> dict[int, float]:
        return {}

    def expected_paused(self, trials: int) -> float:
        return 0.0

    def evidence(self) -> list[Evidence]:
        return []

    def promoted(self, trial: int, rung: int) -> None:
        """Nobody waits."""

    def dropped(self, trial: int, rung: int) -> None:
        """Nobody waits."""
