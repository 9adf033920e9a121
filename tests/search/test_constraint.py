from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.constraint import LONGEST, Constraint

CONFIG: dict[str, Any] = {
    "lr": 0.5,
    "layers": 3,
    "units": 64,
    "optimizer": "sgd",
    "nesterov": True,
    "shape": [3, 3],
    "model.depth": 2,
}


def holds(text: str, **changes: Any) -> bool:
    return Constraint(text, {"max_epochs": 27}).holds(CONFIG | changes)


def refusal(text: str) -> str:
    with pytest.raises(ValueError, match=r".") as caught:
        Constraint(text)
    return str(caught.value)


@pytest.mark.parametrize(
    "text",
    [
        "layers * units <= 192",
        "lr < 1",
        "lr == 0.5",
        "layers != 4",
        "1 <= layers < 4",
        "layers + 1 == 4 and units - 1 == 63",
        "units / 128 == 0.5",
        "units // 10 == 6",
        "units % 10 == 4",
        "layers ** 2 == 9",
        "2 ** -1 == lr",
        "-layers < +layers",
        "optimizer == 'sgd'",
        'optimizer in ["sgd", "adam"]',
        "layers not in (1, 2)",
        "shape == [3, 3]",
        "3 in shape",
        "not (layers > 3 or lr > 1)",
        "nesterov",
        "not nesterov or optimizer == 'sgd'",
        "nesterov == true",
        "nesterov == (optimizer == 'sgd')",
        "layers > 9 or lr < 1",
        "min(layers, units) == 3 and max(layers, units, 99) == 99",
        "log2(units) == 6 and log10(100) == 2 and log(1) == 0 and log(8, 2) == 3",
        "sqrt(units) == 8 and exp(0) == 1",
        "abs(-lr) == lr and round(lr + 0.2) == 1 and round(0.55555, 2) == 0.56",
        "floor(lr) == 0 and ceil(lr) == 1",
        "max_epochs / 9 == layers",
        "model.depth == 2",
        "layers\n  < units",
    ],
)
def test_what_is_so_holds_and_its_opposite_does_not(text: str) -> None:
    assert holds(text)
    assert not holds(f"not ({text})")


def test_both_halves_of_a_chain_count() -> None:
    assert [holds("1 <= layers < 4", layers=n) for n in (0, 1, 3, 4)] == [False, True, True, False]


def test_and_binds_closer_than_or() -> None:
    assert holds("layers == 3 or layers == 4 and lr > 1")


@given(st.integers(-50, 50), st.integers(-50, 50), st.integers(-50, 50))
def test_arithmetic_goes_before_comparisons(a: int, b: int, c: int) -> None:
    constraint = Constraint("a + b * c <= a * b - c")
    assert constraint.holds({"a": a, "b": b, "c": c}) == (a + b * c <= a * b - c)


def test_it_holds_where_a_parameter_of_it_is_not_used() -> None:
    constraint = Constraint("layers <= 2 and momentum < 0.5")
    assert constraint.holds({"layers": 3})
    assert not constraint.holds({"layers": 3, "momentum": 0.1})


@pytest.mark.parametrize(
    "text",
    [
        "1 / (layers - 3) > 0",
        "units % (layers - 3) == 0",
        "optimizer <= 3",
        "optimizer * 2 == 'sgdsgd'",
        "nesterov + 1 == 2",
        "log(layers - 3) < 0",
        "sqrt(-layers) < 99",
        "(-layers) ** 0.5 == layers",
        "10 ** units ** 9 > 0",
        "'s' in optimizer",
        "not layers",
        "layers",
        "round(lr, -10 ** 9) == 0",
        "exp(10 ** 6) > 0",
        "sqrt(1, 2) == 1",
    ],
)
def test_what_cannot_be_worked_out_does_not_hold(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize("text", ["9 ** 9 ** 9 ** 9 > 1", "'a' * 10 ** 12 != 'b'"])
def test_nothing_large_is_ever_computed(text: str) -> None:
    assert not holds(text)


@pytest.mark.parametrize("text", ["lr * 2", "1", "'word'", "min(lr, 2)", "-lr", "[lr > 1]"])
def test_what_is_neither_true_nor_false_is_refused(text: str) -> None:
    expected = "is not true or false; write a comparison, such as lr * layers <= 0.5"
    assert expected in refusal(text)
    assert expected in refusal(f"lr > 1 and {text}")


@pytest.mark.parametrize(
    "text",
    [
        "lr[0] > 1",
        "lr.real() > 1",
        "(1).real > 1",
        "(lambda: 1) == 1",
        "[x for x in shape] == 1",
        "(lr := 3) > 1",
        "f'{lr}' == '1'",
        "lr if layers else units",
        "max(*shape) > 1",
        "min(shape, key=abs) > 1",
        "{'a': 1} == 1",
        "b'x' == 1",
        "1j == lr",
        "... == lr",
        "~layers == 1",
    ],
)
def test_what_python_could_do_but_a_constraint_need_not_is_refused(text: str) -> None:
    assert "is more than a constraint may hold" in refusal(text)


@pytest.mark.parametrize(
    "text", ["__import__('os').system('true') == 0", "().__class__.__bases__ == 1", "open(1) == 1"]
)
def test_nothing_reaches_the_interpreter(text: str) -> None:
    refusal(text)


def test_an_unknown_function_is_told_with_the_nearest_known_one() -> None:
    known = "abs, ceil, exp, floor, log, log10, log2, max, min, round, sqrt"
    assert refusal("sqr(lr) < 1") == f"no function 'sqr'; known: {known}. Did you mean \"sqrt\"?"


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("lr > 1 & layers > 1", "'&' is not known here; write and"),
        ("(lr > 1) | (lr < 0)", "'|' is not known here; write or"),
        ("layers ^ 2 < 9", "'^' is not known here; write ** for a power"),
        ("lr is 1", "'is' is not known here; write =="),
    ],
)
def test_a_wrong_operator_is_told_with_the_right_one(text: str, message: str) -> None:
    assert refusal(text) == message


@pytest.mark.parametrize("text", ["", "lr <", "lr = 1", "lr > 1 && layers > 1", "(" * 300, "\0"])
def test_what_cannot_be_read_is_refused_with_an_example(text: str) -> None:
    assert refusal(text).startswith("cannot be read: ")
    assert "write a comparison" in refusal(text)


def test_what_is_too_long_or_too_deep_is_refused() -> None:
    assert refusal("lr < 1" + " " * LONGEST).startswith(f"is longer than {LONGEST} characters")
    assert holds("-" * (LONGEST - 6) + "lr < 1")


def test_it_knows_the_names_in_it() -> None:
    constraint = Constraint("a.b + max_epochs < min(c, 2) or d", {"max_epochs": 27})
    assert constraint.names == {"a.b", "c", "d"}
    assert constraint.alone == {"d"}
