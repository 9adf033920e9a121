from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search import Choice, Float, Int
from nightsweep.search.contradiction import contradictions, share
from nightsweep.search.space import Space

PARAMETERS: dict[str, Any] = {
    "lr": Float(min=0.0, max=1.0),
    "layers": Int(min=1, max=4),
    "optimizer": Choice(values=["sgd", "adam"]),
    "momentum": Float(min=0.0, max=0.9, when={"optimizer": "sgd"}),
    "nesterov": Choice(values=[True, False]),
    "width": 64,
    "bias": True,
}


def found(*constraints: str, **changes: Any) -> list[tuple[int | str, str]]:
    """Which constraint is wrong, and how it is told."""
    space = Space(PARAMETERS | changes, constraints, {"max_epochs": 27})
    return [(problem.key[1], problem.message) for problem in contradictions(space)]


@pytest.mark.parametrize(
    "constraints",
    [
        (),
        ("lr <= layers / max_epochs", "layers * width <= 128"),
        ("nesterov or bias", "optimizer != 'sgd' or lr <= 0.1"),
        ("momentum > 0.1 and lr > 0.5",),
        ("optimizer == 'adam'", "momentum == 0.123"),  # momentum is not used with adam
    ],
)
def test_constraints_that_can_be_met_are_no_problem(constraints: tuple[str, ...]) -> None:
    assert found(*constraints) == []


def test_unknown_names_are_told_with_the_nearest_known_one() -> None:
    known = "lr, layers, optimizer, momentum, nesterov, width, bias, max_epochs"
    assert found("lr < 1", "layer < 2", "lr < a") == [
        (1, f"there is no parameter 'layer'; known: {known}. Did you mean \"layers\"?"),
        (2, f"there is no parameter 'a'; known: {known}"),
    ]


@pytest.mark.parametrize("name", ["lr", "optimizer", "width"])
def test_what_is_not_true_or_false_cannot_stand_alone(name: str) -> None:
    message = f"{name} alone is not true or false; compare it, as in {name} == ..."
    assert found(f"{name} or layers < 3") == [(0, message)]


def test_constraints_that_nothing_meets_are_named_each() -> None:
    tried = "(10,000 random ones were tried)"
    assert found("lr < 0.5", "lr > 2", "layers > 4") == [
        (1, f"no configuration meets 'lr > 2' {tried}; loosen it, or the ranges"),
        (2, f"no configuration meets 'layers > 4' {tried}; loosen it, or the ranges"),
    ]


def test_constraints_that_exclude_each_other_are_found() -> None:
    message = (
        "no configuration meets 'lr > layers' together with the constraints before it "
        "(10,000 random ones were tried); loosen one of them"
    )
    wide = Float(min=0.0, max=3.0)
    assert found("layers > 1", "lr > layers", "lr < 4", lr=wide) == []
    assert found("layers > 2", "lr > layers", "lr < 4", lr=wide) == [(1, message)]


def test_where_all_configurations_can_be_listed_none_is_overlooked() -> None:
    names = [f"p{number}" for number in range(4)]
    space = {name: Int(min=1, max=17) for name in names}
    rare = " and ".join(f"{name} == 9" for name in names)
    assert list(contradictions(Space(space, [rare]))) == []
    problems = list(contradictions(Space(space, [rare, "p0 < 9"])))
    assert [problem.key for problem in problems] == [("constraints", 0)]


def test_what_cannot_be_worked_out_says_why() -> None:
    message = "'<=' not supported between instances of 'str' and 'int'"
    assert found("optimizer <= 3") == [(0, f"'optimizer <= 3' cannot be worked out: {message}")]


def test_defaults_that_break_a_constraint_are_named_with_it() -> None:
    lr, layers = Float(min=0.0, max=1.0, default=0.5), Int(min=1, max=4, default=4)
    assert found("lr * layers <= 1", "layers < 9", lr=lr, layers=layers) == [
        (
            0,
            "the defaults lr 0.5, layers 4 cannot meet 'lr * layers <= 1'; change one or the "
            "other",
        )
    ]
    assert found("lr > 0.5 or nesterov", "lr != 0.5", lr=lr) == [
        (1, "the default lr 0.5 cannot meet 'lr != 0.5'; change one or the other")
    ]


def test_a_default_leaves_the_other_parameters_room() -> None:
    lr = Float(min=0.0, max=1.0, default=0.9)
    assert found("lr * layers <= 1", lr=lr) == []
    assert found("lr + momentum > 1.75", lr=lr) == []


def test_a_default_of_an_unused_parameter_breaks_nothing() -> None:
    optimizer = Choice(values=["sgd", "adam"], default="adam")
    momentum = Float(min=0.0, max=0.9, default=0.9, when={"optimizer": "sgd"})
    assert found("momentum < 0.5", optimizer=optimizer, momentum=momentum) == []


def test_the_share_of_what_is_left_is_about_right() -> None:
    assert abs(share(Space(PARAMETERS, ["lr <= 0.25"])) - 0.25) < 0.02
