"""How far around a trial all came out the same: as far as its neighbours have its results."""

from __future__ import annotations

import numpy as np

from nightsweep.search.samplers.flat import extents

NEVER = np.nan
LINE = np.array([0.0, 1.0, 3.0, 7.0])


def flat(*values: list[float], places: np.ndarray = LINE) -> list[float]:
    return list(extents(np.array(values), np.abs(np.subtract.outer(places, places))))


def test_a_plateau_reaches_to_the_last_neighbour_that_came_out_the_same() -> None:
    assert flat([0.5], [0.5], [0.5], [0.7]) == [3, 2, 3, 0]


def test_behind_one_that_came_out_otherwise_there_is_no_plateau() -> None:
    assert flat([0.5], [0.6], [0.5], [0.6]) == [0, 0, 0, 0]


def test_results_are_compared_at_the_rungs_that_both_have_reached() -> None:
    assert flat([0.5, 0.4], [0.5, NEVER], [0.7, 0.1], [0.7, 0.2]) == [1, 1, 0, 0]


def test_trials_that_no_rung_compares_are_not_the_same() -> None:
    assert flat([NEVER, 0.5], [0.5, NEVER], [NEVER, NEVER], [NEVER, NEVER]) == [0, 0, 0, 0]


def test_the_same_configuration_again_is_no_neighbour() -> None:
    twice = np.array([0.0, 0.0, 3.0, 7.0])
    assert flat([0.5], [0.5], [0.6], [0.7], places=twice) == [0, 0, 0, 0]
    assert flat([0.5], [0.6], [0.5], [0.7], places=twice) == [3, 0, 3, 0]


def test_a_trial_alone_has_no_plateau() -> None:
    assert flat([0.5], places=LINE[:1]) == [0]
