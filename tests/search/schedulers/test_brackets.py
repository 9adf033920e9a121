from __future__ import annotations

import math
from collections import Counter
from itertools import islice

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.schedulers import Asha, Decision, Hyperband, Step
from nightsweep.search.schedulers.brackets import Brackets, sizes, turns
from nightsweep.search.schedulers.halving import Halving

CONTINUE, PAUSE, STOP = Decision.CONTINUE, Decision.PAUSE, Decision.STOP


def hyperband(max_epochs: int = 27) -> Brackets:
    return Hyperband(eta=3, grace=1).build(max_epochs)


def members(scheduler: Brackets, bracket: int, count: int) -> list[int]:
    """The first trials of a bracket."""
    every = (trial for trial in range(1, 1000) if scheduler.bracket(trial) == bracket)
    return list(islice(every, count))


def arrive(
    scheduler: Brackets, trial: int, rung: int, value: float, *, pause: bool = True
) -> Decision:
    verdict = scheduler.judge(trial, rung, value, can_pause=pause)
    scheduler.arrived(trial, rung, value, verdict.decision)
    return verdict.decision


def test_a_round_has_the_sizes_of_the_paper_s_table() -> None:
    assert sizes(5, 3) == [81, 34, 15, 8, 5], "Li et al. 2018, table 1: R = 81, eta = 3"
    assert sizes(4, 3) == [27, 12, 6, 4]
    assert sizes(1, 3) == [1]


def test_turns_are_spread_over_the_round() -> None:
    assert list(islice(turns([27, 12, 6, 4]), 8)) == [0, 1, 0, 2, 0, 1, 3, 0]


def test_after_whole_rounds_each_bracket_has_exactly_its_share() -> None:
    scheduler = hyperband()
    trials = Counter(scheduler.bracket(trial) for trial in range(1, 1 + 3 * 49))
    assert trials == {0: 3 * 27, 1: 3 * 12, 2: 3 * 6, 3: 3 * 4}


@given(st.lists(st.integers(1, 200), min_size=1, max_size=6), st.integers(0, 500))
def test_at_any_time_each_bracket_has_about_its_share(weights: list[int], trials: int) -> None:
    taken = Counter(islice(turns(weights), trials))
    for bracket, weight in enumerate(weights):
        share = trials * weight / sum(weights)
        assert abs(taken[bracket] - share) < max(len(weights) / 2, 1)


@given(st.lists(st.integers(1, 300), min_size=1, max_size=20))
def test_a_trial_s_bracket_depends_on_its_number_alone(asked: list[int]) -> None:
    used, fresh = hyperband(), hyperband()
    used.expected_epochs(77)
    fresh.bracket(300)
    assert [used.bracket(trial) for trial in asked] == [fresh.bracket(trial) for trial in asked]


@pytest.mark.parametrize(
    ("bracket", "rungs"), [(0, [1, 3, 9, 27]), (1, [3, 9, 27]), (2, [9, 27]), (3, [27])]
)
def test_bracket_s_has_its_first_rung_at_eta_to_the_s(bracket: int, rungs: list[int]) -> None:
    scheduler = hyperband()
    (trial,) = members(scheduler, bracket, 1)
    seen = [0]
    while seen[-1] < 27:
        seen.append(scheduler.next_rung(trial, seen[-1]))
    assert seen[1:] == rungs


@pytest.mark.parametrize(
    ("eta", "grace", "max_epochs", "first_rungs"),
    [
        (3, 1, 27, [1, 3, 9, 27]),
        (3, 1, 26, [1, 3, 9]),
        (2, 4, 100, [4, 8, 16, 32, 64]),
        (3, 5, 5, [5]),
    ],
)
def test_there_are_as_many_brackets_as_first_rungs(
    eta: int, grace: int, max_epochs: int, first_rungs: list[int]
) -> None:
    scheduler = Hyperband(eta=eta, grace=grace).build(max_epochs)
    firsts = {scheduler.bracket(t): scheduler.next_rung(t, 0) for t in range(1, 200)}
    assert [firsts[bracket] for bracket in sorted(firsts)] == first_rungs


def test_trials_are_compared_within_their_bracket_only() -> None:
    scheduler = hyperband()
    in_0, in_1 = members(scheduler, 0, 2), members(scheduler, 1, 1)
    for trial in in_0:
        arrive(scheduler, trial, 3, 0.9)
    assert arrive(scheduler, in_1[0], 3, 0.1) is PAUSE, "the first of its bracket"
    third = members(scheduler, 0, 3)[2]
    assert arrive(scheduler, third, 3, 0.2) is CONTINUE, "the best of three"


def test_a_reason_names_the_bracket() -> None:
    scheduler = hyperband()
    *first, last = members(scheduler, 2, 10)
    for place, trial in enumerate(first):
        arrive(scheduler, trial, 9, 0.1 * (place + 1))
    reason = scheduler.judge(last, 9, 0.25, can_pause=True).reason
    assert reason == "bracket 2, rung 9: rank 3 of 10, best 3 go on"


