"""What a scheduler answers."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, replace
from enum import StrEnum

Pair = tuple[float, float]
May = Callable[[int], bool]  # whether a trial may be chosen


def anyone(trial: int) -> bool:
    """There is time enough for all."""
    return True


class Decision(StrEnum):
    """CONTINUE: train on. PAUSE: keep the checkpoint, free the slot. STOP: for good."""

    CONTINUE = "continue"
    PAUSE = "pause"
    STOP = "stop"


@dataclass(frozen=True, slots=True, kw_only=True)
class Verdict:
    """A decision and its reason, for people: `rung 9: rank 14 of 31, cut-off ...`.

    `cutoff`: the value that `{cutoff}` in the reason stands for, lower being better.
    """

    decision: Decision
    reason: str
    cutoff: float | None = None

    def told(self, sign: float) -> str:
        """The reason, its value as it was reported: `sign` is -1 where higher is better."""
        if self.cutoff is None:
            return self.reason
        return self.reason.replace("{cutoff}", f"{sign * self.cutoff:.4g}")


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


@dataclass(frozen=True, slots=True, kw_only=True)
class Evidence:
    """What is known of a rung by trials that it let through whatever their rank.

    Values are lower where better, inf where a trial diverged.
    """

    epoch: int
    next: int  # the rung above, or the last epoch
    eta: int
    pairs: list[Pair]  # values here and at the next rung
    finals: list[Pair]  # values here and at the last epoch, of those that came so far
    controls: int  # how many of the pairs are not among the best 1/eta here
    wrong: int  # and of these, how many are among the best 1/eta at the next rung

    def __add__(self, other: Evidence) -> Evidence:
        """What two rungs at the same epochs know together."""
        return replace(
            self,
            pairs=self.pairs + other.pairs,
            finals=self.finals + other.finals,
            controls=self.controls + other.controls,
            wrong=self.wrong + other.wrong,
        )
