from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Choice, Float, Int
from nightsweep.search.parameter import Parameter, same

UNIT = st.floats(0, 1, exclude_max=True)


@st.composite
def ranges(draw: st.DrawFn) -> Parameter:
    """Float and Int on every scale, with and without steps."""
    kind = draw(st.sampled_from(["float", "float log", "float step", "float log step"]))
    if draw(st.booleans()):
        return draw(integers())
    if kind == "float":
        low = draw(st.floats(-1e6, 1e6))
        return Float(min=low, max=low + draw(st.floats(1e-3, 1e6)))
    if kind == "float log":
        low = draw(st.floats(1e-9, 1e3))
        return Float(min=low, max=low * draw(st.floats(1.01, 1e9)), log=True)
    if kind == "float log step":
        low, factor = draw(st.sampled_from([1e-6, 0.003, 0.1, 2.0])), draw(st.integers(2, 10))
        return Float(min=low, max=low * factor ** draw(st.integers(1, 6)), log=True, step=factor)
    low, step = draw(st.integers(-500, 500)) / 100, draw(st.integers(1, 300)) / 100
    return Float(min=low, max=low + step * draw(st.floats(1.1, 50)), step=step)


@st.composite
def integers(draw: st.DrawFn) -> Int:
    low, width = draw(st.integers(-100, 100)), draw(st.integers(1, 10_000))
    kind = draw(st.sampled_from(["plain", "log", "step", "log step"]))
    if kind == "plain":
        return Int(min=low, max=low + width)
    if kind == "step":
        return Int(min=low, max=low + width, step=draw(st.integers(1, width)))
    low = abs(low) + 1
    step = draw(st.integers(2, 5)) if kind == "log step" else None
    return Int(min=low, max=low + width, log=True, step=step)


SIMPLE = st.one_of(st.none(), st.booleans(), st.integers(-9, 9), st.text(max_size=3))


@st.composite
def choices(draw: st.DrawFn) -> Choice:
    values: list[Any] = []
    for value in draw(st.lists(SIMPLE, min_size=1, max_size=6)):
        if not any(same(value, other) for other in values):
            values.append(value)
    return Choice(values=values)


PARAMETERS = st.one_of(ranges(), choices())


@given(PARAMETERS, UNIT)
def test_a_drawn_value_is_always_contained(parameter: Parameter, unit: float) -> None:
    assert parameter.contains(parameter.at(unit))


@given(PARAMETERS, UNIT)
def test_a_value_survives_optunas_terms(parameter: Parameter, unit: float) -> None:
    value = parameter.at(unit)
    back = parameter.decode(parameter.encode(value))
    assert same(back, value)
    assert type(back) is type(value)


@given(PARAMETERS, UNIT)
def test_an_encoded_value_is_one_of_optunas_distribution(
    parameter: Parameter, unit: float
) -> None:
    distribution = parameter.distribution()
    encoded = parameter.encode(parameter.at(unit))
    assert distribution._contains(distribution.to_internal_repr(encoded))


@given(PARAMETERS)
def test_every_level_is_contained_and_drawn_in_order(parameter: Parameter) -> None:
    count = parameter.count
    if count is None or count > 100:
        return
    levels = [parameter.level(index) for index in range(count)]
    assert all(parameter.contains(level) for level in levels)
    assert levels == [parameter.at((index + 0.5) / count) for index in range(count)]


@given(ranges())
def test_the_index_of_a_level_is_its_own(parameter: Parameter) -> None:
    assert not isinstance(parameter, Choice)
    for index in range(min(parameter.count or 0, 100)):
        assert parameter.index(parameter.level(index)) == index


def test_decimal_steps_have_no_rounding_errors() -> None:
    parameter = Float(min=0.1, max=0.5, step=0.1)
    assert [parameter.level(i) for i in range(parameter.count or 0)] == [0.1, 0.2, 0.3, 0.4, 0.5]


def test_a_rounding_error_in_the_maximum_puts_no_level_above_it() -> None:
    parameter = Float(min=1e-6, max=1e-6 * 3**4, log=True, step=3)  # 8.099999999999999e-05
    assert all(parameter.contains(parameter.level(i)) for i in range(parameter.count or 0))
    assert parameter.contains(parameter.at(0.999))


def test_with_log_a_step_is_a_factor() -> None:
    parameter = Int(min=16, max=256, log=True, step=2)
    assert [parameter.level(i) for i in range(parameter.count or 0)] == [16, 32, 64, 128, 256]


def test_a_step_that_misses_the_maximum_stays_below_it() -> None:
    parameter = Int(min=0, max=10, step=4)
    assert [parameter.level(i) for i in range(parameter.count or 0)] == [0, 4, 8]
    assert not parameter.contains(10)


def test_a_log_range_is_drawn_evenly_on_the_exponent() -> None:
    assert Float(min=1e-4, max=1.0, log=True).at(0.5) == pytest.approx(1e-2)


def test_with_log_each_whole_number_owns_half_a_unit_to_either_side() -> None:
    parameter = Int(min=1, max=2, log=True)  # 1.5 stands at log(3) / log(5) = 0.683
    assert [parameter.at(unit) for unit in (0.0, 0.67, 0.69, 0.999)] == [1, 1, 2, 2]


def test_each_whole_number_has_an_equal_share() -> None:
    drawn = [Int(min=1, max=4).at(i / 8) for i in range(8)]
    assert drawn == [1, 1, 2, 2, 3, 3, 4, 4]


@pytest.mark.parametrize("value", [5, 0.5, True, "2", None, float("nan")])
def test_an_int_contains_whole_numbers_in_its_range_only(value: object) -> None:
    assert Int(min=1, max=4).contains(2)
    assert not Int(min=1, max=4).contains(value)


def test_even_large_stepped_integers_are_told_apart() -> None:
    parameter = Int(min=0, max=10**12, step=2)
    assert parameter.contains(10**12)
    assert not parameter.contains(10**12 - 1)


def test_true_is_not_one() -> None:
    assert not Choice(values=[1, "a"]).contains(True)
    assert not Choice(values=[True, "a"]).contains(1)


def test_true_and_one_may_stand_side_by_side() -> None:
    choice = Choice(values=[True, 1])
    assert [choice.encode(True), choice.encode(1)] == [0, 1]


def test_rising_or_falling_numbers_are_ordered() -> None:
    assert Choice(values=[16, 32, 64]).ordered
    assert Choice(values=[3, 2, 1]).ordered
    assert not Choice(values=[1, 3, 2]).ordered
    assert not Choice(values=["a", "b"]).ordered


def test_a_range_is_described_by_its_values_where_they_are_few() -> None:
    assert Int(min=0, max=6, step=3).describe() == "0, 3, 6"
    assert Float(min=0.0, max=1.0, step=0.05).describe() == "0 to 1, step 0.05"
    assert Int(min=1, max=2**20, log=True, step=2).describe() == "1 to 1.04858e+06, factor 2, log"
    assert Float(min=1e-5, max=1.0, log=True).describe() == "1e-05 to 1, log"
