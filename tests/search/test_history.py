from __future__ import annotations

import math

import pytest

from nightsweep.search.history import Observation, Observations

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
    assert known.history([]).observations == [
        Observation(trial=1, config=A, values={1: 0.5, 3: 0.4})
    ]


def test_divergence_keeps_the_values_before(known: Observations) -> None:
    known.note(1, A, 1, 0.5)
    known.diverged(1, A)
    known.diverged(2, B)
    assert known.history([]).observations == [
        Observation(trial=1, config=A, values={1: 0.5}, diverged=True),
        Observation(trial=2, config=B, values={}, diverged=True),
    ]


def test_of_the_trials_that_live_those_without_a_result_are_pending(known: Observations) -> None:
    known.note(1, A, 1, 0.5)
    known.diverged(2, B)
    assert known.history([(1, A), (2, B), (3, C)]).pending == [(3, C)]


def test_observations_stand_in_the_order_of_their_trials(known: Observations) -> None:
    known.note(2, B, 1, 0.2)
    known.note(1, A, 1, 0.1)
    assert [seen.trial for seen in known.history([]).observations] == [1, 2]


def test_what_was_handed_out_does_not_change_afterwards(known: Observations) -> None:
    known.note(1, A, 1, 0.5)
    before = known.history([])
    known.note(1, A, 3, 0.4)
    assert before.observations == [Observation(trial=1, config=A, values={1: 0.5})]
