from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.errors import Problem
from nightsweep.search.schedulers import Asha, Decision, Promotion, Step, Verdict
from nightsweep.search.schedulers.asha import AshaScheduler

CONTINUE, PAUSE, STOP = Decision.CONTINUE, Decision.PAUSE, Decision.STOP


def asha(max_epochs: int = 27) -> AshaScheduler:
    return Asha(eta=3, grace=1).build(max_epochs)


def arrive(
    scheduler: AshaScheduler, rung: int, values: list[float], *, first: int = 1, pause: bool = True
) -> list[Decision]:
    """Trials `first`, `first + 1`, ... reach a rung, one after the other."""
    decisions = []
    for trial, value in enumerate(values, start=first):
        verdict = scheduler.judge(trial, rung, value, can_pause=pause)
        scheduler.arrived(trial, rung, value, verdict.decision)
        decisions.append(verdict.decision)
    return decisions


def promote_all(scheduler: AshaScheduler, *, last: bool = False) -> list[int]:
    promoted = []
    while promotion := scheduler.promote(last=last):
        scheduler.promoted(promotion.trial, promotion.rung)
        promoted.append(promotion.trial)
    return promoted


@pytest.mark.parametrize(
    ("eta", "grace", "max_epochs", "rungs"),
    [
        (3, 1, 27, [1, 3, 9]),
        (3, 1, 28, [1, 3, 9, 27]),
        (4, 2, 100, [2, 8, 32]),
        (2, 3, 3, []),
        (3, 1, 1, []),
    ],
)
def test_rungs_are_powers_of_eta_below_the_last_epoch(
    eta: int, grace: int, max_epochs: int, rungs: list[int]
) -> None:
    scheduler = Asha(eta=eta, grace=grace).build(max_epochs)
    assert [step.epoch for step in scheduler.ladder()] == rungs


def test_the_next_rung_is_the_one_above() -> None:
    scheduler = asha()
    assert [scheduler.next_rung(epoch) for epoch in (0, 1, 2, 3, 8, 9, 20)] == [
        1, 3, 3, 9, 9, 27, 27,
    ]  # fmt: skip


def test_a_grace_beyond_the_last_epoch_is_a_problem() -> None:
    message = "grace 10 is beyond max_epochs 9; lower it"
    problem = Problem(key=("scheduler", "grace"), message=message)
    assert list(Asha(grace=10).problems(9)) == [problem]
    assert list(Asha(grace=9).problems(9)) == []


def test_the_first_at_a_rung_waits_for_eta_trials() -> None:
    verdict = asha().judge(1, 1, 0.5, can_pause=True)
    assert verdict.decision is PAUSE
    assert verdict.reason == "rung 1: rank 1 of 1, the first goes on when 3 are there"


def test_a_trial_among_the_best_third_goes_on() -> None:
    scheduler = asha()
    arrive(scheduler, 3, [0.5, 0.4])
    verdict = scheduler.judge(3, 3, 0.3, can_pause=True)
    assert verdict == Verdict(decision=CONTINUE, reason="rung 3: rank 1 of 3, best 1 go on")


def test_a_trial_below_the_best_third_is_paused_with_the_cut_off() -> None:
    scheduler = asha()
    arrive(scheduler, 9, [0.5, 0.123456, 0.4, 0.7, 0.6])
    verdict = scheduler.judge(6, 9, 0.45, can_pause=True)
    assert verdict.decision is PAUSE
    assert verdict.reason == "rung 9: rank 3 of 6, cut-off 0.4 after rank 2"


def test_the_cut_off_is_the_value_of_the_last_that_goes_on() -> None:
    scheduler = asha()
    arrive(scheduler, 9, [0.5, 0.123456])
    reason = scheduler.judge(3, 9, 0.45, can_pause=True).reason
    assert reason == "rung 9: rank 2 of 3, cut-off 0.1235 after rank 1"


def test_of_rising_values_each_third_arrival_frees_one() -> None:
    scheduler = asha()
    for trial, value in enumerate([0.1, 0.2, 0.3, 0.4, 0.5, 0.6], start=1):
        arrive(scheduler, 1, [value], first=trial)
        expected = {3: [1], 6: [2]}.get(trial, [])
        assert promote_all(scheduler) == expected


def test_a_promotion_says_why() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.1, 0.2, 0.3])
    reason = "rung 1: rank 1 of 3, best 1 go on"
    assert scheduler.promote(last=False) == Promotion(trial=1, rung=1, reason=reason)


def test_asking_who_is_promoted_changes_nothing() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.1, 0.2, 0.3])
    assert scheduler.promote(last=False) == scheduler.promote(last=False)
    assert scheduler.ladder()[0] == Step(epoch=1, arrived=3, paused=3)


