"""Slots that are to end, and how their trials leave them: once they are saved, if they can be."""

from __future__ import annotations

from collections.abc import Collection

from .work import Halt, Work


class Moving:
    """The slots that take up no more trials. `why`: what the trials are told that leave them."""

    def __init__(self) -> None:
        self.why = ""
        self._slots: set[str] = set()

    def __contains__(self, slot: str) -> bool:
        return slot in self._slots

    def __len__(self) -> int:
        return len(self._slots)

    def retire(self, slots: Collection[str], why: str) -> None:
        """These are to end."""
        self._slots.update(slots)
        self.why = why

    def ended(self, slot: str) -> None:
        """One is gone."""
        self._slots.discard(slot)

    def halts(self, slot: str, work: Work) -> bool:
        """Whether a trial is to save itself at its next report, and to stand still there."""
        return slot in self._slots and not work.stays

    def unsaved(self, work: Work) -> Halt:
        """To a trial that stands still, and has not saved itself: it is to at its next report.

        One that was told so before cannot, and goes on to its end where it is.
        """
        work.stays = work.halting and work.saving
        work.halting = work.saving = not work.stays
        return Halt(wanted=work.halting)
