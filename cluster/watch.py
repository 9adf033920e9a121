"""Which slots hang: those that have made no progress for too long.

The driver judges by what reaches it. A process that hangs in native code, its lock on the
interpreter held, could not judge itself. Here is no clock and no process: readings in, names out.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass

from ..search.units import duration, plural
from ..trainables.job import Answer, Ended, Job, Message, Step, Waits
from .work import Order

TIMES = 10  # a trial may take so many times its own slowest epoch
SHARED = 2  # and so many times the slowest of all: one epoch in ten may evaluate, and take longer
FLOOR = 300.0  # seconds; less is no sign of anything: a checkpoint, a scan, a busy disk
UNKNOWN = 3600.0  # until the first report of the sweep: a download, a compilation; and for a disk
AGAIN = 3  # a trial that was taken for hung has so many times as long: it may be slow, not stuck
UNWIND = 60.0  # seconds that a function has to return, told to halt
LATE = 0.5  # of the limit; from then on it is said
TICK = 1.0  # seconds; between two looks no more counts: the driver was held up, not the slots
GLANCE = 0.25  # seconds between two looks at every slot: there may be a thousand


@dataclass(frozen=True, slots=True, kw_only=True)
class Silence:
    """A slot that has made no progress for long; it hangs after `limit` seconds of that."""

    slot: str
    job: Job
    limit: float
    words: str  # "no report for 12 min at epoch 7 (its slowest epoch took 40 s)"


@dataclass(slots=True)
class _Stand:
    """Where a slot's trial is: epochs done, when it last made progress, whether it has reported
    since it was sent, whether it was told to halt, what it said that it waits for, how many times
    as long its epochs may take as elsewhere."""

    job: Job
    epoch: int
    since: float
    reported: bool = False
    leaving: bool = False
    waits: str = ""
    slower: float = 1.0


class Watch:
    """One for a driver; `late` is what to say of slots that come near their limit, or empty.

    `timeout`: seconds without progress that are too many; None: judged by what epochs take.
    `delay`: seconds that a report may take until it is heard of. `slower`: how many times as long
    an epoch may take in a slot as others' did elsewhere: its device is slow, or shared.
    """

    def __init__(
        self,
        *,
        timeout: float | None = None,
        delay: float = 0.0,
        slower: Callable[[str], float] = lambda slot: 1.0,
    ) -> None:
        self.late = ""
        self._timeout = timeout
        self._slower = slower
        self.delay = delay
        self._now = 0.0  # seconds watched
        self._looked: float | None = None  # the clock's reading then
        self._next = 0.0  # when to look at every slot again
        self._stands: dict[str, _Stand] = {}
        self._slowest: dict[int, float] = {}  # seconds that a trial's slowest epoch took
        self._slowest_of_all = 0.0
        self._slowest_first = 0.0  # with the set-up before it
        self._hung: set[int] = set()  # trials that were taken for hung once

    def sent(self, slot: str, orders: Sequence[Order]) -> None:
        """A slot was given orders."""
        for order in orders:
            stand = self._stands.get(slot)
            if isinstance(order, Job):
                slower = self._slower(slot)
                self._stands[slot] = _Stand(order, order.epoch, self._now, slower=slower)
            elif isinstance(order, Answer) and stand and stand.job.trial == order.trial:
                stand.since, stand.leaving = self._now, order.until is None

    def heard(self, slot: str, messages: Sequence[Message]) -> None:
        """Messages came from a slot."""
        for message in messages:
            stand = self._stands.get(slot)
            if stand is None or stand.job.trial != message.trial:
                continue
            if isinstance(message, Ended):
                del self._stands[slot]
            elif not stand.leaving:
                if isinstance(message, Step):
                    self._learn(stand, max(self._now - stand.since, TICK))
                    stand.epoch, stand.reported = message.epoch, True
                stand.since = self._now
                stand.waits = message.reason if isinstance(message, Waits) else ""

    def forget(self, slot: str) -> None:
        """A slot is gone."""
        self._stands.pop(slot, None)

    def look(self, reading: float) -> list[Silence]:
        """The slots that hang, each told once. `reading`: the clock's, in seconds."""
        if self._looked is not None:
            self._now += min(reading - self._looked, TICK)
        self._looked = reading
        if self._now < self._next:
            return []
        self._next = self._now + GLANCE
        late = {slot: s for slot in self._stands if (s := self._share(slot)) > LATE}
        hung = [self._silence(slot) for slot, share in late.items() if share > 1]
        for silence in hung:
            del late[silence.slot]
            self.forget(silence.slot)
            self._hung.add(silence.job.trial)
        self.late = self._warning(late)
        return hung

    def _warning(self, late: Mapping[str, float]) -> str:
        if not late:
            return ""
        worst = self._silence(max(late, key=lambda slot: late[slot]))
        others = f"; late too: {plural(len(late) - 1, 'other')}" if len(late) > 1 else ""
        return (
            f"trial {worst.job.trial}: {worst.words}; after {duration(worst.limit)} it counts as "
            f"hung{others}"
        )

    def _learn(self, stand: _Stand, took: float) -> None:
        trial = stand.job.trial
        self._slowest[trial] = max(took, self._slowest.get(trial, 0.0))
        self._slowest_of_all = max(took, self._slowest_of_all)
        if not stand.reported:
            self._slowest_first = max(took, self._slowest_first)

    def _share(self, slot: str) -> float:
        """How much of its limit a slot has used up."""
        stand = self._stands[slot]
        return (self._now - stand.since) / self._limit(stand)

    def _silence(self, slot: str) -> Silence:
        stand = self._stands[slot]
        words = self._words(stand, duration(self._now - stand.since))
        return Silence(slot=slot, job=stand.job, limit=self._limit(stand), words=words)

    def _limit(self, stand: _Stand) -> float:
        if stand.leaving:
            return max(UNWIND, self._timeout or 0.0)
        return max(self._usual(stand), UNKNOWN if stand.waits else 0.0)

    def _usual(self, stand: _Stand) -> float:
        if self._timeout is not None:
            return self._timeout + self.delay
        first = 0.0 if stand.reported else self._slowest_first
        own = self._slowest.get(stand.job.trial, 0.0)
        others = stand.slower * max(TIMES * first, SHARED * self._slowest_of_all)
        usual = max(FLOOR, TIMES * own, others) if first or own else UNKNOWN
        again = AGAIN if stand.job.trial in self._hung else 1
        return usual * again + self.delay

    def _words(self, stand: _Stand, silent: str) -> str:
        if stand.leaving:
            return f"has not returned for {silent} after it was told to halt"
        if stand.epoch >= stand.job.max_epochs:
            return f"has not returned for {silent} after its last epoch"
        return f"no report for {silent} at epoch {stand.epoch + 1} ({self._compared(stand)})"

    def _compared(self, stand: _Stand) -> str:
        if stand.waits:
            return f"it waits: {stand.waits}"
        if self._timeout is not None:
            return f"its timeout is {duration(self._timeout)}"
        if own := self._slowest.get(stand.job.trial):
            return f"its slowest epoch took {duration(own)}"
        if self._slowest_first:
            return f"the slowest first epoch of others took {duration(self._slowest_first)}"
        return "no trial has reported yet; timeout: sets how long is too long"
