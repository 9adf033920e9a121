from __future__ import annotations

import math

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.schedulers import Decision, Promotion, Step, Verdict
from nightsweep.search.schedulers.halving import Halving

CONTINUE, PAUSE, STOP = Decision.CONTINUE, Decision.PAUSE, Decision.STOP


def asha(max_epochs: int = 27, *, audit: float = 0.0, pauses: bool = True) -> Halving:
    return Halving(eta=3, grace=1, max_epochs=max_epochs, audit=audit, pauses=pauses)


def arrive(
    scheduler: Halving, rung: int, values: list[float], *, first: int = 1, pause: bool = True
) -> list[Decision]:
    """Trials `first`, `first + 1`, ... reach a rung, one after the other."""
    decisions = []
    for trial, value in enumerate(values, start=first):
        verdict = scheduler.judge(trial, rung, value, can_pause=pause)
        scheduler.arrived(trial, rung, value, verdict.decision)
        decisions.append(verdict.decision)
    return decisions


def promote_all(scheduler: Halving, *, last: bool = False) -> list[int]:
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
    scheduler = Halving(eta=eta, grace=grace, max_epochs=max_epochs)
    assert [step.epoch for step in scheduler.ladder()] == rungs


def test_the_next_rung_is_the_one_above() -> None:
    scheduler = asha()
    assert [scheduler.next_rung(1, epoch) for epoch in (0, 1, 2, 3, 8, 9, 20)] == [
        1, 3, 3, 9, 9, 27, 27,
    ]  # fmt: skip


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
    assert verdict.told(1.0) == "rung 9: rank 3 of 6, cut-off 0.4 after rank 2"
    assert verdict.told(-1.0) == "rung 9: rank 3 of 6, cut-off -0.4 after rank 2"


def test_the_cut_off_is_the_value_of_the_last_that_goes_on() -> None:
    scheduler = asha()
    arrive(scheduler, 9, [0.5, 0.123456])
    reason = scheduler.judge(3, 9, 0.45, can_pause=True).told(1.0)
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
    assert verdict.told(1.0) == "rung 1: rank 2 of 3, cut-off 0.5 after rank 1"


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
    reason = scheduler.judge(4, 1, 0.25, can_pause=False).told(1.0)
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


def test_the_first_eight_at_the_first_rung_all_go_on() -> None:
    scheduler = asha(audit=0.03)
    falling_off = [0.1 * place for place in range(1, 10)]
    assert arrive(scheduler, 1, falling_off) == [*[CONTINUE] * 8, PAUSE]
    assert arrive(scheduler, 3, falling_off)[0] is PAUSE, "only at the first rung"


def test_one_of_the_first_says_why_it_goes_on() -> None:
    scheduler = asha(audit=0.03)
    reason = scheduler.judge(1, 1, 0.5, can_pause=True).reason
    assert reason == "rung 1: rank 1 of 1, goes on like all of the first 8, to audit the rung"
    arrive(scheduler, 1, [0.5, 0.4])
    reason = scheduler.judge(3, 1, 0.3, can_pause=False).reason
    assert reason == "rung 1: rank 1 of 3, best 1 go on"


def test_each_so_many_th_arrival_goes_on_as_a_control() -> None:
    scheduler = asha(audit=0.1)
    decisions = arrive(scheduler, 3, [0.1 * place for place in range(1, 31)])
    assert [k for k, made in enumerate(decisions, start=1) if made is CONTINUE] == [10, 20, 30]
    assert scheduler.ladder()[1] == Step(epoch=3, arrived=30, paused=27)


def test_a_control_says_that_it_is_one() -> None:
    scheduler = asha(audit=0.1)
    arrive(scheduler, 3, [0.1 * place for place in range(1, 10)])
    verdict = scheduler.judge(10, 3, 9.0, can_pause=True)
    assert verdict.told(1.0) == (
        "rung 3: rank 10 of 10, cut-off 0.3 after rank 3, goes on as a control: 10% do, "
        "to audit the rung"
    )


def test_without_an_audit_there_are_no_controls() -> None:
    decisions = arrive(asha(), 1, [0.1 * place for place in range(1, 101)])
    assert set(decisions) == {PAUSE}


