"""A study ends when there is no other configuration to try."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.events import Event
from nightsweep.search.space import Config

TWELVE = {"a": Int(min=1, max=4), "b": Choice(values=["x", "y", "z"])}
SAMPLERS = ["random", {"name": "tpe", "startup": 3}, "grid"]


def new(record: Any = None, **changes: Any) -> Study:
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": TWELVE,
        "max_epochs": 1,
        "trials": 60,
        "sampler": "random",
        "scheduler": {"name": "asha", "audit": 0},
    }
    return Study(Sweep(**(values | changes)), record)


def trained(study: Study) -> list[Config]:
    """All that is tried, one after the other."""
    while trial := study.ask():
        study.report(trial.id, 1, {"loss": (trial.config["a"] - 2.2) ** 2})
    return [known.config for known in study.trials.values()]


def different(configs: list[Config]) -> int:
    return len({repr(config) for config in configs})


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
@pytest.mark.parametrize("seed", range(3))
def test_every_configuration_is_tried_once_and_then_it_ends(sampler: Any, seed: int) -> None:
    study = new(sampler=sampler, seed=seed)
    assert study.limit == 12
    configs = trained(study)
    assert (len(configs), different(configs)) == (12, 12)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_all_may_run_at_once(sampler: Any) -> None:
    study = new(sampler=sampler)
    asked = [study.ask() for _ in range(13)]
    assert [trial is None for trial in asked] == [False] * 12 + [True]
    assert different([trial.config for trial in asked if trial]) == 12


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_constraints_bring_the_end_nearer(sampler: Any) -> None:
    study = new(sampler=sampler, constraints=["a < 3 or b == 'x'", "a != 1 or b != 'z'"])
    assert study.limit == 7
    configs = trained(study)
    assert (len(configs), different(configs)) == (7, 7)
    assert all(study.sweep.space.allows(config) for config in configs)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_with_replicates_each_is_tried_as_often(sampler: Any) -> None:
    study = new(sampler=sampler, replicates=3)
    assert study.limit == 36
    configs = trained(study)
    assert {configs.count(config) for config in configs} == {3}


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_the_sweeps_own_limit_comes_first(sampler: Any) -> None:
    study = new(sampler=sampler, trials=5)
    assert (study.limit, different(trained(study))) == (5, 5)


def test_a_sweep_by_time_alone_ends_there_too() -> None:
    assert new(trials=None, time="9h").limit == 12


def test_more_trials_do_not_make_more_configurations() -> None:
    study = new(trials=10)
    trained(study)
    study.change(trials=99)
    assert (len(trained(study)), study.limit) == (12, 12)


def test_a_failed_trial_was_tried() -> None:
    study = new()
    first = study.ask()
    assert first is not None
    study.fail(first.id, "raised ValueError")
    assert trained(study).count(first.config) == 1


def test_a_sweep_of_constants_is_one_trial() -> None:
    study = new(parameters={"a": 2}, replicates=2)
    assert trained(study) == [{"a": 2}, {"a": 2}]


def test_a_continuous_parameter_has_no_end() -> None:
    study = new(parameters={"a": Float(min=0.0, max=1.0)})
    assert (study.limit, different(trained(study))) == (60, 60)


def test_a_finite_branch_is_tried_once_and_the_endless_one_goes_on() -> None:
    momentum = Float(min=0.0, max=0.9, when={"b": "sgd"})
    parameters = {"a": 1, "b": Choice(values=["sgd", "adam"]), "momentum": momentum}
    for sampler in SAMPLERS[:2]:
        configs = trained(new(parameters=parameters, sampler=sampler, trials=30))
        assert [config["b"] for config in configs].count("adam") == 1
        assert different(configs) == 30


def test_the_last_promotions_come_when_everything_was_tried() -> None:
    """Rungs at 1 and 3: with no thirteenth trial to wait for, the best of the twelve go on."""
    study = new(max_epochs=9, parameters={"a": Int(min=1, max=2)})
    for loss in (0.1, 0.2):
        trial = study.ask()
        assert trial is not None
        study.report(trial.id, 1, {"loss": loss})
    promoted = study.ask()
    assert promoted is not None
    assert (promoted.id, promoted.epoch) == (1, 1)


@pytest.mark.parametrize("sampler", SAMPLERS, ids=str)
def test_a_replayed_study_tries_what_is_left(sampler: Any) -> None:
    events: list[Event] = []
    study = new(events.append, sampler=sampler, constraints="a != 3", replicates=2)
    expected = trained(study)
    for length in (2, 16, len(events)):
        assert trained(Study.replay(study.sweep, events[:length])) == expected
