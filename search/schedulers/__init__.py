"""Schedulers: who goes on, who waits, who stops. One rule a file, with its settings."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Discriminator

from .asha import Asha
from .hyperband import Hyperband
from .median import Median
from .none import Never
from .verdict import Decision, Evidence, May, Promotion, Step, Verdict, anyone

__all__ = [
    "Asha",
    "Decision",
    "Evidence",
    "Hyperband",
    "May",
    "Median",
    "Never",
    "Promotion",
    "Scheduler",
    "SchedulerSettings",
    "Step",
    "Verdict",
    "anyone",
]

# Settings say by `pauses` whether a decision may be to pause: a trial is saved before each then.
SchedulerSettings = Annotated[Asha | Hyperband | Median | Never, Discriminator("name")]


class Scheduler(Protocol):
    """Decides at rungs. `judge` and `promote` look; `arrived`, `promoted`, `dropped` record."""

    def next_rung(self, trial: int, epoch: int) -> int:
        """The next epoch after `epoch` at which `judge` is to be asked about this trial."""
        ...

    def expected_epochs(self, trials: int) -> float:
        """How many epochs this many trials are expected to take in all."""
        ...

    def ladder(self) -> list[Step]:
        """The rungs below the last epoch, as they are filled now."""
        ...

    def judge(self, trial: int, rung: int, value: float, *, can_pause: bool) -> Verdict:
        """What becomes of a trial that has reached a rung with `value` (lower is better).

        `can_pause`: the trial has a checkpoint to continue from later.
        """
        ...

    def promote(self, *, last: bool, may: May = anyone) -> Promotion | None:
        """The paused trial that has earned its next rung; `last`: no new trials will come.

        `may`: which trials can be taken; the others are passed over.
        """
        ...

    def rescue(self, *, may: May = anyone) -> Promotion | None:
        """The best paused trial of the highest rung that has one which can be taken."""
        ...

    def chances(self, trials: int | None) -> dict[int, float]:
        """How likely each paused trial is to go on, from 0 to 1.

        0: it cannot any more, if no more than `trials` are opened (None: without end).
        """
        ...

    def expected_paused(self, trials: int) -> float:
        """How many of so many trials are expected to wait at once with a chance to go on."""
        ...

    def evidence(self) -> list[Evidence]:
        """What is known of each rung by trials that it let through whatever their rank."""
        ...

    def arrived(self, trial: int, rung: int, value: float, decision: Decision) -> None:
        """Record a trial at a rung or the last epoch; inf: it diverged on the way there."""
        ...

    def promoted(self, trial: int, rung: int) -> None:
        """Record that a paused trial has left its rung for the next."""
        ...

    def dropped(self, trial: int, rung: int) -> None:
        """Record that a paused trial will never go on (it failed, say)."""
        ...
