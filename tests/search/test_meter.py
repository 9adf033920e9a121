from __future__ import annotations

import pytest

from nightsweep.search.events import (
    Asked,
    Changed,
    Closed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Opened,
    Reported,
    Stopped,
)
from nightsweep.search.meter import Meter

OPENED = Opened(format=2, version="0.1.0", host="a", pid=1)
CLOSED = Closed(done=False, reason="stopped", elapsed=1.0)


def asked(trial: int) -> Asked:
    return Asked(trial=trial, epoch=0, reason="random", config={"lr": 0.1})


def reported(trial: int, decision: str) -> Reported:
    return Reported(trial=trial, epoch=1, metrics={"loss": 0.5}, decision=decision)


def seconds(*events: tuple[float, Event], gpus: float = 1.0, now: float = 1000.0) -> float:
    meter = Meter(gpus=gpus)
    for time, event in events:
        meter.add(time, event)
    return meter.seconds(now)


def test_a_trial_counts_while_it_has_a_slot() -> None:
    assert seconds((10, asked(1)), (20, reported(1, "continue")), now=35) == 25


@pytest.mark.parametrize(
    "end",
    [
        reported(1, "pause"),
        reported(1, "stop"),
        Finished(trial=1, reason=""),
        Failed(trial=1, reason=""),
        Stopped(trial=1, reason=""),
        Interrupted(trial=1, epoch=0, reason=""),
        CLOSED,
    ],
    ids=lambda event: type(event).__name__,
)
def test_and_no_longer_once_it_has_left_it(end: Event) -> None:
    assert seconds((10, asked(1)), (30, end), now=100) == 20


def test_who_is_paused_and_promoted_counts_twice_the_waiting_left_out() -> None:
    again = Asked(trial=1, epoch=1, reason="rung 1")
    events = ((10, asked(1)), (30, reported(1, "pause")), (100, again), (105, CLOSED))
    assert seconds(*events) == 25


def test_trials_beside_each_other_count_each_with_their_share_of_a_gpu() -> None:
    assert seconds((0, asked(1)), (0, asked(2)), (60, CLOSED), gpus=0.5) == 60
    assert seconds((0, asked(1)), (60, CLOSED), gpus=4) == 240
    assert seconds((0, asked(1)), (60, CLOSED), gpus=0) == 0


def test_a_killed_driver_counts_to_its_last_word() -> None:
    died = ((10, asked(1)), (20, reported(1, "continue")))
    assert seconds(*died, (5000, OPENED), now=9000) == 10
    goes_on = (5001, Interrupted(trial=1, epoch=0, reason="its driver ended"))
    assert seconds(*died, (5000, OPENED), goes_on, now=9000) == 10


def test_other_resources_count_from_their_change_on() -> None:
    change = Changed(changes={"resources": {"cpus": 1.0, "gpus": 2.0}})
    events = ((0, asked(1)), (10, CLOSED), (20, change), (20, asked(2)), (30, CLOSED))
    assert seconds(*events) == 10 + 20
