"""Ranges of other tools, as ours: what they hold, and what is said of what they do not."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Float, Int, Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.imports import counterpart

NUMBERS = st.floats(-1e6, 1e6)
STEPS = st.sampled_from([0.05, 0.1, 0.25, 0.5, 1, 2, 8, 16])


def values(found: Any, rules: list[str]) -> list[Any]:
    """All that a parameter may be."""
    sweep = Sweep(metric="a", parameters={"x": found}, constraints=rules)
    space = sweep.space
    parameter = space.parameters.get("x")
    if parameter is None:
        return [found]
    if isinstance(parameter, Int) and parameter.count is None:
        numbers = range(parameter.min, parameter.max + 1)
        return [n for n in numbers if space.allows({"x": n})]
    return [parameter.level(i) for i in range(parameter.count or 0)]


@given(low=st.integers(-50, 50), width=st.integers(0, 50), q=STEPS)
def test_multiples_are_those_between_the_bounds(low: int, width: int, q: float) -> None:
    expected = [k * q for k in range(-2000, 2001) if low <= k * q <= low + width]
    if not expected:
        with pytest.raises(SweepError, match="has no multiple"):
            counterpart.rounded(low, low + width, q)
        return
    found = counterpart.rounded(low, low + width, q)
    assert values(found.value, []) == pytest.approx(expected)


@given(low=st.integers(1, 50), width=st.integers(0, 200), q=st.sampled_from([1, 2, 8, 16]))
def test_whole_multiples_by_their_exponent_are_kept_by_a_constraint(
    low: int, width: int, q: int
) -> None:
    expected = [n for n in range(low, low + width + 1) if n % q == 0]
    if not expected:
        return
    found = counterpart.log_rounded(low, low + width, q)
    rules = [f"x % {found.multiple} == 0"] if found.multiple else []
    assert values(found.value, rules) == expected


@given(low=NUMBERS, high=NUMBERS)
def test_a_range_is_refused_as_ours_are_or_holds_both_ends(low: float, high: float) -> None:
    found = counterpart.uniform(low, high).value
    if low == high:
        assert found == low
    elif low < high:
        parameter = Float(**found)
        assert parameter.contains(low)
        assert parameter.contains(high)


@given(mu=st.floats(-100, 100), sigma=st.floats(0.01, 10), log=st.booleans())
def test_a_normal_distribution_becomes_a_range_around_its_middle(
    mu: float, sigma: float, log: bool
) -> None:
    mu = mu / 10 if log else mu
    found = counterpart.normal(mu, sigma, log=log)
    parameter = Float(**found.value)
    assert parameter.min < (parameter.default or 0) < parameter.max
    assert "holds 95% of it" in found.note


def test_a_list_wider_than_numbers_can_tell_is_refused() -> None:
    with pytest.raises(SweepError, match="wider than numbers can tell"):
        counterpart.listed(-1e308, 32, 3, whole=True)


def test_numbers_may_be_written_as_text_as_yaml_has_them() -> None:
    assert counterpart.uniform("1e-5", "1").value == {"min": 1e-5, "max": 1.0}
    assert counterpart.whole("16", "64").value == {"min": 16, "max": 64}


@pytest.mark.parametrize("value", [None, True, "low", "nan", float("inf"), 2**64, [1]])
def test_what_is_no_number_is_refused(value: Any) -> None:
    with pytest.raises(SweepError, match=r"needs (finite )?numbers"):
        counterpart.uniform(value, 1)


def test_a_value_that_was_listed_twice_stands_once_and_that_is_said() -> None:
    found = counterpart.choice([1, 2, 1, True])
    assert found.value == {"values": [1, 2, True]}
    assert "twice" in found.note
