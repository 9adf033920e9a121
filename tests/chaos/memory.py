"""The memory of drivers, watched from outside.

A driver remembers every trial, so its memory grows with the sweep. What faults add is seen beside
a driver that nobody disturbed, when both know as many trials.
"""

from __future__ import annotations

import statistics
import threading
import time
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import psutil

from nightsweep.search.lock import holder

from .tail import Tail

EVERY = 0.5  # seconds
WARM = 30.0  # seconds in which a driver still loads what it needs, the writers of tables last
FEW = 40  # samples, with which a driver tells something
FLAT = (
    0.02  # of its size, that a driver may have more at the end of its life than at the beginning
)


@dataclass(frozen=True, slots=True)
class Sample:
    """A driver's resident memory in MB, so many seconds after its first report."""

    driver: int
    age: float
    trials: int  # that there were by then
    size: float


@dataclass(frozen=True, slots=True)
class Growth:
    """Of the driver that lived longest, from its first warm fifth to its last, in MB.

    `beyond`: without what an undisturbed driver grows by with as many trials.
    """

    size: float
    grown: float
    beyond: float
    seconds: float

    @property
    def flat(self) -> bool:
        """Whether what faults have added is within the noise."""
        return self.beyond <= FLAT * self.size

    def __str__(self) -> str:
        return (
            f"{self.size:.0f} MB, {self.grown:+.1f} MB in {self.seconds:.0f} s under faults; "
            f"{self.beyond:+.1f} MB beside an undisturbed driver with as many trials"
        )


def growth(disturbed: Sequence[Sample], undisturbed: Sequence[Sample]) -> Growth | None:
    """None where no driver has lived for long."""
    longest = statistics.multimode(one.driver for one in disturbed)[:1]
    warm = [one for one in disturbed if one.driver in longest and one.age >= WARM]
    known = [one for one in undisturbed if one.age >= WARM]
    if len(warm) < FEW or not known:
        return None
    fifth = len(warm) // 5
    early, late = warm[:fifth], warm[-fifth:]
    excess = [one.size - _size(known, one.trials) for one in warm]
    return Growth(
        size=statistics.median(one.size for one in warm),
        grown=_middle(late) - _middle(early),
        beyond=statistics.median(excess[-fifth:]) - statistics.median(excess[:fifth]),
        seconds=warm[-1].age - warm[0].age,
    )


def _size(known: Sequence[Sample], trials: int) -> float:
    """That of a driver with so many trials, or with the nearest number that was seen."""
    at = bisect_left(known, trials, key=lambda one: one.trials)
    return known[min(at, len(known) - 1)].size


def _middle(samples: Sequence[Sample]) -> float:
    return statistics.median(one.size for one in samples)


class Watcher:
    """Samples whichever process drives the run in a folder, in a thread, until `stop`."""

    def __init__(self, run: Path) -> None:
        self.samples: list[Sample] = []
        self._lock, self._tail = run / "driver.lock", Tail(run / "journal.jsonl")
        self._driver, self._before = 0, 0  # who drives, and the reports there were before it
        self._since = 0.0  # when it had its first
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._watch, daemon=True)
        self._thread.start()

    def stop(self) -> list[Sample]:
        """No more; all that was seen."""
        self._over.set()
        self._thread.join()
        return self.samples

    def _watch(self) -> None:
        while not self._over.wait(EVERY):
            held = holder(self._lock)
            if held is not None:
                self._look(held.pid)

    def _look(self, pid: int) -> None:
        reports, now = self._tail.look().reports, time.monotonic()
        if pid != self._driver:
            self._driver, self._before, self._since = pid, reports, 0.0
        if not self._since:
            self._since = now if reports > self._before else 0.0
            return
        try:
            size = psutil.Process(pid).memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            return
        trials = len(self._tail.furthest)
        self.samples.append(Sample(pid, now - self._since, trials, size))
