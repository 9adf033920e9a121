"""What schedulers say of those who wait: how likely each is to go on, how many there will be."""

from __future__ import annotations

import random
from typing import Any

import pytest

from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.record import Status
from nightsweep.search.schedulers.halving import Halving

PAUSE = Decision.PAUSE


def waiting(values: list[float], *, max_epochs: int = 9) -> Halving:
    """A ladder at whose first rung trials 1, 2, ... wait with these values."""
    halving = Halving(eta=3, grace=1, max_epochs=max_epochs)
    for trial, value in enumerate(values, start=1):
        halving.arrived(trial, 1, value, PAUSE)
    return halving


def study(**changes: Any) -> Study:
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "sampler": "random",
        "trials": 60,
        "max_epochs": 27,
    }
    return Study(Sweep(**values | changes))


def train(study: Study, trial: int, epoch: int, noise: random.Random) -> None:
    """Train a trial until it is told to pause or stop."""
    decision = Decision.CONTINUE
    while decision is Decision.CONTINUE:
        epoch += 1
        loss = study.trials[trial].config["x"] + noise.gauss(0, 0.3) / epoch
        decision = study.report(trial, epoch, {"loss": loss})


def test_the_better_its_rank_the_likelier_a_trial_goes_on() -> None:
    chances = waiting([0.5, 0.1, 0.4, 0.2, 0.3]).chances(None)
    assert sorted(chances, key=lambda trial: -chances[trial]) == [2, 4, 5, 3, 1]
    assert all(0 < chance < 1 for chance in chances.values())


def test_the_same_share_of_a_rung_is_worth_less_the_more_have_come() -> None:
    few = waiting([0.1, 0.2]).chances(None)[2]
    many = waiting([k / 100 for k in range(100)]).chances(None)[100]
    assert many < few


def test_who_would_not_be_among_the_best_of_all_trials_cannot_go_on() -> None:
    chances = waiting([0.1, 0.2, 0.3, 0.4]).chances(9)
    assert [chances[trial] > 0 for trial in (1, 2, 3, 4)] == [True, True, True, False]


def test_while_a_rung_is_being_audited_everybody_may_go_on() -> None:
    halving = Halving(eta=3, grace=1, max_epochs=9, audit=0.03)
    for trial in range(1, 13):
        halving.arrived(trial, 1, trial / 10, PAUSE)
    assert all(chance > 0 for chance in halving.chances(12).values())


def test_a_value_beyond_all_bounds_has_no_chance() -> None:
    assert waiting([float("inf")]).chances(None) == {1: 0}


def test_brackets_know_the_chances_within_each_of_them() -> None:
    found = study(scheduler="hyperband", trials=30)
    noise = random.Random(1)
    for _ in range(12):
        trial = found.ask()
        assert trial is not None
        train(found, trial.id, trial.epoch, noise)
    paused = {known.id for known in found.trials.values() if known.status is Status.PAUSED}
    assert paused
    assert set(found.scheduler.chances(30)) == set(found.scheduler.chances(None)) == paused


@pytest.mark.parametrize("scheduler", ["median", "none", {"name": "asha", "form": "stopping"}])
def test_where_nobody_pauses_nobody_waits(scheduler: Any) -> None:
    found = study(scheduler=scheduler)
    noise = random.Random(1)
    while trial := found.ask():
        train(found, trial.id, trial.epoch, noise)
    assert found.scheduler.chances(60) == {}


@pytest.mark.parametrize(
    "scheduler", [{"name": "asha", "audit": 0}, {"name": "asha", "mode": "standard", "audit": 0}]
)
@pytest.mark.parametrize("seed", range(3))
def test_who_has_no_chance_never_goes_on(scheduler: Any, seed: int) -> None:
    found, noise = study(scheduler=scheduler, seed=seed), random.Random(seed)
    hopeless: set[int] = set()
    while trial := found.ask():
        assert trial.id not in hopeless
        train(found, trial.id, trial.epoch, noise)
        chances = found.scheduler.chances(found.limit)
        hopeless.update(other for other, chance in chances.items() if not chance)
    assert len(hopeless) > 20


@pytest.mark.parametrize("trials", [20, 60, 300])
def test_about_as_many_wait_with_a_chance_as_was_expected(trials: int) -> None:
    found, noise = study(trials=trials), random.Random(2)
    expected, most = found.scheduler.expected_paused(trials), 0
    while trial := found.ask():
        train(found, trial.id, trial.epoch, noise)
        chances = found.scheduler.chances(trials)
        most = max(most, sum(chance > 0 for chance in chances.values()))
    assert 0.6 * most < expected < 1.7 * most
