"""How many trials share a GPU (`gpus: auto`): one at first; then as many as fit, as is measured.

Readings and outcomes in, a number with its reason out; here is no clock, no GPU and no Ray. It
does not go to and fro: what was too many once is never tried again, and how busy a device is
only ever lets more trials on it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from statistics import fmean

from ...search.events import Shared
from ...search.resources import part
from ...search.units import plural, size_text
from ...trainables.job import End, Ended, Message, Step
from ..seating import Place
from ..work import Work
from .pace import Paces
from .sampler import Usage

MOST = 8  # processes that take turns on a device: each has a context, and more gain little
MARGIN = 1.2  # a trial may yet take so many times what the hungriest has
FULL = 1.1  # of a device's time may be wanted: trials do not all wait at once
READ = 30.0  # seconds in which trials were read, before more are let on a device
EPOCHS = 3  # and that they have trained meanwhile
WORTH = 1.05  # times what fewer together train: less is not worth that each takes longer


@dataclass(slots=True)
class _Level:
    """What was seen since the number changed: seconds read, those of them for which it is known
    how busy a device was, and a trial's part of that; epochs; a trial that did not fit."""

    read: float = 0.0
    timed: float = 0.0
    busy: float = 0.0
    epochs: int = 0
    failed: int | None = None


