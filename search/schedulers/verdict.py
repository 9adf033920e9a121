"""What a scheduler answers."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Decision(StrEnum):
    """CONTINUE: train on. PAUSE: keep the checkpoint, free the slot. STOP: for good."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision and its reason, for people: `rung 9: rank 14 of 31, cut-off ...`."""

    decision: Decision
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Promotion:
    """A paused trial that goes on from its rung."""

    trial: int
    rung: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """A rung, for people: how many trials have reached it, and how many of them wait there."""

    epoch: int
    arrived: int
    paused: int
