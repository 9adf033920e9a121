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

from .changing import CHANGEABLE, allowed, changed
from .contest import Contest
from .errors import StudyError
from .events import (
    Asked,
    Changed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Learned,
    Metrics,
    Reported,
)
from .leaders import Leaders
from .proposer import Proposer
from .record import Record, Status, Trial
from .schedulers import Decision, Promotion, Scheduler, Step
from .sweep import Sweep

__all__ = ["CHANGEABLE", "Decision", "Record", "Status", "Study", "Trial"]


class Study:
    """Decides what is tried and who goes on. Trials count from 1, epochs too."""

    def __init__(self, sweep: Sweep, record: Callable[[Event], None] | None = None) -> None:
        self.sweep = sweep
        self.trials: dict[int, Record] = {}
        self.trained = 0  # epochs, counted once where an attempt repeated them
        self._write = record
        self._contest = Contest.of(sweep)
        self._objective = self._contest.objective
        self._leaders = Leaders(self._objective)
        self.proposer = Proposer(sweep, self._contest.observations)
        self._by: dict[Status, dict[int, Record]] = {status: {} for status in Status}

    @classmethod
    def replay(
        cls,
        sweep: Sweep,
        events: Iterable[Event],
        record: Callable[[Event], None] | None = None,
    ) -> Study:
        """The study that wrote these events; further events go to `record`."""
        study = cls(sweep)
        for event in events:
            study.apply(event)
        if record is not None:
            study.record_to(record)
        return study

    def ask(self) -> Trial | None:
        """The trial to train next: one that lost its place, one to promote, or a new one.

        None when nothing may start now.
        """
        event = self._waiting() or self._promotion() or self._proposal()
        if event is None:
            return None
        self._commit(event)
        known = self.trials[event.trial]
        return Trial(id=known.id, config=known.config, epoch=known.epoch, until=known.until)

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
        known = self._running(trial)
        if epoch <= known.epoch:
            raise StudyError(f"trial {trial} reported epoch {epoch} after epoch {known.epoch}")
        if missing := self._objective.missing(metrics):
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
        known = self._running(trial)
        if not known.epoch:
            raise StudyError(f"trial {trial} finished without a report; call fail instead")
        reason = f"returned after {known.epoch} of {self.sweep.max_epochs} epochs"
        self._commit(Finished(trial=trial, reason=reason))

    def fail(self, trial: int, reason: str, traceback: str = "", *, lost: bool = False) -> None:
        """The trial is lost; `lost`: only its workers were. Errors: StudyError if it has ended."""
        known = self._known(trial)
        if known.status.ended:
            raise StudyError(f"trial {trial} is {known.status}, and cannot fail any more")
        self._commit(Failed(trial=trial, reason=reason, traceback=traceback, lost=lost))

    def interrupt(
        self, trial: int, reason: str, *, lost: bool = False, restart: bool = False
    ) -> None:
        """The trial lost its place; `ask` gives it back, to go on from its latest checkpoint.

        `lost`: its worker died. `restart`: so did its checkpoint. Errors: StudyError as `report`.
        """
        epoch = 0 if restart else self._running(trial).saved
        self._commit(Interrupted(trial=trial, epoch=epoch, reason=reason, lost=lost))

    def record_to(self, record: Callable[[Event], None]) -> None:
        """Hand further events to `record`; those so far have come from somewhere else."""
        self._write = record

    def change(self, **changes: Any) -> None:
        """Change what CHANGEABLE names. Errors: StudyError for other keys, SweepError."""
        self._commit(Changed(changes=allowed(self.sweep, changes)))

    def learn(self, lesson: Learned) -> None:
        """Take into account what an earlier sweep has found, before the first trial."""
        self._commit(lesson)

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler as it is now; only to be looked at."""
        return self._contest.scheduler

    @property
    def best(self) -> Record | None:
        """The best trial; of several objectives, the one of the front with the best first."""
        return self._leaders.best

    @property
    def front(self) -> list[Record]:
        """The trials that none dominates, by the first objective; of one objective, the best."""
        return self._leaders.front

    @property
    def running(self) -> list[Record]:
        """The trials that hold a slot."""
        return list(self._by[Status.RUNNING].values())

    @property
    def counts(self) -> Counter[Status]:
        """How many trials there are of each status."""
        return Counter({status: len(known) for status, known in self._by.items() if known})

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
        limits = (self.sweep.limit, self.proposer.count)
        return min((limit for limit in limits if limit is not None), default=None)

    def until(self, trial: int) -> int:
        """When a running trial's next decision is due."""
        return self._running(trial).until

    # Decisions: they look, and change nothing.

    def _waiting(self) -> Asked | None:
        waiting = self._by[Status.WAITING]
        if not waiting:
            return None
        known = waiting[min(waiting)]
        return Asked(trial=known.id, epoch=known.epoch, reason=known.reason)

    def _promotion(self) -> Asked | None:
        promotion = self.scheduler.promote(last=self._opened_all) or self._rescue()
        if promotion is None:
            return None
        known = self.trials[promotion.trial]
        return Asked(trial=known.id, epoch=known.epoch, reason=promotion.reason)

    def _rescue(self) -> Promotion | None:
        somebody = self._by[Status.RUNNING] or self._by[Status.COMPLETED]
        return None if somebody or not self._opened_all else self.scheduler.rescue()

    def _proposal(self) -> Asked | None:
        if self._opened_all:
            return None
        number = len(self.trials) + 1
        proposal = self.proposer.propose(number)
        if proposal is None:
            return None
        return Asked(trial=number, epoch=0, reason=proposal.origin, config=proposal.config)

    @property
    def _opened_all(self) -> bool:
        return self.limit is not None and len(self.trials) >= self.limit

    def _decide(
        self, known: Record, epoch: int, metrics: Metrics, checkpoint: bool
    ) -> tuple[Decision, str]:
        if name := self._objective.unusable(metrics):
            return Decision.STOP, f"diverged at epoch {epoch}: {name} is {metrics[name]}"
        if epoch >= self.sweep.max_epochs:
            return Decision.STOP, f"trained all {self.sweep.max_epochs} epochs"
        if epoch < known.until:
            return Decision.CONTINUE, ""
        score = self._objective.score(metrics)
        return self._contest.judge(known.id, known.until, score, can_pause=checkpoint)

    # Changes: what an event does to the study. Replay is nothing but these.

    def _commit(self, event: Event) -> None:
        if self._write is not None:
            self._write(event)
        self.apply(event)

    def apply(self, event: Event) -> None:
        """Take over an event that has happened, without deciding or recording anything."""
        match event:
            case Asked():
                self._asked(event)
            case Reported():
                self._reported(event)
            case Finished():
                self._contest.returned(self.trials[event.trial], self.sweep.max_epochs)
                self._end(event.trial, Status.COMPLETED, event.reason)
            case Failed():
                self._failed(event)
            case Interrupted():
                known = self.trials[event.trial]
                self._move(known, Status.WAITING, event.reason)
                known.epoch = known.saved = event.epoch
                known.losses += event.lost
                known.until = self._contest.next_rung(known.id, max(event.epoch, known.judged))
            case Changed():
                self.sweep = changed(self.sweep, event.changes)
            case Learned():
                self.proposer.learn(event)

    def _asked(self, event: Asked) -> None:
        if event.config is not None:
            self.proposer.began(event.trial, event.config)
            known = Record(id=event.trial, config=event.config, origin=event.reason)
            self.trials[event.trial] = known
        else:
            known = self.trials[event.trial]
            if known.status is Status.PAUSED:
                self._contest.promoted(known.id, known.judged)
                known.attempts -= 1  # a promotion is no new attempt
        self._move(known, Status.RUNNING, event.reason)
        known.until = self._contest.next_rung(known.id, max(known.epoch, known.judged))
        known.attempts += 1

    def _reported(self, event: Reported) -> None:
        known = self.trials[event.trial]
        self.trained += max(event.epoch - known.furthest, 0)
        known.furthest = max(event.epoch, known.furthest)
        known.epoch, known.last = event.epoch, event.metrics[self._objective.first]
        if event.checkpoint:
            known.saved = event.epoch
        if self._objective.unusable(event.metrics):
            self._diverged(known, event.reason)
            return
        known.latest = self._objective.score(event.metrics)
        self._leaders.note(known, event)
        if event.epoch >= self.sweep.max_epochs:
            self._contest.arrived(known, self.sweep.max_epochs, Decision.STOP)
            self._end(known.id, Status.COMPLETED, event.reason)
        elif event.epoch >= known.until:
            self._judged(known, Decision(event.decision), event.reason)

    def _judged(self, known: Record, decision: Decision, reason: str) -> None:
        rung = known.until
        self._contest.arrived(known, rung, decision)
        known.judged = max(rung, known.judged)
        known.until = self._contest.next_rung(known.id, known.epoch)
        known.reason = reason
        if decision is Decision.PAUSE:
            self._move(known, Status.PAUSED, reason)
        elif decision is Decision.STOP:
            self._end(known.id, Status.STOPPED, reason)

    def _diverged(self, known: Record, reason: str) -> None:
        self._contest.diverged(known)
        self._end(known.id, Status.DIVERGED, reason)

    def _failed(self, event: Failed) -> None:
        known = self.trials[event.trial]
        if known.status is Status.PAUSED:
            self._contest.dropped(known.id, known.judged)
        if self.trained and not event.lost:  # before any epoch, the code is likelier to be wrong
            self._contest.observations.diverged(known.id, known.config)
        self._end(event.trial, Status.FAILED, event.reason)

    def _end(self, trial: int, status: Status, reason: str) -> None:
        self._move(self.trials[trial], status, reason)
        self._contest.observations.ended(trial)

    def _move(self, known: Record, status: Status, reason: str) -> None:
        self._by[known.status].pop(known.id, None)
        self._by[status][known.id] = known
        known.status, known.reason = status, reason

    def _known(self, trial: int) -> Record:
        if trial not in self.trials:
            raise StudyError(f"there is no trial {trial}")
        return self.trials[trial]

    def _running(self, trial: int) -> Record:
        known = self._known(trial)
        if known.status is not Status.RUNNING:
            raise StudyError(f"trial {trial} is {known.status}, not running")
        return known
