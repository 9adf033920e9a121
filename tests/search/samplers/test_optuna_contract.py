"""What samplers/snapshot.py and tpe.py rely on in Optuna without its having promised it."""

from __future__ import annotations

import copy
import math
from typing import Any

import pytest
from optuna.distributions import BaseDistribution, FloatDistribution, IntDistribution
from optuna.samplers import TPESampler
from optuna.samplers._tpe.sampler import _split_pruned_trials, _split_trials, default_gamma
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState, create_trial

from nightsweep.search.samplers.snapshot import snapshot

X = FloatDistribution(0.0, 1.0)


def trial(number: int, x: float, results: dict[int, float] | None) -> FrozenTrial:
    """One that was stopped with these results, or that runs (None)."""
    made = create_trial(
        state=TrialState.RUNNING if results is None else TrialState.PRUNED,
        params={"x": x},
        distributions={"x": X},
        intermediate_values=results or {},
    )
    made.number = number
    return made


def sampler(**settings: Any) -> TPESampler:
    return TPESampler(seed=0, n_startup_trials=0, multivariate=True, **settings)


def stopped(count: int) -> list[FrozenTrial]:
    return [trial(number, number / count, {1: number / count}) for number in range(count)]


@pytest.fixture
def study() -> Study:
    return snapshot(stopped(20), sampler())


def numbers(trials: list[FrozenTrial]) -> list[int]:
    return [trial.number for trial in trials]


def test_stopped_trials_rank_by_their_value_at_the_epoch_shown(study: Study) -> None:
    trials = [trial(n, 0.5, {9: value}) for n, value in ((1, 0.3), (2, math.inf), (3, -5.0))]
    ranked = [numbers(list(_split_pruned_trials(trials, study, n)[0])) for n in range(1, 4)]
    assert ranked == [[3], [3, 1], [3, 1, 2]]


def test_running_trials_count_among_the_bad(study: Study) -> None:
    trials = [trial(1, 0.5, None), trial(2, 0.5, {1: 9.0}), trial(3, 0.5, {1: 8.0})]
    good, bad = _split_trials(study, trials, 1)
    assert (numbers(good), numbers(bad)) == ([3], [1, 2])


def test_the_good_set_never_exceeds_25_trials() -> None:
    assert [default_gamma(n) for n in (1, 20, 250, 10_000)] == [1, 2, 25, 25]


def test_the_sampler_keeps_away_from_running_trials_unless_told_otherwise() -> None:
    beside = [trial(number, 0.04, None) for number in range(20, 30)]
    asking = create_trial(state=TrialState.RUNNING)
    drawn = [
        sampler(**settings).sample_relative(
            snapshot(stopped(20) + beside, sampler()), asking, {"x": X}
        )
        for settings in ({}, {"constant_liar": True}, {"constant_liar": False})
    ]
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_snapshot_shows_its_trials_and_minimises(study: Study) -> None:
    assert study.direction is StudyDirection.MINIMIZE
    assert numbers(study.get_trials(deepcopy=False)) == list(range(20))
    assert study.get_trials(states=[TrialState.RUNNING]) == []
    running = snapshot([trial(7, 0.5, None)], sampler())
    assert numbers(running.get_trials(states=[TrialState.RUNNING])) == [7]


def test_a_snapshot_copies_no_trial() -> None:
    given = stopped(3)
    shown = snapshot(given, sampler()).get_trials(deepcopy=False)
    assert all(a is b for a, b in zip(shown, given, strict=True))


def test_drawing_from_a_snapshot_works_and_writes_nothing() -> None:
    given = stopped(20)
    before = copy.deepcopy(given)
    asking = create_trial(state=TrialState.RUNNING)
    drawn = sampler().sample_relative(snapshot(given, sampler()), asking, {"x": X})
    assert 0.0 <= drawn["x"] <= 1.0
    assert given == before
    assert asking.system_attrs == {}


def test_a_draw_depends_on_seed_and_trials_alone() -> None:
    asking = create_trial(state=TrialState.RUNNING)
    space = {"x": X, "n": IntDistribution(0, 5)}
    first, second = (
        TPESampler(seed=seed, n_startup_trials=0, multivariate=True).sample_relative(
            snapshot(stopped(20), sampler()), asking, space
        )
        for seed in (3, 3)
    )
    assert first == second
    assert set(first) == {"x", "n"}


def test_parameters_that_no_trial_has_are_drawn_all_the_same() -> None:
    asking = create_trial(state=TrialState.RUNNING)
    space: dict[str, BaseDistribution] = {"momentum": FloatDistribution(0.0, 0.99)}
    drawn = sampler().sample_relative(snapshot(stopped(20), sampler()), asking, space)
    assert 0.0 <= drawn["momentum"] <= 0.99


def test_an_empty_space_draws_nothing() -> None:
    asking = create_trial(state=TrialState.RUNNING)
    assert sampler().sample_relative(snapshot(stopped(20), sampler()), asking, {}) == {}


def test_a_made_trial_has_no_number_until_it_is_given_one() -> None:
    made = create_trial(state=TrialState.RUNNING)
    assert made.number == -1
    made.number = 12
    assert made.number == 12


def test_a_stopped_trial_needs_no_final_value() -> None:
    made = trial(1, 0.5, {3: 0.25})
    assert (made.state, made.intermediate_values) == (TrialState.PRUNED, {3: 0.25})


def test_a_single_valued_distribution_says_so() -> None:
    assert IntDistribution(0, 0).single()
    assert not IntDistribution(0, 1).single()
