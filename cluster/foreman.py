"""Gives slots their work: what they report becomes calls of the Study, its answers their orders.

A slot is a place in which one trial trains at a time, and many one after another. Here is no Ray,
clock or thread: messages in, orders out.
"""

from __future__ import annotations

import math
from collections.abc import Callable, Collection, Sequence

from ..search.errors import StudyError
from ..search.events import Cause, Event, Started
from ..search.record import Status
from ..search.runfolder import RunFolder
from ..search.study import Decision, Study, Trial
from ..trainables.job import Answer, Divides, End, Ended, Message, Step, Waits
from .alike import Alike
from .devices.pace import Kinds
from .moving import Moving
from .retry import again, given_up
from .seating import Place, Seating
from .work import Halt, Order, Work, job


class Foreman:
    """One for a sweep. `record` takes events that are not the Study's own."""

    def __init__(self, study: Study, folder: RunFolder, record: Callable[[Event], object]) -> None:
        self.study = study
        self.stopping = ""  # why, once no more trials are to be started
        self.held = ""  # why, while none are to be trained
        self.left: float | None = None  # seconds that a slot can still train; None: without end
        self.busy: dict[str, Work] = {}
        self.idle: set[str] = set()
        self.leaving: dict[str, int] = {}  # slots whose function has yet to return, and its trial
        self.moving = Moving()
        self.kinds = Kinds()
        self._seating = Seating()
        self._alike = Alike(folder.path, trained=study.trained > 0)
        self._alone: set[str] = set()  # slots that had a trial which needs its device to itself
        self._cut: set[int] = set()  # trials that were stopped by hand while they trained
        self._folder = folder
        self._record = record
        self._dry = math.inf  # slots so many times slower than the fastest find nothing to start

    @property
    def finished(self) -> bool:
        """Nothing trains, and nothing is left to start."""
        if self.busy:
            return False
        dry = self._dry <= self.kinds.least  # for all slots that are up
        return dry or bool(self.stopping) or bool(self.held and not self.study.unfinished)

    @property
    def short_of_slots(self) -> bool:
        """Whether one more slot would find work; those that are idle may be too slow for it."""
        waiting = any(self.kinds.slower(slot) < self._dry for slot in self.idle)
        return self._dry > 1 and not waiting and not self._ending

    @property
    def waits(self) -> str:
        """What training waits for (a disk with room, say), or nothing."""
        waiting = [work for work in self.busy.values() if work.waits]
        return f"trial {waiting[0].trial} waits: {waiting[0].waits}" if waiting else ""

    @property
    def _ending(self) -> str:
        return self.stopping or self.held

    def opened(self, slot: str) -> list[Order]:
        """A slot is ready."""
        return self._next(slot)

    def heard(self, slot: str, place: Place, messages: Sequence[Message]) -> list[Order]:
        """A slot has sent messages (none: it lives). No orders and not busy: leave it idle."""
        self._seating.sits(slot, place)
        self.kinds.sits(slot, place.kind)
        if slot in self.leaving:
            return self._left(slot, messages)
        work = self.busy.get(slot)
        if work is None:
            return self.wake([slot]).get(slot, [])
        if work.trial in self._cut:
            return self._cut_off(slot, messages)
        if not work.heard:
            work.heard = True
            self._record(self._started(work.trial, place))
        orders: list[Order] = []
        for message in messages:
            if slot in self.busy and message.trial == self.busy[slot].trial:
                orders += self._take(slot, message)
            elif isinstance(message, Step) and message.waits:
                orders.append(Answer(trial=message.trial, until=None))
        if slot in self.leaving:
            return orders
        if slot not in self.busy:
            orders += self._next(slot)
        elif (bool(self._ending) or self.moving.halts(slot, work)) is not work.halting:
            work.halting = not work.halting
            work.saving = False
            orders.append(Halt(wanted=work.halting))
        return orders

    def closed(self, slot: str) -> None:
        """A slot that had nothing to do was ended."""
        self._seating.left(slot)
        self._alone.discard(slot)
        self.kinds.left(slot)
        self.idle.discard(slot)
        self.moving.ended(slot)

    def lost(self, slot: str, reason: str, cause: Cause = Cause.LOST) -> None:
        """A slot is gone; its trial is tried again elsewhere, a few times."""
        beside = self._crowded(slot)
        self.closed(slot)
        self.leaving.pop(slot, None)
        work = self.busy.pop(slot, None)
        if work is None:
            return
        self._dry = math.inf  # its last report may have let somebody go on
        if self.study.trials[work.trial].status is Status.RUNNING:
            self._befell(work, cause, reason, beside=beside, killed=True)

    def wake(self, asleep: Collection[str]) -> dict[str, list[Order]]:
        """Work for idle slots, if there is some now; of those that are asleep."""
        woken: dict[str, list[Order]] = {}
        if self._ending or self._dry <= 1:
            return woken
        for slot in sorted(self.idle.intersection(asleep)):
            if self.kinds.slower(slot) < self._dry and (orders := self._next(slot)):
                woken[slot] = orders
        return woken

    def stop(self, reason: str) -> None:
        """Start nothing more; trials are saved at their next report and left there."""
        self.stopping = reason

    def hold(self, reason: str) -> None:
        """Train nothing for a while: trials are saved at their next report and wait."""
        self.held = reason

    def release(self) -> None:
        """Train again."""
        self.held = ""

    def cut(self, trial: int, reason: str) -> None:
        """Stop one trial for good, wherever it is. Errors: StudyError if it has ended."""
        self.study.stop(trial, reason)
        self._dry = math.inf
        if any(work.trial == trial for work in self.busy.values()):
            self._cut.add(trial)

    def abandon(self) -> None:
        """Wait no more for the trials that still train; they go on from where they were saved."""
        for slot in list(self.busy):
            work = self.busy.pop(slot)
            if self.study.trials[work.trial].status is Status.RUNNING:
                self.study.interrupt(work.trial, self.stopping or "left")

    def _left(self, slot: str, messages: Sequence[Message]) -> list[Order]:
        """A slot whose trial was told to halt: free once its function has returned."""
        trial = self.leaving[slot]
        if not any(isinstance(m, Ended) and m.trial == trial for m in messages):
            stands = any(isinstance(m, Step) and m.waits and m.trial == trial for m in messages)
            return [Answer(trial=trial, until=None)] if stands else []
        del self.leaving[slot]
        return self._next(slot)

    def _cut_off(self, slot: str, messages: Sequence[Message]) -> list[Order]:
        """A slot whose trial was stopped by hand, meanwhile."""
        trial = self.busy.pop(slot).trial
        self._cut.discard(trial)
        self.leaving[slot] = trial
        return self._left(slot, messages) or [Halt()]

    def _take(self, slot: str, message: Message) -> list[Order]:
        try:
            self.busy[slot].waits = ""
            match message:
                case Step():
                    return self._step(slot, message)
                case Ended():
                    self._end(slot, message)
                case Divides():
                    self.busy[slot].divides = True
                case Waits():
                    self.busy[slot].waits = message.reason
            return []
        except StudyError as error:  # a report that makes no sense costs its trial
            self.busy.pop(slot, None)
            self._dry = math.inf
            self.study.fail(message.trial, str(error))
            if isinstance(message, Ended):
                return []
            return [self._dismiss(slot, message.trial)]

    def _step(self, slot: str, step: Step) -> list[Order]:
        decision = self.study.report(
            step.trial,
            step.epoch,
            step.metrics,
            seconds=round(step.seconds, 4),
            checkpoint=step.checkpoint,
        )
        self.kinds.trained(slot, step.trial, step.seconds)
        self._alike.trained()
        self._dry = math.inf  # with a new best, patience lasts again: any report may count
        if not step.waits:
            return []
        if decision is Decision.CONTINUE and not self._ending:
            if slot not in self.moving:
                return [self._go_on(step.trial)]
            if not step.checkpoint:
                return [self.moving.unsaved(self.busy[slot]), self._go_on(step.trial)]
        elif decision is Decision.CONTINUE and not self._saved(slot, step):
            self.busy[slot].halting = self.busy[slot].saving = True
            return [Halt(), self._go_on(step.trial)]  # in this order: its next report knows of it
        if decision is Decision.CONTINUE:
            self.study.interrupt(step.trial, self._ending or self.moving.why)
        del self.busy[slot]
        return [self._dismiss(slot, step.trial)]

    def _go_on(self, trial: int) -> Answer:
        return Answer(trial=trial, until=self.study.until(trial))

    def _saved(self, slot: str, step: Step) -> bool:
        """Whether a trial has saved itself here if it can; it does so where it may be paused."""
        return step.checkpoint or self.busy[slot].saving or self.study.sweep.scheduler.pauses

    def _dismiss(self, slot: str, trial: int) -> Answer:
        self.leaving[slot] = trial
        return Answer(trial=trial, until=None)

    def _end(self, slot: str, ended: Ended) -> None:
        work = self.busy.pop(slot)
        self._dry = math.inf
        if self.study.trials[ended.trial].status is not Status.RUNNING:
            return  # it had reported its last epoch
        if ended.end is End.LOST:
            self.study.interrupt(ended.trial, ended.reason, epoch=ended.epoch)
            return
        if ended.end is End.MEMORY:
            beside = self._crowded(slot)
            self._befell(work, Cause.MEMORY, ended.reason, ended.traceback, beside=beside)
            return
        if ended.end is End.HALTED:  # nobody told it to: it found another worker's mark
            self.study.interrupt(ended.trial, "its worker took it for another worker's")
            return
        if ended.end is End.UNSAVED:
            self.study.interrupt(ended.trial, ended.reason)
            return
        if ended.end is End.FAILED and self.stopping:
            # A SIGTERM to every process of a job ends what the function has started (its data
            # loaders): it fails, and would not have.
            self.study.interrupt(ended.trial, self.stopping)
        elif ended.end is End.FAILED:
            self.study.fail(ended.trial, ended.reason, ended.traceback)
            self._alike.failed(ended.reason, ended.traceback)
        else:
            self.study.finish(ended.trial)

    def _befell(
        self,
        work: Work,
        cause: Cause,
        reason: str,
        traceback: str = "",
        *,
        beside: bool,
        killed: bool = False,
    ) -> None:
        """Something has befallen a trial: try it again, or give it up."""
        self._dry = math.inf
        known = self.study.trials[work.trial]
        how = again(
            known,
            cause,
            retries=self.study.sweep.retries,
            beside=beside,
            divides=work.divides,
            killed=killed,
        )
        if how is None:
            self.study.fail(known.id, given_up(known, cause, reason), traceback, cause=cause)
        else:
            self.study.interrupt(known.id, reason, cause=cause, alone=how.alone, split=how.split)

    def _crowded(self, slot: str) -> bool:
        """Whether a trial there had not all of its device: alone it may have more."""
        return self._seating.capped(slot) or self._seating.beside(slot, self._slots)

    @property
    def _slots(self) -> set[str]:
        """All that are up."""
        return self.idle.union(self.busy, self.leaving)

    @property
    def _occupied(self) -> set[str]:
        return set(self.leaving).union(self.busy)

    def _next(self, slot: str) -> list[Order]:
        barred = self._ending or slot in self.moving or self._keeps_free(slot)
        trial = None if barred else self._ask(slot)
        if trial is None:
            self.idle.add(slot)
            return []
        self.idle.discard(slot)
        self.busy[slot] = Work(trial.id, alone=trial.alone)
        if trial.alone:
            self._alone.add(slot)
        return [job(self.study, trial, self._folder)]

    def _keeps_free(self, slot: str) -> bool:
        """Whether this slot's device is another trial's alone, or kept free for one."""
        works = [(other, self.busy.get(other)) for other in self._alone]
        alone = [other for other, work in works if work and work.alone]
        return self._seating.kept_from(slot) or self._seating.beside(slot, alone)

    def _ask(self, slot: str) -> Trial | None:
        """What the Study has for a slot; one that needs its device alone waits until it is."""
        seating = self._seating
        # Epochs have been as short as on the fastest devices, as far as the Study knows.
        left = None if self.left is None else self.left / self.kinds.slower(slot)
        if self.study.wants_alone(left):
            if not seating.beside(slot, self._occupied):
                seating.kept_for = None
                return self.study.ask(left=left, leaves=self.kinds.leaves(slot))
            seating.kept_for = seating.kept_for or slot
            if seating.kept_for == slot:
                return None
        elif seating.kept_for == slot:
            seating.kept_for = None
        trial = self.study.ask(alone=False, left=left, leaves=self.kinds.leaves(slot))
        if trial is not None:
            self._dry = math.inf
        elif not self.study.wants_alone(left):  # too late for a slow device need not be for all
            self._dry = min(self._dry, 1.0 if left == self.left else self.kinds.slower(slot))
        return trial

    def _started(self, trial: int, place: Place) -> Started:
        attempt = self.study.trials[trial].attempts
        return Started(
            trial=trial,
            attempt=attempt,
            host=place.host,
            pid=place.pid,
            device=place.device,
            gpus=place.gpus if self.study.sweep.resources.auto else None,
        )