def blinded() -> Halving:
    """Eight probes; at rung 3 five of them have the reverse order: rung 1 misleads."""
    scheduler = asha(audit=0.03)
    arrive(scheduler, 1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    arrive(scheduler, 1, [0.9, 0.85, math.inf], first=9)
    arrive(scheduler, 3, [0.5, 0.4, 0.3, 0.2, 0.1])
    return scheduler


def test_at_a_rung_that_says_nothing_about_the_next_all_go_on() -> None:
    verdict = blinded().judge(20, 1, 99.0, can_pause=True)
    reason = "rung 1 says nothing about rung 3 (rank correlation -1.00 in 5 trials): all go on"
    assert verdict == Verdict(decision=CONTINUE, reason=reason)
    assert blinded().judge(20, 1, 99.0, can_pause=False) == verdict


def test_four_pairs_blind_nobody() -> None:
    scheduler = asha(audit=0.03)
    arrive(scheduler, 1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8])
    arrive(scheduler, 3, [0.5, 0.4, 0.3, 0.2])
    assert scheduler.judge(20, 1, 99.0, can_pause=True).decision is PAUSE


def test_those_paused_at_a_blind_rung_go_on_the_best_first_but_for_the_diverged() -> None:
    scheduler = blinded()
    assert [place[2] for place in scheduler.rungs[1].paused] == [10, 9, 11]
    promotion = scheduler.promote(last=False)
    assert promotion is not None
    assert "rung 1 says nothing about rung 3" in promotion.reason
    assert [trial for trial in promote_all(scheduler) if trial > 5] == [10, 9]


def test_a_blind_rung_sees_again_when_the_correlation_rises() -> None:
    scheduler = blinded()
    for trial in range(20, 40):
        arrive(scheduler, 1, [float(trial)], first=trial)
        arrive(scheduler, 3, [float(trial)], first=trial)
    assert not scheduler.rungs[1].blind
    assert scheduler.judge(50, 1, 99.0, can_pause=True).decision is PAUSE


def test_trials_that_a_rung_selected_say_nothing_about_it() -> None:
    scheduler = asha(audit=0.03)
    arrive(scheduler, 1, [0.9] * 8)
    arrive(scheduler, 1, [0.1, 0.08, 0.06, 0.04, 0.02], first=9)
    arrive(scheduler, 3, [0.1, 0.2, 0.3, 0.4, 0.5], first=9)
    assert scheduler.rungs[1].correlation is None


def test_a_later_rung_is_never_blind() -> None:
    scheduler = asha(audit=0.5)
    arrive(scheduler, 3, [float(place) for place in range(20)])
    for trial in range(20, 0, -1):
        arrive(scheduler, 9, [float(-trial)], first=trial)
    assert scheduler.evidence()[1].pairs == [(t - 1.0, -float(t)) for t in range(2, 21, 2)]
    assert scheduler.judge(50, 3, 99.0, can_pause=True).decision is PAUSE


def test_in_the_stopping_form_nobody_is_paused() -> None:
    decisions = arrive(asha(pauses=False), 1, [0.5, 0.4, 0.6, 0.45, 0.3])
    assert decisions == [CONTINUE, CONTINUE, STOP, CONTINUE, CONTINUE]


def test_those_stopped_are_not_expected_at_the_next_rung() -> None:
    scheduler = asha(max_epochs=3, pauses=False)
    arrive(scheduler, 1, [0.1, 0.2, 0.3, 0.4, 0.5, 0.6])
    assert scheduler.ladder()[0] == Step(epoch=1, arrived=6, paused=0)
    assert scheduler.rungs[1].gone == 1
    assert scheduler.expected_epochs(6) == 6 * 1 + 2 * 2, "of any rung at least a third"


def test_all_the_probes_are_expected_at_the_next_rung() -> None:
    assert asha(max_epochs=3, audit=0.03).expected_epochs(20) == 20 * 1 + (8 + 12 / 3) * 2


def test_the_best_of_the_highest_rung_is_rescued() -> None:
    scheduler = asha()
    arrive(scheduler, 1, [0.1, 0.2])
    arrive(scheduler, 3, [math.inf, 0.8, 0.9], first=3)
    scheduler.dropped(4, 3)
    reason = "rung 3: the best that is left, so that one trains to the end"
    assert scheduler.rescue() == Promotion(trial=5, rung=3, reason=reason)
    scheduler.promoted(5, 3)
    rescued = scheduler.rescue()
    assert (rescued and rescued.trial) == 1, "an infinite value is none to go on from"
