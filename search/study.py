"""The Study: every decision of a sweep, as a function of (sweep, events). No Ray, clock or files.

    study = Study(sweep)
    trial = study.ask()                                        # a Trial, or None
    decision = study.report(trial.id, epoch, {"val_loss": 0.3})
    study.finish(trial.id)
    study = Study.replay(sweep, events)                        # exactly the study that wrote them

Each call decides, hands its event to `record`, then changes: what is not written has not happened.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable
from typing import Any

from .changing import CHANGEABLE, allowed
from .errors import StudyError
from .events import (
    Cause,
    Changed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Learned,
    Metrics,
    Reported,
    Stopped,
)
from .order import follow
from .proposer import Proposer
from .record import Record, Status, Trial
from .schedulers import Decision, Scheduler, Step
from .state import State
from .sweep import Sweep
from .turn import Turn

__all__ = ["CHANGEABLE", "Decision", "Record", "Status", "Study", "Trial"]


class Study:
    """Decides what is tried and who goes on. Trials count from 1, epochs too."""

    def __init__(self, sweep: Sweep, record: Callable[[Event], None] | None = None) -> None:
        self.state = State(sweep)
        self._write = record

    @classmethod
    def replay(
        cls,
        sweep: Sweep,
        events: Iterable[Event],
        record: Callable[[Event], None] | None = None,
    ) -> Study:
        """The study that wrote these events; further events go to `record`.

        Errors: JournalError where no study can have written them.
        """
        study = cls(sweep)
        for number, event in enumerate(events, start=1):
            follow(study.state, event, f"event {number}")
        if record is not None:
            study.record_to(record)
        return study

    def ask(
        self, *, alone: bool = True, left: float | None = None, leaves: int = 0
    ) -> Trial | None:
        """The trial to train next: one that lost its place, one to promote, or a new one.

        None when nothing may start now. `alone`: it would have its device to itself; trials that
        need that are passed over where it is not so. `left`: seconds that it can train; nobody is
        started who would not come to the next rung in them. `leaves`: how many promotions, of the
        highest rungs, are left to faster devices while there is a new trial to start.
        """
        event = Turn(state=self.state, alone=alone, left=left, leaves=leaves).next()
        if event is None:
            return None
        self._commit(event)
        known = self.trials[event.trial]
        return Trial(
            id=known.id,
            config=known.config,
            epoch=known.epoch,
            until=known.until,
            alone=known.alone,
            split=known.split,
        )

    def report(
        self,
        trial: int,
        epoch: int,
        metrics: Metrics,
        *,
        seconds: float | None = None,
        checkpoint: bool = True,
    ) -> Decision:
        """The metrics of a trained epoch; what to do next.

        `checkpoint`: the trial could be continued from here later, so it may be paused.
        Errors: StudyError if it is not running, the epoch no later one, or a metric missing.
        """
        known = self.state.running(trial)
        if epoch <= known.epoch:
            raise StudyError(f"trial {trial} reported epoch {epoch} after epoch {known.epoch}")
        if missing := self.state.objective.missing(metrics):
            raise StudyError(f"trial {trial} reported no {missing}")
        decision, reason = self._decide(known, epoch, metrics, checkpoint)
        self._commit(
            Reported(
                trial=trial,
                epoch=epoch,
                metrics=metrics,
                seconds=seconds,
                checkpoint=checkpoint,
                decision=decision,
                reason=reason,
            )
        )
        return decision

    def finish(self, trial: int) -> None:
        """The training function returned. Errors: StudyError if the trial is not running."""
        known = self.state.running(trial)
        if not known.epoch:
            raise StudyError(f"trial {trial} finished without a report; call fail instead")
        reason = f"returned after {known.epoch} of {self.sweep.max_epochs} epochs"
        self._commit(Finished(trial=trial, reason=reason))

    def stop(self, trial: int, reason: str) -> None:
        """Stop a trial for good, wherever it is. Errors: StudyError if it has ended."""
        self._open(trial, "be stopped")
        self._commit(Stopped(trial=trial, reason=reason))

    def fail(
        self, trial: int, reason: str, traceback: str = "", *, cause: Cause = Cause.NONE
    ) -> None:
        """The trial is lost; `cause`: by what, if by something that happens to trials.

        Errors: StudyError if it has ended.
        """
        self._open(trial, "fail")
        self._commit(Failed(trial=trial, reason=reason, traceback=traceback, cause=cause))

    def interrupt(
        self,
        trial: int,
        reason: str,
        *,
        cause: Cause = Cause.NONE,
        epoch: int | None = None,
        alone: bool | None = None,
        split: int | None = None,
    ) -> None:
        """The trial lost its place; `ask` gives it back, to go on from `epoch`.

        `epoch`: that of its latest checkpoint, if not given. `cause`: what happened to it, if it
        is to be counted. `alone`, `split`: how it is to be tried now; as before, if not given.
        Errors: StudyError if it is not running, and has not failed before its first epoch either.
        """
        known = self.state.known(trial)
        if known.status is not Status.FAILED or known.furthest:
            self.state.running(trial)
        event = Interrupted(
            trial=trial,
            epoch=known.saved if epoch is None else epoch,
            reason=reason,
            cause=cause,
            alone=known.alone if alone is None else alone,
            split=known.split if split is None else split,
        )
        self._commit(event)

    def record_to(self, record: Callable[[Event], None]) -> None:
        """Hand further events to `record`; those so far have come from somewhere else."""
        self._write = record

    def change(self, **changes: Any) -> None:
        """Change what CHANGEABLE names. Errors: StudyError for other keys, SweepError."""
        self._commit(Changed(changes=allowed(self.sweep, changes)))

    def learn(self, lesson: Learned) -> None:
        """Take into account what an earlier sweep has found, before the first trial."""
        self._commit(lesson)

    def apply(self, event: Event) -> None:
        """Take over an event that has happened, without deciding or recording anything."""
        self.state.apply(event)

    @property
    def sweep(self) -> Sweep:
        """The sweep as it is now, with all changes."""
        return self.state.sweep

    @property
    def trials(self) -> dict[int, Record]:
        """Every trial so far."""
        return self.state.trials

    @property
    def trained(self) -> int:
        """Epochs trained, counted once where an attempt repeated them."""
        return self.state.trained

    @property
    def proposer(self) -> Proposer:
        """What proposes; only to be looked at."""
        return self.state.proposer

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler as it is now; only to be looked at."""
        return self.state.contest.scheduler

    @property
    def best(self) -> Record | None:
        """The best trial; of several objectives, the one of the front with the best first."""
        return self.state.leaders.best

    @property
    def front(self) -> list[Record]:
        """The trials that none dominates, by the first objective; of one objective, the best."""
        return self.state.leaders.front

    @property
    def running(self) -> list[Record]:
        """The trials that hold a slot."""
        return list(self.state.of(Status.RUNNING).values())

    @property
    def counts(self) -> Counter[Status]:
        """How many trials there are of each status."""
        return self.state.counts

    @property
    def ladder(self) -> list[Step]:
        """The rungs as they are filled now; the last one is the last epoch."""
        completed = self.counts[Status.COMPLETED]
        return [
            *self.scheduler.ladder(),
            Step(epoch=self.sweep.max_epochs, arrived=completed, paused=0),
        ]

    @property
    def expected_epochs(self) -> float:
        """How many epochs the whole sweep is expected to train, as far as can be said."""
        trials = len(self.trials) if self.limit is None else self.limit
        return max(self.scheduler.expected_epochs(trials), self.trained)

    @property
    def limit(self) -> int | None:
        """How many trials there may be: what the sweep says, or all there is to propose."""
        return self.state.limit

    def until(self, trial: int) -> int:
        """When a running trial's next decision is due."""
        return self.state.running(trial).until

    def wants_alone(self, left: float | None = None) -> bool:
        """Whether a trial could start now that needs its device to itself, and `left` seconds."""
        return Turn(state=self.state, left=left).wants_alone

    @property
    def reached(self) -> bool:
        """Whether the sweep's target is reached."""
        return self.state.reached

    @property
    def out_of_patience(self) -> bool:
        """Whether no new trial is opened since too many were no better than the best."""
        return self.state.out_of_patience

    @property
    def unfinished(self) -> bool:
        """Whether something could start, were there time without end."""
        return Turn(state=self.state).unfinished

    # The decision about an epoch: it looks, and changes nothing.

    def _decide(
        self, known: Record, epoch: int, metrics: Metrics, checkpoint: bool
    ) -> tuple[Decision, str]:
        if name := self.state.objective.unusable(metrics):
            return Decision.STOP, f"diverged at epoch {epoch}: {name} is {metrics[name]}"
        if epoch >= self.sweep.max_epochs:
            return Decision.STOP, f"trained all {self.sweep.max_epochs} epochs"
        if epoch < known.until:
            return Decision.CONTINUE, ""
        score = self.state.objective.score(metrics)
        return self.state.contest.judge(known.id, known.until, score, can_pause=checkpoint)

    def _open(self, trial: int, what: str) -> None:
        known = self.state.known(trial)
        if known.status.ended:
            raise StudyError(f"trial {trial} is {known.status}, and cannot {what} any more")

    def _commit(self, event: Event) -> None:
        if self._write is not None:
            self._write(event)
        self.state.apply(event)
