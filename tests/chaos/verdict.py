"""What an undisturbed run and a disturbed one must have in common, and what a journal must say."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from dataclasses import dataclass

import pandas as pd

from nightsweep.search.events import Asked, Event, Interrupted, Reported

# What faults may change: when, where, and how often.
OTHERWISE = {"attempts", "seconds", "started", "ended", "host", "device", "time"}


@dataclass(frozen=True, slots=True)
class Repeated:
    """Epochs that were trained again, after how many interruptions, and the most after one."""

    epochs: int = 0
    interruptions: int = 0
    most: int = 0


def differences(expected: pd.DataFrame, found: pd.DataFrame) -> list[str]:
    """How two tables differ, to the last digit; nothing where they are the same."""
    columns = [name for name in expected.columns if name not in OTHERWISE]
    if missing := set(columns) ^ {name for name in found.columns if name not in OTHERWISE}:
        return [f"columns of one table only: {', '.join(sorted(missing))}"]
    if len(expected) != len(found):
        return [f"{len(found)} rows instead of {len(expected)}"]
    return list(_cells(expected[columns], found[columns]))


def _cells(expected: pd.DataFrame, found: pd.DataFrame) -> Iterator[str]:
    for name in expected.columns:
        left, right = expected[name].astype(object), found[name].astype(object)
        for row in left.index[~((left == right) | (left.isna() & right.isna())).to_numpy()]:
            yield f"row {row}: {name} is {right[row]!r} instead of {left[row]!r}"


def repeated(events: Iterable[Event]) -> Repeated:
    """What the faults have cost."""
    trained: dict[int, int] = {}
    epochs = interruptions = most = 0
    for event in events:
        match event:
            case Reported():
                trained[event.trial] = event.epoch
            case Interrupted():
                lost = trained.get(event.trial, 0) - event.epoch
                epochs, interruptions, most = epochs + lost, interruptions + 1, max(most, lost)
                trained[event.trial] = event.epoch
    return Repeated(epochs, interruptions, most)


def lost(events: Iterable[Event]) -> list[str]:
    """Trials that went back behind their last checkpoint, though that was not damaged."""
    saved: dict[int, int] = {}
    found = []
    for event in events:
        match event:
            case Asked() if event.config is not None:
                saved[event.trial] = 0
            case Reported() if event.checkpoint:
                saved[event.trial] = event.epoch
            case Interrupted():
                before = saved[event.trial]
                if event.epoch != before and "its checkpoint after epoch" not in event.reason:
                    found.append(
                        f"trial {event.trial} went on from epoch {event.epoch} instead of "
                        f"{before}: {event.reason}"
                    )
                saved[event.trial] = event.epoch
    return found
