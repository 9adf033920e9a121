"""What a Study remembers of one trial, and what it gives out."""

from __future__ import annotations

import math
import sys
from collections import Counter
from dataclasses import dataclass, field
from enum import StrEnum

from .events import Metrics
from .objective import Score
from .space import Config

UNSCORED = Score(math.inf, (), folds_left=sys.maxsize)  # worse than every score


class Status(StrEnum):
    """Where a trial stands."""

    RUNNING = "running"
    PAUSED = "paused"  # at a rung, until its rank there is good enough
    WAITING = "waiting"  # lost its place (a dead worker, an ended driver); goes on first
    STOPPED = "stopped"  # for good, by the scheduler
    COMPLETED = "completed"  # trained to the end, or returned of its own accord
    DIVERGED = "diverged"  # its metric became NaN or infinite
    FAILED = "failed"

    @property
    def ended(self) -> bool:
        return self in (Status.STOPPED, Status.COMPLETED, Status.DIVERGED, Status.FAILED)


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial to train: from `epoch` epochs done until a decision is due at epoch `until`.

    `alone`: with its device to itself. `split`: the parts that each batch is trained in.
    """

    id: int
    config: Config
    epoch: int
    until: int
    alone: bool = False
    split: int = 1


@dataclass(slots=True, kw_only=True)
class Record:
    """One trial. Values are as reported, not turned to be minimised."""

    id: int
    config: Config
    origin: str
    status: Status = Status.RUNNING
    reason: str = ""
    epoch: int = 0  # epochs trained
    decided: bool = False  # it has been paused, or has ended, once at least
    until: int = 0  # the epoch at which to report and wait for a decision
    judged: int = 0  # the last rung decided
    saved: int = 0  # the epoch of the latest checkpoint that the Study knows of
    attempts: int = 0  # how often it was started, or started again from a checkpoint
    alone: bool = False  # it needs its device to itself: it ran out of memory beside others
    split: int = 1  # the parts that each of its batches is trained in
    troubles: Counter[str] = field(default_factory=Counter)  # by cause, since it last got further
    failed_of: str = ""  # the cause, where it has one
    last: float = math.nan
    furthest: int = 0  # the last epoch ever trained; one that is trained again counts once
    best: float = math.nan
    best_metrics: Metrics = field(default_factory=dict)
    best_epoch: int = 0
    score: Score = UNSCORED  # at its best epoch; of several objectives, or folds, at its last
    latest: Score = UNSCORED  # at its last
