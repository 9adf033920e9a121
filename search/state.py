"""What the events of a run add up to: the trials, what the scheduler and sampler have been told.

Nothing is decided here. Replaying a journal is `State.apply` for one event after another.
"""

from __future__ import annotations

from collections import Counter

from .changing import changed
from .contest import Contest
from .errors import StudyError
from .events import (
    Asked,
    Cause,
    Changed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Learned,
    Reported,
    Stopped,
)
from .leaders import Leaders
from .pace import Pace
from .proposer import Proposer
from .record import Record, Status
from .schedulers import Decision
from .sweep import Sweep


class State:
    """A function of (sweep, events). Trials count from 1, epochs too."""

    def __init__(self, sweep: Sweep) -> None:
        self.sweep = sweep
        self.trials: dict[int, Record] = {}
        self.trained = 0  # epochs, counted once where an attempt repeated them
        self.contest = Contest.of(sweep)
        self.objective = self.contest.objective
        self.leaders = Leaders(self.objective, sweep.folds)
        self.pace = Pace()
        self.beaten = 0  # trials decided since the best took the lead, none of them better
        self.proposer = Proposer(sweep, self.contest.observations)
        self.alone: set[int] = set()  # trials that need their device to themselves
        self._by: dict[Status, dict[int, Record]] = {status: {} for status in Status}

    def of(self, status: Status) -> dict[int, Record]:
        """The trials of a status, in the order in which they came to it."""
        return self._by[status]

    @property
    def counts(self) -> Counter[Status]:
        """How many trials there are of each status."""
        return Counter({status: len(known) for status, known in self._by.items() if known})

    @property
    def limit(self) -> int | None:
        """How many trials there may be: what the sweep says, or all there is to propose."""
        limits = (self.sweep.limit, self.proposer.count)
        return min((limit for limit in limits if limit is not None), default=None)

    @property
    def out_of_patience(self) -> bool:
        """Whether as many trials as the sweep has patience for have brought no better one."""
        return self.sweep.patience is not None and self.beaten >= self.sweep.patience

    @property
    def reached(self) -> bool:
        """Whether the sweep's target is reached."""
        target, best, sign = self.sweep.target, self.leaders.best, self.objective.sign
        if target is None or best is None:
            return False
        if best.score.folds_left:
            return False
        return best.score.feasible and sign * best.best <= sign * target

    def known(self, trial: int) -> Record:
        """Errors: StudyError if there is no such trial."""
        if trial not in self.trials:
            raise StudyError(f"there is no trial {trial}")
        return self.trials[trial]

    def running(self, trial: int) -> Record:
        """Errors: StudyError if it is not running."""
        known = self.known(trial)
        if known.status is not Status.RUNNING:
            raise StudyError(f"trial {trial} is {known.status}, not running")
        return known

    def apply(self, event: Event) -> None:
        """Take over an event that has happened."""
        match event:
            case Asked():
                self._asked(event)
            case Reported():
                self._reported(event)
            case Finished():
                self.contest.returned(self.trials[event.trial], self.sweep.max_epochs)
                self._end(event.trial, Status.COMPLETED, event.reason)
            case Stopped():
                self._drop(self.trials[event.trial])
                self._end(event.trial, Status.STOPPED, event.reason)
            case Failed():
                self._failed(event)
            case Interrupted():
                self._interrupted(event)
            case Changed():
                self._changed(changed(self.sweep, event.changes))
            case Learned():
                self.proposer.learn(event)

    def _changed(self, sweep: Sweep) -> None:
        before, self.sweep = self.sweep, sweep
        if sweep.max_epochs != before.max_epochs:
            self._lengthen(before.max_epochs)
        if sweep.parameters != before.parameters or sweep.max_epochs != before.max_epochs:
            self.proposer.change(sweep)

    def _lengthen(self, last: int) -> None:
        """There are epochs after what was the last one: those who are there may go on."""
        able = [known for known in self.of(Status.COMPLETED).values() if known.saved == last]
        self.contest.lengthen(self.sweep, {known.id for known in able})
        for known in self.trials.values():
            known.until = self.contest.next_rung(known.id, max(known.epoch, known.judged))
        for known in able:
            at_rung = self.contest.next_rung(known.id, last - 1) == last
            known.judged = last if at_rung else known.judged
            pauses = at_rung and self.sweep.scheduler.pauses
            reason = f"may go on after epoch {last}: there are {self.sweep.max_epochs} now"
            self._move(known, Status.PAUSED if pauses else Status.WAITING, reason)
            if known.alone:
                self.alone.add(known.id)

    def _asked(self, event: Asked) -> None:
        if event.config is not None:
            self.proposer.began(event.trial, event.config)
            known = Record(id=event.trial, config=event.config, origin=event.reason)
            self.trials[event.trial] = known
        else:
            known = self.trials[event.trial]
            if known.status is Status.PAUSED:
                self.contest.promoted(known.id, known.judged)
                known.attempts -= 1  # a promotion is no new attempt
        self._move(known, Status.RUNNING, event.reason)
        known.until = self.contest.next_rung(known.id, max(known.epoch, known.judged))
        known.attempts += 1

    def _reported(self, event: Reported) -> None:
        known = self.trials[event.trial]
        self.pace.note(known.id, event.seconds)
        self.trained += max(event.epoch - known.furthest, 0)
        if event.checkpoint and event.epoch > known.furthest:
            known.troubles.clear()  # it has come further than ever, and keeps it
        known.furthest = max(event.epoch, known.furthest)
        known.epoch, known.last = event.epoch, event.metrics[self.objective.first]
        if event.checkpoint:
            known.saved = event.epoch
        if self.objective.unusable(event.metrics):
            self.contest.diverged(known)
            self._end(known.id, Status.DIVERGED, event.reason)
            return
        known.latest = self.objective.score(event.metrics)
        led = self.leaders.best
        self.leaders.note(known, event)
        if self.leaders.best is not led:
            self.beaten = 0
        if event.epoch >= self.sweep.max_epochs:
            self.contest.arrived(known, self.sweep.max_epochs, Decision.STOP)
            self._end(known.id, Status.COMPLETED, event.reason)
        elif event.epoch >= known.until:
            self._judged(known, Decision(event.decision), event.reason)

    def _judged(self, known: Record, decision: Decision, reason: str) -> None:
        rung = known.until
        self.contest.arrived(known, rung, decision)
        known.judged = max(rung, known.judged)
        known.until = self.contest.next_rung(known.id, known.epoch)
        known.reason = reason
        if decision is Decision.PAUSE:
            self._move(known, Status.PAUSED, reason)
        elif decision is Decision.STOP:
            self._end(known.id, Status.STOPPED, reason)

    def _interrupted(self, event: Interrupted) -> None:
        known = self.trials[event.trial]
        if known.status.ended:  # it failed before anything could be trained, and is tried again
            self.contest.observations.began(known.id, known.config)
        self._move(known, Status.WAITING, event.reason)
        known.epoch = known.saved = event.epoch
        known.alone, known.split = event.alone, event.split
        if event.alone:
            self.alone.add(known.id)
        if event.cause:
            known.troubles[Cause(event.cause)] += 1
        known.until = self.contest.next_rung(known.id, max(event.epoch, known.judged))

    def _failed(self, event: Failed) -> None:
        known = self.trials[event.trial]
        self._drop(known)
        # Before any epoch an error is likelier to be in the code than in the configuration.
        if event.cause in (Cause.MEMORY, Cause.HUNG) or (self.trained and not event.cause):
            self.contest.observations.diverged(known.id, known.config)
        known.failed_of = event.cause
        self._end(event.trial, Status.FAILED, event.reason)

    def _drop(self, known: Record) -> None:
        if known.status is Status.PAUSED:
            self.contest.dropped(known.id, known.judged)

    def _end(self, trial: int, status: Status, reason: str) -> None:
        self._move(self.trials[trial], status, reason)
        self.alone.discard(trial)
        self.contest.observations.ended(trial)

    def _move(self, known: Record, status: Status, reason: str) -> None:
        self._by[known.status].pop(known.id, None)
        self._by[status][known.id] = known
        known.status, known.reason = status, reason
        if not known.decided and (status.ended or status is Status.PAUSED):
            known.decided = True
            self.beaten += known is not self.leaders.best
