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
    Started,
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


def started(trial: int, gpus: float | None) -> Started:
    return Started(trial=trial, attempt=1, host="a", pid=2, device="cuda:0", gpus=gpus)


def test_where_it_is_measured_who_shares_a_gpu_a_trial_counts_with_what_its_slot_has() -> None:
    alone = ((0, asked(1)), (1, started(1, 1.0)), (60, CLOSED))
    thirds = ((100, asked(2)), (101, started(2, 0.3333)), (160, reported(2, "pause")))
    again = (200, Asked(trial=2, epoch=1, reason="rung 1"))
    assert seconds(*alone) == 60
    assert seconds(*alone, *thirds) == 60 + 60 * 0.3333
    assert seconds(*alone, *thirds, again, (201, started(2, 0.5)), now=210) == (
        60 + 60 * 0.3333 + 10 * 0.5
    )


def test_a_slot_that_says_nothing_has_what_the_sweep_says() -> None:
    assert seconds((0, asked(1)), (1, started(1, None)), (60, CLOSED), gpus=0.5) == 30


def test_what_trials_in_slots_have_in_the_mean_is_known() -> None:
    meter = Meter(gpus=1.0)
    assert meter.each == 1.0
    for time, event in ((0, asked(1)), (0, asked(2)), (1, started(1, 0.5)), (1, started(2, 0.25))):
        meter.add(time, event)
    assert meter.each == 0.375


def test_a_sweep_that_is_changed_to_measure_counts_whole_gpus_until_slots_say_less() -> None:
    change = Changed(changes={"resources": {"cpus": 1.0, "gpus": "auto"}})
    assert seconds((0, change), (0, asked(1)), (60, CLOSED), gpus=0.5) == 60
