from __future__ import annotations

import time

from nightsweep.search.clock import Clock


def test_times_go_on_evenly_when_the_wall_clock_jumps() -> None:
    wall, even = iter([1_700_000_000.0, 1_600_000_000.0]), iter([50.0, 51.0, 53.5])
    clock = Clock(lambda: next(wall), lambda: next(even))
    assert (clock(), clock()) == (1_700_000_001.0, 1_700_000_003.5)
    assert list(wall) == [1_600_000_000.0]  # it was read once


def test_they_are_the_time_of_day() -> None:
    clock = Clock()
    before, now, after = time.time() - 1, clock(), time.time() + 1
    assert before < now < after
    assert clock() >= now
