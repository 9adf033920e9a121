"""What goes between the driver and a training function, in both directions."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

Config = dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """A trial to train, from `epoch` epochs done; a decision is due at epoch `until`."""

    trial: int
    config: Config
    epoch: int
    until: int
    max_epochs: int
    metrics: tuple[str, ...]  # that each report must hold
    seed: int
    folder: Path
    attempt: int = 1
    split: int = 1  # the parts that each of its batches is trained in
    alone: bool = False  # it has its device to itself, and may fill it
    gpus: float = 0
    cpus: int = 1  # whole ones that it may use
    processes: int = 1  # that train it together
    pauses: bool = True  # a decision may be to pause, so the state is saved before each


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """An epoch's report. `waits`: the training function stands still until it is answered."""

    trial: int
    epoch: int
    metrics: dict[str, float]
    seconds: float
    checkpoint: bool = False
    waits: bool = False


class End(StrEnum):
    """How a training function ended."""

    RETURNED = "returned"
    HALTED = "halted"  # because it was told to
    FAILED = "failed"
    LOST = "lost"  # the checkpoint that it was to go on from is gone
    MEMORY = "memory"  # it needs more than there is
    UNSAVED = "unsaved"  # told to halt while its storage was full or away


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """A training function has left its slot. `reason` and `traceback` say why it failed."""

    trial: int
    end: End
    reason: str = ""
    traceback: str = ""
    epoch: int = 0  # where its checkpoint was lost: the one to go on from


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """To a step that waits: go on until epoch `until`, or halt (None)."""

    trial: int
    until: int | None


@dataclass(frozen=True, slots=True, kw_only=True)
class Divides:
    """The training function takes its batches in parts, so it can do with less memory."""

    trial: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Waits:
    """The training function stands still until something is there again: room on a disk."""

    trial: int
    reason: str


Message = Step | Ended | Divides | Waits
