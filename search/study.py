"""The Study: every decision of a sweep, as a function of (sweep, events). No Ray, clock or files.

    study = Study(sweep)
    trial = study.ask()                                        # a Trial, or None
    decision = study.report(trial.id, epoch, {"val_loss": 0.3})
    study.finish(trial.id)
    study = Study.replay(sweep, events)                        # exactly the study that wrote them

Each call decides, hands its event to `record`, then changes: what is not written has not happened.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

from .errors import StudyError
from .events import Asked, Changed, Event, Failed, Finished, Interrupted, Metrics, Reported
from .history import Observations
from .record import Record, Status
from .schedulers import Decision, Step
from .space import Config
from .sweep import Sweep

CHANGEABLE = ("trials", "time", "slots", "resources")

__all__ = ["CHANGEABLE", "Decision", "Record", "Status", "Study", "Trial"]


@dataclass(frozen=True, slots=True, kw_only=True)
class Trial:
    """A trial to train: from `epoch` epochs done until a decision is due at epoch `until`."""

    id: int
    config: Config
    epoch: int
    until: int


class Study:
    """Decides what is tried and who goes on. Trials count from 1, epochs too."""

    def __init__(self, sweep: Sweep, record: Callable[[Event], None] | None = None) -> None:
        self.sweep = sweep
        self.trials: dict[int, Record] = {}
        self.trained = 0  # epochs, counted once where an attempt repeated them
        self.best: Record | None = None
        self._write = record
        self._sampler = sweep.sampler.build(sweep.space, sweep.seed)
        self._scheduler = sweep.scheduler.build(sweep.max_epochs)
        self._sign = 1.0 if sweep.metric.goal == "minimize" else -1.0
        self._observations = Observations()
        self._live: dict[int, Record] = {}  # running or waiting

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
        Errors: StudyError if the trial is not running, the epoch not after the last one, or the
        sweep's metric missing.
        """
        known = self._running(trial)
        if epoch <= known.epoch:
            raise StudyError(f"trial {trial} reported epoch {epoch} after epoch {known.epoch}")
        if self.sweep.metric.name not in metrics:
            raise StudyError(f"trial {trial} reported no {self.sweep.metric.name}")
        decision, reason = self._decide(known, epoch, metrics[self.sweep.metric.name], checkpoint)
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

    def fail(self, trial: int, reason: str, traceback: str = "") -> None:
        """The trial is lost. Errors: StudyError if it has ended already."""
        known = self._known(trial)
        if known.status.ended:
            raise StudyError(f"trial {trial} is {known.status}, and cannot fail any more")
        self._commit(Failed(trial=trial, reason=reason, traceback=traceback))

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
        """Change the sweep in the middle of it, in what CHANGEABLE names; as in a sweep file.

        Errors: StudyError for any other key, SweepError for a wrong value; nothing has changed.
        """
        for key in changes:
            if key not in CHANGEABLE:
                allowed = ", ".join(CHANGEABLE)
                raise StudyError(f"{key} cannot be changed in a run; what can: {allowed}")
        sweep = self._changed(changes).model_dump(mode="json")
        self._commit(Changed(changes={key: sweep[key] for key in changes}))

    @property
    def running(self) -> list[Record]:
        """The trials that hold a slot."""
        return [known for known in self._live.values() if known.status is Status.RUNNING]

    @property
    def counts(self) -> Counter[Status]:
        """How many trials there are of each status."""
        return Counter(known.status for known in self.trials.values())

    @property
    def ladder(self) -> list[Step]:
        """The rungs as they are filled now; the last one is the last epoch."""
        completed = self.counts[Status.COMPLETED]
        return [
            *self._scheduler.ladder(),
            Step(epoch=self.sweep.max_epochs, arrived=completed, paused=0),
        ]

    @property
    def expected_epochs(self) -> float:
        """How many epochs the whole sweep is expected to train, as far as can be said."""
        trials = len(self.trials) if self.limit is None else self.limit
        return max(self._scheduler.expected_epochs(trials), self.trained)

    @property
    def limit(self) -> int | None:
        """How many trials there may be: what the sweep says, or all there is to propose."""
        limits = [self.sweep.limit, self._sampler.count]
        return min((limit for limit in limits if limit is not None), default=None)

    def until(self, trial: int) -> int:
        """When a running trial's next decision is due."""
        return self._running(trial).until

    # Decisions: they look, and change nothing.

    def _waiting(self) -> Asked | None:
        waiting = [t for t in self._live.values() if t.status is Status.WAITING]
        if not waiting:
            return None
        known = min(waiting, key=lambda t: t.id)
        return Asked(trial=known.id, epoch=known.epoch, reason=known.reason)

    def _promotion(self) -> Asked | None:
        promotion = self._scheduler.promote(last=self._opened_all)
        if promotion is None:
            return None
        known = self.trials[promotion.trial]
        return Asked(trial=known.id, epoch=known.epoch, reason=promotion.reason)

    def _proposal(self) -> Asked | None:
        if self._opened_all:
            return None
        history = self._observations.history((t.id, t.config) for t in self._live.values())
        number = len(self.trials) + 1
        proposal = self._sampler.propose(number, history)
        if proposal is None:
            return None
        return Asked(trial=number, epoch=0, reason=proposal.origin, config=proposal.config)

    @property
    def _opened_all(self) -> bool:
        return self.limit is not None and len(self.trials) >= self.limit

    def _decide(
        self, known: Record, epoch: int, value: float, checkpoint: bool
    ) -> tuple[Decision, str]:
        if not math.isfinite(value):
            return Decision.STOP, f"diverged at epoch {epoch}: {self.sweep.metric.name} is {value}"
        if epoch >= self.sweep.max_epochs:
            return Decision.STOP, f"trained all {self.sweep.max_epochs} epochs"
        if epoch < known.until:
            return Decision.CONTINUE, ""
        verdict = self._scheduler.judge(
            known.id, known.until, self._sign * value, can_pause=checkpoint
        )
        return verdict.decision, verdict.reason

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
                self._observe(self.trials[event.trial], self.sweep.max_epochs)
                self._end(event.trial, Status.COMPLETED, event.reason)
            case Failed():
                self._failed(event)
            case Interrupted():
                known = self.trials[event.trial]
                known.status, known.reason = Status.WAITING, event.reason
                known.epoch = known.saved = event.epoch
                known.losses += event.lost
                known.until = self._scheduler.next_rung(max(event.epoch, known.judged))
            case Changed():
                self.sweep = self._changed(event.changes)

    def _changed(self, changes: dict[str, Any]) -> Sweep:
        return Sweep(**{**dict(self.sweep), **changes})

    def _asked(self, event: Asked) -> None:
        if event.config is not None:
            known = Record(id=event.trial, config=event.config, origin=event.reason)
            self.trials[event.trial] = known
        else:
            known = self.trials[event.trial]
            if known.status is Status.PAUSED:
                self._scheduler.promoted(known.id, known.judged)
                known.attempts -= 1  # a promotion is no new attempt
        self._live[known.id] = known
        known.status, known.reason = Status.RUNNING, event.reason
        known.until = self._scheduler.next_rung(max(known.epoch, known.judged))
        known.attempts += 1

    def _reported(self, event: Reported) -> None:
        known = self.trials[event.trial]
        value = event.metrics[self.sweep.metric.name]
        self.trained += max(event.epoch - known.furthest, 0)
        known.furthest = max(event.epoch, known.furthest)
        known.epoch, known.last = event.epoch, value
        if event.checkpoint:
            known.saved = event.epoch
        if not math.isfinite(value):
            self._diverged(known, event.reason)
            return
        self._note_best(known, event, value)
        if event.epoch >= self.sweep.max_epochs:
            self._observe(known, self.sweep.max_epochs)
            self._end(known.id, Status.COMPLETED, event.reason)
        elif event.epoch >= known.until:
            self._judged(known, Decision(event.decision), event.reason)

    def _judged(self, known: Record, decision: Decision, reason: str) -> None:
        rung = known.until
        self._scheduler.arrived(known.id, rung, self._sign * known.last, decision)
        self._observe(known, rung)
        known.judged = max(rung, known.judged)
        known.until = self._scheduler.next_rung(known.epoch)
        known.reason = reason
        if decision is Decision.PAUSE:
            known.status = Status.PAUSED
            self._live.pop(known.id, None)
        elif decision is Decision.STOP:
            self._end(known.id, Status.STOPPED, reason)

    def _diverged(self, known: Record, reason: str) -> None:
        self._observations.diverged(known.id, known.config)
        self._scheduler.arrived(known.id, known.until, math.inf, Decision.STOP)
        self._end(known.id, Status.DIVERGED, reason)

    def _failed(self, event: Failed) -> None:
        known = self.trials[event.trial]
        if known.status is Status.PAUSED:
            self._scheduler.dropped(known.id, known.judged)
        self._end(event.trial, Status.FAILED, event.reason)

    def _end(self, trial: int, status: Status, reason: str) -> None:
        known = self.trials[trial]
        known.status, known.reason = status, reason
        self._live.pop(trial, None)

    def _observe(self, known: Record, rung: int) -> None:
        self._observations.note(known.id, known.config, rung, self._sign * known.last)

    def _note_best(self, known: Record, event: Reported, value: float) -> None:
        if math.isnan(known.best) or self._sign * value < self._sign * known.best:
            known.best, known.best_epoch = value, event.epoch
            known.best_metrics = event.metrics
        if self.best is None or self._sign * known.best < self._sign * self.best.best:
            self.best = known

    def _known(self, trial: int) -> Record:
        if trial not in self.trials:
            raise StudyError(f"there is no trial {trial}")
        return self.trials[trial]

    def _running(self, trial: int) -> Record:
        known = self._known(trial)
        if known.status is not Status.RUNNING:
            raise StudyError(f"trial {trial} is {known.status}, not running")
        return known