def test_the_highest_rung_is_promoted_first() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.1, 0.2, 0.3])
    arrive(scheduler, 3, [0.7, 0.8, 0.9], first=4)
    assert promote_all(scheduler) == [4, 1]


@pytest.mark.parametrize("order", [[1, 2, 3], [3, 2, 1], [2, 3, 1]])
def test_equal_values_rank_by_arrival_whatever_their_numbers(order: list[int]) -> None:
    scheduler = asha()
    for trial in order:
        arrive(scheduler, 1, [0.5], first=trial)
    assert promote_all(scheduler) == order[:1]


def test_an_equal_value_that_comes_later_ranks_below() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.5, 0.6], first=7)
    verdict = scheduler.judge(1, 1, 0.5, can_pause=True)
    assert verdict.reason == "rung 1: rank 2 of 3, cut-off 0.5 after rank 1"


def test_a_trial_that_cannot_pause_stops_or_goes_on() -> None:
    scheduler = asha()
    decisions = arrive(scheduler, 1, [0.5, 0.4, 0.6, 0.45, 0.3], pause=False)
    assert decisions == [CONTINUE, CONTINUE, STOP, CONTINUE, CONTINUE]
    assert scheduler.ladder()[0] == Step(epoch=1, arrived=5, paused=0)


def test_the_share_of_trials_that_cannot_pause_is_rounded_up() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.1, 0.2, 0.3], pause=False)
    verdict = scheduler.judge(4, 1, 0.15, can_pause=False)
    assert verdict.reason == "rung 1: rank 2 of 4, best 2 go on"
    reason = scheduler.judge(4, 1, 0.25, can_pause=False).reason
    assert reason == "rung 1: rank 3 of 4, cut-off 0.2 after rank 2"


def test_when_no_more_trials_come_the_first_of_a_small_rung_goes_on() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.4, 0.2])
    assert scheduler.promote(last=False) is None
    assert promote_all(scheduler, last=True) == [2]


def test_when_no_more_trials_come_only_the_best_third_of_a_large_rung_goes_on() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7])
    assert promote_all(scheduler, last=True) == [1, 2]


def test_a_diverged_trial_counts_at_its_rung_and_is_never_promoted() -> None:
    scheduler = asha()
    for trial in (1, 2):
        scheduler.arrived(trial, 1, math.inf, STOP)
    assert arrive(scheduler, 1, [0.9], first=3) == [CONTINUE]
    assert promote_all(scheduler, last=True) == []
    assert scheduler.ladder()[0] == Step(epoch=1, arrived=3, paused=0)


def test_even_a_paused_infinite_value_is_never_promoted() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [math.inf, math.inf, math.inf])
    assert scheduler.promote(last=True) is None


def test_a_dropped_trial_keeps_its_rank_but_is_not_promoted() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.1, 0.2, 0.3])
    scheduler.dropped(1, 1)
    assert scheduler.promote(last=False) is None
    arrive(scheduler, 1, [0.9, 0.9, 0.9], first=4)
    assert promote_all(scheduler) == [2]


def test_arriving_at_the_last_epoch_is_no_rung() -> None:
    scheduler = asha()
    scheduler.arrived(1, 27, 0.1, STOP)
    assert all(step.arrived == 0 for step in scheduler.ladder())


def test_a_third_of_the_trials_is_expected_at_each_rung() -> None:
    assert asha().expected_epochs(27) == 27 * 1 + 9 * 2 + 3 * 6 + 1 * 18


def test_where_more_went_on_more_epochs_are_expected() -> None:
    scheduler = asha(max_epochs=3)
    arrive(scheduler, 1, [0.3, 0.2, 0.1, 0.05], pause=False)
    assert scheduler.expected_epochs(10) == 10 * 1 + 10 * 2


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40))
def test_in_the_end_a_rung_has_let_the_best_third_through(values: list[float]) -> None:
    scheduler = asha()
    gone: list[int] = []
    for trial, value in enumerate(values, start=1):
        if arrive(scheduler, 1, [value], first=trial) == [CONTINUE]:
            gone.append(trial)
        gone += promote_all(scheduler)
    ranked = sorted(range(1, len(values) + 1), key=lambda trial: (values[trial - 1], trial))
    assert set(ranked[: len(values) // 3]) <= set(gone)
    assert scheduler.ladder()[0].paused == len(values) - len(gone)


@given(st.lists(st.floats(-1e6, 1e6), min_size=1, max_size=40), st.booleans())
def test_without_a_checkpoint_nobody_is_ever_paused(values: list[float], pause: bool) -> None:
    decisions = set(arrive(asha(), 1, values, pause=pause))
    assert (STOP if pause else PAUSE) not in decisions
