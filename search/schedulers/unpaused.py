"""What a rule that pauses nobody answers where others speak of those who wait."""

from __future__ import annotations

from .verdict import Evidence, Promotion


class Unpaused:
    """The part of a Scheduler that is about waiting: nobody does, and nobody is a control."""

    __slots__ = ()

    def promote(self, *, last: bool) -> Promotion | None:
        return None

    def rescue(self) -> Promotion | None:
        return None

    def evidence(self) -> list[Evidence]:
        return []

    def promoted(self, trial: int, rung: int) -> None:
        """Nobody waits."""

    def dropped(self, trial: int, rung: int) -> None:
        """Nobody waits."""
