from __future__ import annotations

import errno
import itertools
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightsweep.trainables.job import Job, Message, Waits
from nightsweep.trainables.patience import Patience, Unsaved

PLACE = Path("run/trials/7/epoch-3")
VALUES: dict[str, Any] = {"config": {}, "epoch": 0, "until": 3, "max_epochs": 3, "metrics": ()}
JOB = Job(trial=7, seed=1, folder=PLACE.parent, **VALUES)


class Clock:
    """Time that passes while somebody sleeps; it is the driver, too."""

    def __init__(self, halts_at: float = 1e9) -> None:
        self.now = 0.0
        self.sent: list[tuple[float, Message]] = []
        self._halts_at = halts_at

    @property
    def halting(self) -> bool:
        return self.now >= self._halts_at

    def send(self, message: Message) -> None:
        self.sent.append((self.now, message))

    def sleep(self, seconds: float) -> None:
        self.now += seconds


class Disk:
    """Full until a moment; knows when it was tried."""

    def __init__(self, clock: Clock, until: float, number: int = errno.ENOSPC) -> None:
        self.tried: list[float] = []
        self._clock = clock
        self._until = until
        self._number = number

    def write(self) -> str:
        self.tried.append(self._clock.now)
        if self._clock.now < self._until:
            raise OSError(self._number, os.strerror(self._number))
        return "written"


def through(clock: Clock, act: Callable[[], str]) -> str:
    return Patience(JOB, clock, clock.sleep).through(act, PLACE)


def test_what_works_is_done_at_once_and_nothing_is_said() -> None:
    clock = Clock()
    assert through(clock, Disk(clock, until=0).write) == "written"
    assert (clock.now, clock.sent) == (0, [])


def test_while_a_disk_is_full_it_is_tried_ever_more_seldom() -> None:
    clock = Clock()
    disk = Disk(clock, until=70)
    assert through(clock, disk.write) == "written"
    assert disk.tried == [0, 1, 3, 7, 15, 31, 61, 91]


def test_it_is_said_at_once_and_every_few_seconds() -> None:
    clock = Clock()
    through(clock, Disk(clock, until=70).write)
    times = [now for now, _ in clock.sent]
    assert times[0] == 0
    assert max(b - a for a, b in itertools.pairwise(times)) <= 5
    says = Waits(trial=7, reason="the disk of run/trials/7 is full")
    assert {message for _, message in clock.sent} == {says}


def test_told_to_halt_meanwhile_it_gives_up_after_one_more_try() -> None:
    clock = Clock(halts_at=10)
    disk = Disk(clock, until=1e9)
    with pytest.raises(Unsaved, match=r"^the disk of run/trials/7 is full$") as caught:
        through(clock, disk.write)
    assert disk.tried == [0, 1, 3, 7, 10]
    assert not caught.value.lasting


def test_told_to_halt_before_it_tries_all_the_same() -> None:
    clock = Clock(halts_at=0)
    assert through(clock, Disk(clock, until=0).write) == "written"


def test_what_no_waiting_mends_is_not_waited_for() -> None:
    clock = Clock()
    with pytest.raises(Unsaved, match=r"epoch-3 cannot be written \(File exists\)$") as caught:
        through(clock, Disk(clock, until=1e9, number=errno.EEXIST).write)
    assert (clock.now, caught.value.lasting) == (0, True)
