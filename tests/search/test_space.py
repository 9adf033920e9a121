from __future__ import annotations

from nightsweep.search import Choice, Float, Int
from nightsweep.search.space import Space

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
