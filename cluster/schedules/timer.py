"""What starts things at their time. One file each beside this one; timers.py knows them all."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

from ...search.sweep import Sweep
from .schedule import Place, Schedule, Using


@dataclass(frozen=True, slots=True, kw_only=True)
class Entry:
    """A schedule on its way to a timer. `sweep`: as its file has it; None once it is there."""

    schedule: Schedule
    place: Place
    sweep: Sweep | None = None


class Timer(Protocol):
    """Errors of every method: NightsweepError, in words, and nothing half done."""

    @property
    def name(self) -> Using:
        """What `--using` says."""

    def hindrance(self) -> str:
        """Why it starts nothing here, and what to do; empty where it does."""

    def text(self, entry: Entry) -> str:
        """All that `add` writes but start.sh, for people to read first."""

    def add(self, entry: Entry) -> Schedule:
        """Put the entry there; the schedule as it is to be remembered."""

    def remove(self, entry: Entry) -> str:
        """Take exactly this entry away again. What else is to be said: `gone`, or what stays."""

    def holds(self, entry: Entry) -> bool:
        """Whether the entry is still there."""


def gone(using: Using) -> str:
    """What `remove` says of an entry that somebody else has removed."""
    return f"{using} did not know it any more"