@given(
    st.integers(0, 2),
    st.lists(st.tuples(st.floats(-9, 9), st.booleans()), min_size=1, max_size=12),
)
def test_a_bracket_decides_as_an_asha_of_its_own(
    bracket: int, reports: list[tuple[float, bool]]
) -> None:
    scheduler, rung = hyperband(), 3**bracket
    alone = Halving(eta=3, grace=rung, max_epochs=27)
    for trial, (value, pause) in zip(members(scheduler, bracket, 12), reports, strict=False):
        ours = scheduler.judge(trial, rung, value, can_pause=pause)
        its = alone.judge(trial, rung, value, can_pause=pause)
        assert (ours.decision, ours.reason) == (its.decision, f"bracket {bracket}, {its.reason}")
        for both in (scheduler, alone):
            both.arrived(trial, rung, value, its.decision)
        ours_next, its_next = scheduler.promote(last=False), alone.promote(last=False)
        assert (ours_next and ours_next.trial) == (its_next and its_next.trial)


def test_the_trial_that_has_come_furthest_is_promoted_first_and_the_reason_names_its_bracket() -> (
    None
):
    scheduler = hyperband()
    low, high = members(scheduler, 0, 3), members(scheduler, 1, 3)
    for rung, trials in ((1, low), (3, high)):
        for value, trial in enumerate(trials):
            arrive(scheduler, trial, rung, value)
    promoted = []
    while promotion := scheduler.promote(last=False):
        scheduler.promoted(promotion.trial, promotion.rung)
        promoted.append((promotion.trial, promotion.reason))
    assert promoted == [
        (high[0], "bracket 1, rung 3: rank 1 of 3, best 1 go on"),
        (low[0], "bracket 0, rung 1: rank 1 of 3, best 1 go on"),
    ]


def test_a_dropped_trial_is_not_promoted() -> None:
    scheduler = hyperband()
    trials = members(scheduler, 1, 3)
    for value, trial in enumerate(trials):
        arrive(scheduler, trial, 3, value)
    scheduler.dropped(trials[0], 3)
    assert scheduler.promote(last=False) is None


def test_the_ladder_adds_up_the_brackets() -> None:
    scheduler = hyperband()
    for trial, value in zip(members(scheduler, 0, 4), (0.5, 0.4, 0.3, 0.6), strict=True):
        arrive(scheduler, trial, 1, value)
    arrive(scheduler, members(scheduler, 0, 3)[2], 3, 0.5)
    arrive(scheduler, members(scheduler, 1, 1)[0], 3, 0.5)
    arrive(scheduler, members(scheduler, 2, 1)[0], 9, math.inf, pause=False)
    assert scheduler.ladder() == [
        Step(epoch=1, arrived=4, paused=3),
        Step(epoch=3, arrived=2, paused=2),
        Step(epoch=9, arrived=1, paused=0),
    ]


def test_the_epochs_expected_are_those_of_the_brackets() -> None:
    scheduler = hyperband()
    per_bracket = [
        asha.expected_epochs(n) for asha, n in zip(scheduler.brackets, sizes(4, 3), strict=True)
    ]
    assert scheduler.expected_epochs(49) == pytest.approx(sum(per_bracket))
    assert scheduler.expected_epochs(0) == 0


def test_in_a_round_all_brackets_cost_about_the_same() -> None:
    costs = [
        asha.expected_epochs(n) for asha, n in zip(hyperband().brackets, sizes(4, 3), strict=True)
    ]
    assert max(costs) < 1.5 * min(costs)


def test_of_the_brackets_rescues_the_furthest_is_taken() -> None:
    scheduler = hyperband()
    assert scheduler.rescue() is None
    low, high = members(scheduler, 0, 1)[0], members(scheduler, 1, 1)[0]
    arrive(scheduler, low, 1, 0.1)
    arrive(scheduler, high, 3, 0.9)
    rescued = scheduler.rescue()
    assert (rescued and rescued.trial) == high


def test_rungs_of_brackets_at_the_same_epoch_tell_together() -> None:
    scheduler = Asha(mode="standard", audit=0.5).build(27)
    assert isinstance(scheduler, Brackets)
    in_0, in_1 = members(scheduler, 0, 2), members(scheduler, 1, 2)
    for trial in (*in_0, *in_1):
        arrive(scheduler, trial, 3, float(trial))
    for trial in (in_0[1], in_1[1]):  # each second one is a control
        arrive(scheduler, trial, 9, -float(trial))
    found = {evidence.epoch: evidence for evidence in scheduler.evidence()}
    assert list(found) == [1, 3, 9]
    assert sorted(found[3].pairs) == sorted((t, -t) for t in (in_0[1], in_1[1]))
    assert (found[3].controls, found[3].wrong) == (2, 2)
