"""Schedulers: who goes on, who waits, who stops. One rule a file, with its settings."""

from __future__ import annotations

from typing import Annotated, Protocol

from pydantic import Discriminator

from .asha import Asha
from .none import Never
from .verdict import Decision, Promotion, Step, Verdict

__all__ = [
    "Asha",
    "Decision",
    "Never",
    "Promotion",
    "Scheduler",
    "SchedulerSettings",
    "Step",
    "Verdict",
]

SchedulerSettings = Annotated[Asha | Never, Discriminator("name")]


class Scheduler(Protocol):
    """Decides at rungs. `judge` and `promote` look; `arrived`, `promoted`, `dropped` record."""

    def next_rung(self, epoch: int) -> int:
        """The next epoch after `epoch` at which `judge` is to be asked."""
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

    def promote(self, *, last: bool) -> Promotion | None:
        """The paused trial that has earned its next rung; `last`: no new trials will come."""
        ...

    def arrived(self, trial: int, rung: int, value: float, decision: Decision) -> None:
        """Record a trial at a rung; inf for one that diverged on the way there."""
        ...

    def promoted(self, trial: int, rung: int) -> None:
        """Record that a paused trial has left its rung for the next."""
        ...

    def dropped(self, trial: int, rung: int) -> None:
        """Record that a paused trial will never go on (it failed, say)."""
        ...
