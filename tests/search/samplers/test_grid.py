from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.errors import Problem
from nightsweep.search.history import History
from nightsweep.search.samplers import Grid
from nightsweep.search.space import LARGEST, Config, Space
from nightsweep.search.tried import Tried

NOTHING = History()


def points(
    parameters: dict[str, Any], constraints: Sequence[str] = (), replicates: int = 1
) -> list[Config]:
    """Every configuration that the grid proposes, until it has no more."""
    space = Space(parameters, constraints)
    sampler, tried = Grid().build(space, seed=0), Tried(space, replicates)
    found: list[Config] = []
    while proposal := sampler.propose(len(found) + 1, History(tried=tried)):
        found.append(proposal.config)
        tried.add(proposal.config)
    return found


def test_every_combination_comes_once_the_last_parameter_turning_fastest() -> None:
    found = points({"a": Choice(values=["x", "y"]), "b": Int(min=1, max=3)})
    assert [(config["a"], config["b"]) for config in found] == [
        ("x", 1), ("x", 2), ("x", 3), ("y", 1), ("y", 2), ("y", 3),
    ]  # fmt: skip


def test_steps_make_a_range_finite() -> None:
    found = points({"p": Float(min=0.0, max=0.5, step=0.25)})
    assert found == [{"p": 0.0}, {"p": 0.25}, {"p": 0.5}]
    found = points({"units": Int(min=16, max=64, log=True, step=2)})
    assert found == [{"units": 16}, {"units": 32}, {"units": 64}]


def test_a_conditional_parameter_multiplies_only_where_it_matters() -> None:
    found = points(
        {
            "optimizer": Choice(values=["sgd", "adam"]),
            "momentum": Choice(values=[0.0, 0.9], when={"optimizer": "sgd"}),
        }
    )
    assert found == [
        {"optimizer": "sgd", "momentum": 0.0},
        {"optimizer": "sgd", "momentum": 0.9},
        {"optimizer": "adam"},
    ]


def test_a_condition_may_stand_before_its_parent() -> None:
    found = points(
        {
            "momentum": Choice(values=[0.0, 0.9], when={"optimizer": "sgd"}),
            "optimizer": Choice(values=["sgd", "adam"]),
        }
    )
    assert sorted(map(repr, found)) == [
        "{'momentum': 0.0, 'optimizer': 'sgd'}",
        "{'momentum': 0.9, 'optimizer': 'sgd'}",
        "{'optimizer': 'adam'}",
    ]


def test_constants_are_in_every_configuration() -> None:
    assert points({"width": 64, "a": Choice(values=[1])}) == [{"width": 64, "a": 1}]


def test_values_that_look_alike_are_kept_apart() -> None:
    assert points({"a": Choice(values=[True, 1, "1"])}) == [{"a": True}, {"a": 1}, {"a": "1"}]


def test_the_origin_tells_how_far_the_grid_is() -> None:
    sampler = Grid().build(Space({"a": Choice(values=[7, 8])}), seed=0)
    proposal = sampler.propose(2, NOTHING)
    assert proposal is not None
    assert proposal.origin == "grid point 2 of 2"


def test_points_that_a_constraint_forbids_are_left_out() -> None:
    parameters = {"a": Int(min=1, max=3), "b": Int(min=1, max=3)}
    found = points(parameters, ["a < b"])
    assert [(config["a"], config["b"]) for config in found] == [(1, 2), (1, 3), (2, 3)]


def test_with_replicates_the_whole_grid_comes_again() -> None:
    found = points({"a": Choice(values=["x", "y"])}, replicates=2)
    assert [config["a"] for config in found] == ["x", "y", "x", "y"]


def test_a_point_that_was_tried_already_is_passed_over() -> None:
    sampler = Grid().build(Space({"a": Int(min=1, max=3)}), seed=0)
    proposal = sampler.propose(2, History(tried=[{"a": 2}]))
    assert proposal is not None
    assert proposal.config == {"a": 3}


def test_a_grid_of_too_many_points_is_refused() -> None:
    names = [f"p{number}" for number in range(6)]
    problems = list(Grid().problems(Space({name: Int(min=1, max=10) for name in names})))
    message = f"the grid has 1,000,000 points, more than {LARGEST:,}; use sampler: tpe"
    assert problems == [Problem(key=("sampler",), message=message)]


def test_a_changed_proposal_does_not_change_the_grid() -> None:
    sampler = Grid().build(Space({"a": Choice(values=[7, 8])}), seed=0)
    first = sampler.propose(1, NOTHING)
    assert first is not None
    first.config["a"] = 99
    again = sampler.propose(1, NOTHING)
    assert again is not None
    assert again.config == {"a": 7}


def test_ranges_without_an_end_are_refused_one_by_one() -> None:
    message = "a grid needs a finite number of values; give values: [...] or a step"
    space = Space(
        {
            "lr": Float(min=0.0, max=1.0),
            "n": Int(min=1, max=9),
            "m": Int(min=1, max=9, log=True),
        }
    )
    assert list(Grid().problems(space)) == [
        Problem(key=("parameters", "lr"), message=message),
        Problem(key=("parameters", "m"), message=message),
    ]


def test_a_study_of_a_grid_ends_when_it_is_exhausted() -> None:
    parameters = {"a": Choice(values=[1, 2]), "b": Choice(values=["x", "y"])}
    study = Study(
        Sweep(metric="m", parameters=parameters, max_epochs=1, sampler="grid", scheduler="none")
    )
    while trial := study.ask():
        study.report(trial.id, 1, {"m": 1.0})
    configs = [known.config for known in study.trials.values()]
    assert configs == [{"a": a, "b": b} for a in (1, 2) for b in ("x", "y")]


def test_a_limit_on_trials_cuts_the_grid_short() -> None:
    parameters = {"a": Choice(values=[1, 2, 3])}
    study = Study(Sweep(metric="m", parameters=parameters, sampler="grid", trials=2))
    assert [bool(study.ask()) for _ in range(3)] == [True, True, False]