class Sharing:
    """One for a driver. `before`: where an earlier one has ended. `room`: how many could share a
    GPU as far as CPUs and trials go."""

    def __init__(self, before: Shared | None = None) -> None:
        self.each = before.each if before else 1
        self.room = MOST
        self._most = before.most if before else MOST
        self._memory = before.memory if before else 0
        self._hungriest = ""  # which trial needs that
        self._total = 0  # bytes of the smallest device
        self._said = before is not None
        self._level = _Level()
        self._news = False
        self._paces = Paces[tuple[str, int]]()  # by kind of device, and how many were on it
        self._on: dict[str, set[str]] = {}  # the slots of each device
        self._sits: dict[str, str] = {}  # the device of each slot
        self._warm: set[str] = set()  # slots whose process has trained an epoch
        self._uncapped: set[str] = set()  # slots that had a trial which may fill its device

    def heard(
        self,
        slot: str,
        place: Place,
        usage: Usage | None,
        messages: Sequence[Message],
        busy: Mapping[str, Work],
    ) -> None:
        """A slot has spoken. `busy`: what trains, by slot, until now."""
        fresh = place.gpus == part(self.each)  # else it was opened before the number changed
        starting = slot not in self._sits  # its process has loaded libraries, and trained little
        work = busy.get(slot)
        crowded = fresh
        if work is not None and work.alone:
            self._uncapped.add(slot)
            crowded = False
        beside = self._beside(slot, usage, busy)
        if usage is not None:
            self._total = min(self._total or usage.device.memory, usage.device.memory)
        if usage is not None and work is not None and not starting:
            self._read(slot, usage, work.trial, beside, fresh=fresh)
        for message in messages:
            if isinstance(message, Step):
                self._level.epochs += fresh
                # A process's first epoch also loads libraries and starts the device: seconds,
                # which would be taken for crowding where epochs are short.
                if usage is not None and slot in self._warm:
                    where = (usage.device.name, beside)
                    self._paces.note(where, message.trial, message.seconds)
                self._warm.add(slot)
            elif isinstance(message, Ended) and message.end is End.MEMORY and crowded:
                self._level.failed = message.trial
            self._news = True

    def forget(self, slot: str) -> None:
        """A slot is gone."""
        self._uncapped.discard(slot)
        self._warm.discard(slot)
        if device := self._sits.pop(slot, None):
            self._on[device].discard(slot)

    def next(self) -> Shared | None:
        """How many share a GPU from now on, where that changes, or is first known."""
        if not self._news:
            return None
        self._news = False
        found = self._fewer() or self._more()
        if found is None:
            return None
        each, reason = found
        if each < self.each:
            reason = f"not {self.each}: {reason}"
        words = "one trial a GPU" if each == 1 else f"{plural(each, 'trial')} share a GPU"
        joint = ", " if each < self.each else ": "
        self.each, self._level, self._said = each, _Level(), True
        return Shared(
            each=each, most=self._most, memory=self._memory, reason=f"{words}{joint}{reason}"
        )

    def _beside(self, slot: str, usage: Usage | None, busy: Mapping[str, Work]) -> int:
        """How many trials are on a slot's device, its own included."""
        if usage is None:
            return 1
        uuid = usage.device.uuid
        self._sits[slot] = uuid
        there = self._on.setdefault(uuid, set())
        there.add(slot)
        return max(sum(other in busy for other in there), 1)

    def _read(self, slot: str, usage: Usage, trial: int, beside: int, *, fresh: bool) -> None:
        # What a process took for a trial alone is no measure: its peak stays that high.
        if usage.memory > self._memory and slot not in self._uncapped:
            self._memory, self._hungriest, self._news = usage.memory, f"trial {trial}", True
        if fresh:
            level = self._level
            level.read += usage.seconds
            if usage.busy is not None:
                level.timed += usage.seconds
                level.busy += usage.seconds * usage.busy / beside

    def _fewer(self) -> tuple[int, str] | None:
        """Fewer than now, and why."""
        if self.each == 1:
            return None
        if (trial := self._level.failed) is not None:
            self._most = self.each - 1
            return self._most, f"trial {trial} did not fit beside others"
        if (fits := self._by_memory()) < self.each:
            return max(fits, 1), self._hunger()
        return self._slowed()

    def _slowed(self) -> tuple[int, str] | None:
        """Fewer, where so many train less together than fewer have."""
        gains = self._gains() if self._level.epochs >= EPOCHS else {}
        if self.each not in gains:
            return None
        less = {1: 1.0} | {each: gain for each, gain in gains.items() if each < self.each}
        best = max(less, key=lambda each: less[each])
        if gains[self.each] >= WORTH * less[best]:
            return None
        together = gains[self.each] / less[best]
        than = "one alone" if best == 1 else f"{best} do"
        reason = f"{self.each} on one train {together:.2f} times as much as {than}"
        self._most = max(best, self.each // 2)  # between them nothing is known
        return self._most, reason

    def _gains(self) -> dict[int, float]:
        """What so many together train, in what one alone does; of those where it is known."""
        found: dict[int, list[float]] = {}
        for kind, beside in list(self._paces.places):
            ratio = self._paces.ratio((kind, beside), (kind, 1)) if beside > 1 else None
            if ratio:
                found.setdefault(beside, []).append(beside / ratio)
        return {beside: fmean(gains) for beside, gains in found.items()}

    def _more(self) -> tuple[int, str] | None:
        """More than now, and why; or the first word about it."""
        level = self._level
        if level.epochs < EPOCHS or (level.read < READ and self._total):
            return None
        if not self._total:
            return None if self._said else (self.each, "the driver tells nothing of its GPUs")
        by_time = int(FULL * level.timed / level.busy) if level.busy else MOST
        wanted = min(self._by_memory(), by_time, self._most, MOST)
        fits = max(min(wanted, self.room), self.each)
        if fits == self.each and self._said:
            return None
        no_room = "; there are no CPUs, or no trials, for more" if fits < wanted else ""
        return fits, f"{self._idleness()}, and {self._hunger()}{no_room}"

    def _by_memory(self) -> int:
        if not (self._total and self._memory):
            return MOST
        return int(self._total / (self._memory * MARGIN))

    def _hunger(self) -> str:
        if not self._memory:
            return "no trial has taken any of its memory"
        who = self._hungriest or "the hungriest trial"
        return f"{who} takes {size_text(self._memory)} of {size_text(self._total)}"

    def _idleness(self) -> str:
        level = self._level
        if not level.timed:
            return "how busy one keeps it is not measured"
        return f"one keeps it busy {level.busy / level.timed:.0%} of the time"
