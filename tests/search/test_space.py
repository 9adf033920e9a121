from __future__ import annotations

import pytest

from nightsweep.search import Choice, Float, Int
from nightsweep.search.space import LARGEST, Config, Space

NESTED = {
    "momentum": Float(min=0.0, max=0.9, when={"optimizer": ["sgd", "rmsprop"]}),
    "optimizer": Choice(values=["sgd", "adam", "rmsprop"], when={"trained": True}),
    "trained": True,
    "nesterov": Choice(values=[True, False], when={"optimizer": "sgd", "momentum": 0.9}),
    "width": 64,
}


def test_a_configuration_keeps_the_order_of_the_file_and_its_constants() -> None:
    config = Space(NESTED).build(lambda name, parameter: parameter.at(0.0))
    expected = {"momentum": 0.0, "optimizer": "sgd", "trained": True, "width": 64}
    assert list(config.items()) == list(expected.items())


def test_a_parameter_is_left_out_where_its_condition_does_not_hold() -> None:
    config = Space(NESTED).build(lambda name, parameter: parameter.at(0.5))
    assert config == {"optimizer": "adam", "trained": True, "width": 64}


def test_a_condition_on_two_parameters_needs_both() -> None:
    chosen = {"optimizer": "sgd", "momentum": 0.9, "nesterov": True}
    config = Space(NESTED).build(lambda name, parameter: chosen[name])
    assert config["nesterov"] is True


def test_what_depends_on_a_parameter_that_is_left_out_is_left_out_too() -> None:
    space = Space(
        {
            "a": Choice(values=[0, 1]),
            "b": Choice(values=[0, 1], when={"a": 1}),
            "c": Choice(values=[0, 1], when={"b": 0}),
        }
    )
    assert space.build(lambda name, parameter: 0) == {"a": 0}


def test_parameters_with_equal_conditions_form_a_group() -> None:
    space = Space(
        {
            "beta": Float(min=0.0, max=1.0, when={"optimizer": "adam"}),
            "lr": Float(min=0.0, max=1.0),
            "optimizer": Choice(values=["sgd", "adam"]),
            "eps": Float(min=0.0, max=1.0, when={"optimizer": "adam"}),
        }
    )
    assert space.groups == [("lr", "optimizer"), ("beta", "eps")]


def test_a_sound_space_has_no_problems() -> None:
    space = Space(
        {"a": Choice(values=[1, 2]), "b": Int(min=1, max=3, when={"a": [1, 2], "c": 5}), "c": 5}
    )
    assert list(space.problems()) == []


def test_what_is_wrong_with_conditions_is_told_with_its_key() -> None:
    space = Space(
        {
            "a": Choice(values=[1, 2]),
            "b": Int(min=1, max=3, when={"a": [1, 3], "c": 1}),
            "d": Int(min=1, max=3, when={"d": 1}),
        }
    )
    assert [(problem.key, problem.message) for problem in space.problems()] == [
        (("parameters", "b", "when", "a"), "a is never 3; it takes 1, 2"),
        (
            ("parameters", "b", "when", "c"),
            "there is no parameter 'c'; known: a, b, d",
        ),
        (
            ("parameters", "d", "when"),
            "d waits for itself in a circle of conditions; break it",
        ),
    ]


def test_what_waits_for_a_circle_is_named_too() -> None:
    when = {"a": {"b": 1}, "b": {"a": 1}, "c": {"a": 1}}
    space = Space({name: Choice(values=[1], when=parents) for name, parents in when.items()})
    assert [problem.key[1] for problem in space.problems()] == ["a", "b", "c"]


def test_a_condition_on_one_is_not_met_by_true() -> None:
    space = Space({"a": Choice(values=[True, 1]), "b": Choice(values=["x"], when={"a": 1})})
    assert space.build(lambda name, parameter: parameter.level(0)) == {"a": True}
    assert space.build(lambda name, parameter: parameter.level(-1)) == {"a": 1, "b": "x"}


def test_every_constraint_has_to_hold() -> None:
    space = Space({"a": Int(min=1, max=9), "b": Int(min=1, max=9)}, ["a < b", "a + b < 9"])
    configs: list[Config] = [{"a": 2, "b": 3}, {"a": 3, "b": 2}, {"a": 1, "b": 9}]
    assert [space.allows(config) for config in configs] == [True, False, False]


def test_a_constraint_that_cannot_be_read_makes_no_space() -> None:
    with pytest.raises(ValueError, match="is not true or false"):
        Space({"a": Int(min=1, max=9)}, ["a + 1"])


def test_all_configurations_are_listed_each_once() -> None:
    momentum = Choice(values=[0.0, 0.9], when={"optimizer": ["sgd", "rmsprop"]})
    points = Space(NESTED | {"momentum": momentum}).points
    assert [tuple(point.values()) for point in points or ()] == [
        (0.0, "sgd", True, 64),
        (0.9, "sgd", True, True, 64),
        (0.9, "sgd", True, False, 64),
        ("adam", True, 64),
        (0.0, "rmsprop", True, 64),
        (0.9, "rmsprop", True, 64),
    ]


def test_ranges_of_whole_numbers_and_steps_can_be_listed() -> None:
    space = Space({"n": Int(min=1, max=3, log=True), "p": Float(min=0.0, max=1.0, step=0.5)})
    assert [(c["n"], c["p"]) for c in space.points or ()] == [
        (1, 0.0), (1, 0.5), (1, 1.0), (2, 0.0), (2, 0.5), (2, 1.0), (3, 0.0), (3, 0.5), (3, 1.0),
    ]  # fmt: skip


def test_what_the_constraints_forbid_is_not_listed() -> None:
    space = Space({"n": Int(min=1, max=9), "m": Choice(values=[2, 3])}, ["n % m == 0", "n > 4"])
    assert [(c["n"], c["m"]) for c in space.points or ()] == [(6, 2), (6, 3), (8, 2), (9, 3)]


def test_too_many_configurations_are_not_listed() -> None:
    assert Space({"x": Float(min=0.0, max=1.0), "a": Choice(values=[1])}).points is None
    assert Space({"n": Int(min=1, max=LARGEST), "a": Choice(values=[1, 2])}).points is None
    assert Space({"width": 64}).points == ({"width": 64},)
