from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Choice, Float, Int
from nightsweep.search.parameter import Parameter
from nightsweep.search.samplers.cube import graded, place

PARAMETERS: list[Parameter] = [
    Float(min=-2.0, max=3.0),
    Float(min=1e-5, max=1.0, log=True),
    Float(min=0.0, max=0.5, step=0.05),
    Float(min=1e-4, max=1e-1, log=True, step=10),
    Int(min=-3, max=7),
    Int(min=1, max=1000, log=True),
    Int(min=8, max=64, step=8),
    Int(min=16, max=256, log=True, step=2),
    Choice(values=["sgd", "adam", None]),
    Choice(values=[16, 32, 64]),
]


@pytest.mark.parametrize("parameter", PARAMETERS, ids=lambda parameter: parameter.describe())
@given(unit=st.floats(0.0, 1.0, exclude_max=True), within=st.floats(0.01, 0.99))
def test_the_place_of_a_value_leads_back_to_it(
    parameter: Parameter, unit: float, within: float
) -> None:
    value = parameter.at(unit)
    there = place(parameter, value, within)
    assert 0.0 <= there <= 1.0 + 1e-9
    assert parameter.at(min(there, 1.0)) == pytest.approx(value)


@pytest.mark.parametrize(
    ("parameter", "value", "there"),
    [
        (Float(min=0.0, max=4.0), 1.0, 0.25),
        (Float(min=1e-4, max=1.0, log=True), 1e-3, 0.25),
        (Float(min=0.0, max=1.0, step=0.25), 0.25, 0.3),
        (Int(min=1, max=4), 1, 0.125),
        (Int(min=1, max=4), 4, 0.875),
        (Choice(values=["a", "b"]), "b", 0.75),
    ],
)
def test_places_follow_the_scale(parameter: Parameter, value: Any, there: float) -> None:
    assert place(parameter, value) == pytest.approx(there)


def test_a_countable_value_owns_a_stretch_from_one_end_to_the_other() -> None:
    layers = Int(min=1, max=4)
    rates = Float(min=0.0, max=0.3, step=0.1)
    for parameter, value in ((layers, 2), (rates, 0.1)):
        stretch = [place(parameter, value, within) for within in (0.0, 0.5, 1.0)]
        assert stretch == [0.25, 0.375, 0.5]


@pytest.mark.parametrize(
    ("parameter", "has_neighbours"),
    [
        (Float(min=0.0, max=1.0), True),
        (Int(min=1, max=4), True),
        (Choice(values=[16, 32]), True),
        (Choice(values=[32, 16, 64]), False),
        (Choice(values=["sgd", "adam"]), False),
        (Choice(values=[16]), False),
        (Int(min=1, max=4, log=True, step=8), False),
    ],
)
def test_numbers_and_rising_values_have_neighbours(
    parameter: Parameter, has_neighbours: bool
) -> None:
    assert graded(parameter) == has_neighbours
