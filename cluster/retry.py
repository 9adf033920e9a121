"""Whether, and how, a trial is tried again after something has befallen it. Pure."""

from __future__ import annotations

from dataclasses import dataclass

from ..search.events import Cause
from ..search.record import Record

PARTS = 16  # of a batch, at most: a micro-batch that does not fit then will hardly do in 32


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """How: with the device to itself, with each batch in so many parts."""

    alone: bool
    split: int


def again(
    known: Record, cause: Cause, *, retries: int, beside: bool, divides: bool, killed: bool = False
) -> Again | None:
    """How a trial is tried next; None where it has been tried often enough.

    Losses are counted by cause since the trial last got further than ever, so that one which is
    preempted every hour still comes to its end. What does not fit into memory goes down a ladder:
    alone, then with its batches halved again and again if its training function divides them.
    `beside`: others shared its device. `killed`: it ran out of nothing itself, but was ended to
    make room, maybe for another; so it is tried as often as others that lose their worker, too.
    """
    same = Again(alone=known.alone, split=known.split)
    if cause is Cause.MEMORY:
        if (beside or killed) and not known.alone:
            return Again(alone=True, split=known.split)
        if divides and known.split < PARTS:
            return Again(alone=known.alone, split=known.split * 2)
        return same if killed and known.troubles[cause] < retries else None
    allowed = min(retries, 1) if cause is Cause.HUNG else retries
    return same if known.troubles[cause] < allowed else None


def given_up(known: Record, cause: Cause, reason: str) -> str:
    """Why it is not tried once more, in words."""
    if cause is Cause.MEMORY:
        alone = " alone on its device" if known.alone else ""
        parts = f" with each batch in {known.split} parts" if known.split > 1 else ""
        even = ", even" if alone or parts else ""
        return f"does not fit: {reason}{even}{alone}{',' if alone and parts else ''}{parts}"
    times = known.troubles[cause] + 1
    if cause is Cause.HUNG and times > 1:
        return reason.replace("hung:", "hung twice:", 1)
    return f"{reason}; tried {times} times" if times > 1 else reason
