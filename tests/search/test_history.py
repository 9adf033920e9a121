from __future__ import annotations

import math
import random

import pytest

from nightsweep.search.history import Observation, Observations, Standings

A, B, C = {"x": 0.1}, {"x": 0.2}, {"x": 0.3}


@pytest.fixture
def known() -> Observations:
    return Observations()


def test_a_value_is_that_of_the_rung_asked_for() -> None:
    seen = Observation(trial=1, config=A, values={1: 0.5, 3: 0.4})
    assert [seen.at(rung) for rung in (1, 3, 9)] == [0.5, 0.4, None]


def test_a_diverged_trial_is_the_worst_wherever_it_did_not_come() -> None:
    lost = Observation(trial=1, config=A, values={1: 0.5}, diverged=True)
    assert [lost.at(rung) for rung in (1, 3, 9)] == [0.5, math.inf, math.inf]


def test_the_values_at_all_rungs_of_a_trial_are_collected(known: Observations) -> None:
    known.note(1, A, 1, 0.5)
    known.note(1, A, 3, 0.4)
    assert list(known.history().observations) == [
        Observation(trial=1, config=A, values={1: 0.5, 3: 0.4})
    ]


def test_divergence_keeps_the_values_before(known: Observations) -> None:
    known.note(1, A, 1, 0.5)
    known.diverged(1, A)
    known.diverged(2, B)
    assert list(known.history().observations) == [
        Observation(trial=1, config=A, values={1: 0.5}, diverged=True),
        Observation(trial=2, config=B, values={}, diverged=True),
    ]


def test_a_trial_is_pending_until_it_has_a_result_or_ends(known: Observations) -> None:
    for trial, config in ((1, A), (2, B), (3, C), (4, A)):
        known.began(trial, config)
    assert known.history().pending == [(1, A), (2, B), (3, C), (4, A)]
    known.note(1, A, 1, 0.5)
    known.diverged(2, B)
    known.ended(4)
    assert known.history().pending == [(3, C)]


def test_observations_stand_in_the_order_of_their_trials(known: Observations) -> None:
    for trial in (20, 3, 11):
        known.note(trial, A, 1, 0.1 * trial)
    observations = known.history().observations
    assert [seen.trial for seen in observations] == [3, 11, 20]
    assert (observations[0].trial, observations[-1].trial, len(observations)) == (3, 20, 3)
    assert [seen.trial for seen in observations[1:]] == [11, 20]


def test_observations_that_are_asked_for_again_are_not_sorted_again(known: Observations) -> None:
    known.note(1, A, 1, 0.5)
    assert known.history().observations is known.history().observations


def test_a_rung_ranks_its_trials_by_value_and_equal_ones_by_trial(known: Observations) -> None:
    for trial, value in ((1, 0.3), (2, 0.1), (4, 0.2), (3, 0.2)):
        known.note(trial, A, 1, value)
    known.note(4, A, 3, 0.7)
    rungs = Standings.of(known.history().observations).rungs
    assert list(rungs[1].ranked) == [(0.1, 2), (0.2, 3), (0.2, 4), (0.3, 1)]
    assert rungs[1].trials == [1, 2, 3, 4]
    assert list(rungs[3].ranked) == [(0.7, 4)]


def test_a_diverged_trial_is_last_at_each_rung_it_did_not_reach(known: Observations) -> None:
    known.note(1, A, 1, 9.0)
    known.diverged(1, A)
    known.diverged(2, B)
    known.note(3, C, 1, 10.0)
    known.note(3, C, 3, 10.0)
    rungs = Standings.of(known.history().observations).rungs
    assert list(rungs[1].ranked) == [(9.0, 1), (10.0, 3), (math.inf, 2)]
    assert list(rungs[3].ranked) == [(10.0, 3), (math.inf, 1), (math.inf, 2)]
    assert (rungs[1].reached, rungs[3].reached) == (2, 1)


@pytest.mark.parametrize("seed", range(5))
def test_standings_that_are_kept_are_those_that_are_sorted_anew(seed: int) -> None:
    chance, known = random.Random(seed), Observations()
    for _ in range(300):
        trial, rung = chance.randint(1, 60), chance.choice([1, 3, 9])
        if chance.random() < 0.05:
            known.diverged(trial, A)
        else:
            known.note(trial, A, rung, chance.choice([0.1, 0.2, chance.random()]))
    kept = Standings.of(known.history().observations)
    anew = sorted(kept, key=lambda observation: observation.trial)
    assert list(kept) == anew
    for rung, standing in kept.rungs.items():
        there = [(v, o.trial) for o in anew if (v := o.at(rung)) is not None]
        assert list(standing.ranked) == sorted(there)
        assert standing.trials == [trial for _, trial in there]
        assert standing.reached == sum(rung in observation.values for observation in anew)
    assert Standings.of(list(kept)).rungs == kept.rungs
