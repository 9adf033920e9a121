from __future__ import annotations

import math
from typing import Any

import numpy as np
import numpy.typing as npt
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Choice, Float, Int
from nightsweep.search.samplers.cube import graded, place
from nightsweep.search.samplers.features import Features
from nightsweep.search.samplers.random import draw
from nightsweep.search.space import Config, Parameter, Space

Floats = npt.NDArray[np.float64]
KINDS: list[Parameter] = [
    Float(min=-1.0, max=3.0),
    Float(min=1e-5, max=1.0, log=True),
    Float(min=0.0, max=1.0, step=0.1),
    Float(min=1e-4, max=1e-1, log=True, step=10),
    Int(min=-3, max=7),
    Int(min=1, max=2),
    Int(min=1, max=1000, log=True),
    Int(min=16, max=256, log=True, step=2),
    Int(min=10, max=100, step=7),
    Choice(values=[16, 32, 64, 128]),
    Choice(values=[0.9, 0.5, 0.1]),
    Choice(values=["relu", "tanh", "gelu"]),
    Choice(values=[True, False, None]),
    Choice(values=["only"]),
]
NESTED = Space(
    {
        "lr": Float(min=1e-5, max=1.0, log=True),
        "nesterov": Choice(values=[True, False], when={"momentum": [0.5, 0.9], "layers": 2}),
        "momentum": Choice(values=[0.0, 0.5, 0.9], when={"optimizer": "sgd"}),
        "optimizer": Choice(values=["sgd", "adam", "lion"]),
        "layers": Int(min=1, max=3),
        "device": "cpu",
        "threads": Int(min=1, max=64, log=True, when={"device": ["cpu", "xpu"]}),
        "memory": Float(min=0.0, max=1.0, when={"device": "gpu"}),
    }
)


def one(parameter: Parameter) -> Features:
    return Features(Space({"p": parameter}))


def anywhere(features: Features, count: int, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random((count, features.sides))


def assert_same(ours: Floats, theirs: Floats) -> None:
    np.testing.assert_allclose(ours, theirs, rtol=0, atol=1e-12, equal_nan=True)


def by_hand(space: Space, places: Floats) -> Floats:
    """What `snap` does to all places at once, done through configurations."""
    features = Features(space)
    found = []
    for where in places:
        units = dict(zip(space.order, where, strict=True))
        config = space.build(lambda name, p, units=units: p.at(float(units[name])))  # type: ignore[misc]
        found.append(features.place(config))
    return np.array(found)


@pytest.mark.parametrize("parameter", KINDS, ids=str)
def test_places_snap_to_where_their_values_lie(parameter: Parameter) -> None:
    units = np.concatenate([np.linspace(0.0, 1.0, 401), anywhere(one(parameter), 400)[:, 0]])
    there = np.array([place(parameter, parameter.at(float(unit))) for unit in units])
    assert_same(one(parameter).snap(units[:, None])[:, 0], there)


@pytest.mark.parametrize("parameter", KINDS, ids=str)
def test_a_snapped_place_stays_where_it_is(parameter: Parameter) -> None:
    features = one(parameter)
    snapped = features.snap(anywhere(features, 50))
    assert_same(features.snap(snapped), snapped)


def test_what_a_configuration_does_not_use_has_no_place() -> None:
    features = Features(NESTED)
    assert features.sides == 7
    seen = set()
    for number in range(60):
        config = draw(NESTED, 0, number)
        where = dict(zip(NESTED.order, features.place(config), strict=True))
        assert {name for name, side in where.items() if not math.isnan(side)} == set(config) - {
            "device"
        }
        seen.add(frozenset(config))
    assert len(seen) == 3  # with momentum and nesterov, with momentum alone, with neither


def test_nested_conditions_are_followed() -> None:
    places = anywhere(Features(NESTED), 300)
    snapped = Features(NESTED).snap(places)
    assert_same(snapped, by_hand(NESTED, places))
    used = dict(zip(NESTED.order, 1 - np.isnan(snapped).mean(axis=0), strict=True))
    assert used["threads"] == used["lr"] == used["layers"] == 1
    assert used["memory"] == 0
    assert used["momentum"] == pytest.approx(1 / 3, abs=0.1)
    assert used["nesterov"] == pytest.approx(2 / 27, abs=0.05)


def test_neighbouring_whole_numbers_are_not_taken_for_each_other() -> None:
    space = Space({"n": Int(min=1, max=10**6), "x": Float(min=0.0, max=1.0, when={"n": 999_999})})
    features = Features(space)
    sides = [place(space.parameters["n"], n) for n in (999_998, 999_999, 1_000_000)]
    snapped = features.snap(np.array([[side, 0.5] for side in sides]))
    assert np.isnan(snapped[:, 1]).tolist() == [True, False, True]


def test_configurations_come_back_from_their_places() -> None:
    space = Space({f"p{index}": parameter for index, parameter in enumerate(KINDS)})
    for known in (space, NESTED):
        for number in range(40):
            config = draw(known, 1, number)
            back = Features(known).config(Features(known).place(config))
            assert list(back) == list(config)
            for name, value in config.items():
                close = isinstance(value, float)
                assert back[name] == (pytest.approx(value, rel=1e-9) if close else value)


def test_a_place_without_a_value_that_is_used_after_all_has_its_middle() -> None:
    features = Features(Space({"x": Float(min=0.0, max=4.0)}))
    assert features.config(np.array([math.nan])) == {"x": 2.0}


def test_values_without_an_order_are_equally_far_apart() -> None:
    """As far as the ends of a number, however many there are."""
    for count in (2, 3, 7):
        features = one(Choice(values=list("abcdefg")[:count]))
        places = np.array([[features.place({"p": word})[0]] for word in "abcdefg"[:count]])
        assert features.matrix(places).shape == (count, count)
        assert_same(features.distance(places, places), 1 - np.eye(count))
    number = one(Float(min=0.0, max=1.0))
    ends = np.array([[0.0], [1.0]])
    assert_same(number.distance(ends, ends), 1 - np.eye(2))


def test_rising_values_are_as_far_apart_as_there_are_others_between() -> None:
    features = one(Choice(values=[16, 32, 64, 128]))
    places = np.array([features.place({"p": value}) for value in (16, 32, 64, 128)])
    steps = np.abs(np.subtract.outer(np.arange(4), np.arange(4)))
    assert_same(features.distance(places, places), steps / 4)


def test_each_feature_has_its_parameter() -> None:
    features = Features(NESTED)
    widths = [1 if graded(NESTED.parameters[name]) else len(values(name)) for name in NESTED.order]
    assert features.owner.tolist() == [i for i, width in enumerate(widths) for _ in range(width)]
    assert features.matrix(anywhere(features, 5)).shape == (5, sum(widths))


def values(name: str) -> list[Any]:
    parameter = NESTED.parameters[name]
    assert isinstance(parameter, Choice)
    return parameter.values


def test_what_is_not_used_makes_no_difference_to_the_rest() -> None:
    """A number lies in its middle, a word is none of the words."""
    when = {"on": True}
    space = Space(
        {
            "on": Choice(values=[True, False]),
            "x": Float(min=0.0, max=1.0, when=when),
            "word": Choice(values=["a", "b"], when=when),
        }
    )
    features = Features(space)
    off = features.snap(np.array([[0.9, 0.1, 0.1], [0.9, 0.8, 0.8]]))
    assert_same(features.matrix(off)[:, 2:], np.array([[0.5, 0, 0]] * 2))
    assert features.distance(off[:1], off[1:])[0, 0] == 0
    on = features.snap(np.array([[0.1, 0.5, 0.1], [0.1, 0.5, 0.9]]))
    apart = features.distance(off, on)
    assert_same(apart, np.full((2, 2), apart[0, 0]))


@st.composite
def parameters(draw: st.DrawFn) -> Parameter:
    kind = draw(st.sampled_from(["float", "int", "words", "numbers"]))
    if kind == "words":
        return Choice(values=list("abcde")[: draw(st.integers(1, 5))])
    if kind == "numbers":
        return Choice(values=list(range(2, 3 + draw(st.integers(1, 4)))))
    log = draw(st.booleans())
    low = draw(st.integers(1 if log else -50, 50))
    high = low + draw(st.integers(1, 500))
    step = draw(st.sampled_from([None, 2 if log else 1]))
    if kind == "int":
        return Int(min=low, max=high, log=log, step=step)
    return Float(min=float(low), max=float(high), log=log, step=step)


@st.composite
def spaces(draw: st.DrawFn) -> Space:
    """Each parameter may be used with some values of one before it only."""
    found: dict[str, Any] = {"constant": 3}
    for index in range(draw(st.integers(1, 6))):
        parameter = draw(parameters())
        parents = [name for name, p in found.items() if isinstance(p, Choice)]
        if draw(st.booleans()) and parents:
            parent = draw(st.sampled_from(parents))
            wanted = found[parent].values[: draw(st.integers(1, 2))]
            when = {parent: wanted[0] if draw(st.booleans()) else wanted}
            parameter = parameter.model_copy(update={"when": when})
        found[f"p{index}"] = parameter
    return Space(found)


@given(space=spaces(), seed=st.integers(0, 99))
def test_snapping_does_what_configurations_do(space: Space, seed: int) -> None:
    features = Features(space)
    places = anywhere(features, 30, seed)
    snapped = features.snap(places)
    assert_same(snapped, by_hand(space, places))
    for where in snapped:
        config: Config = features.config(where)
        np.testing.assert_allclose(features.place(config), where, atol=1e-9, equal_nan=True)


@given(space=spaces(), seed=st.integers(0, 99))
def test_features_are_finite_and_those_of_equal_places_alone_are_equal(
    space: Space, seed: int
) -> None:
    features = Features(space)
    snapped = features.snap(anywhere(features, 20, seed))
    assert np.isfinite(features.matrix(snapped)).all()
    distance = features.distance(snapped, snapped)
    for i, j in np.ndindex(20, 20):
        if np.array_equal(snapped[i], snapped[j], equal_nan=True):
            assert distance[i, j] == 0
        else:  # the middle of a number may be where it is not used
            other = np.nan_to_num(snapped[i], nan=0.5) != np.nan_to_num(snapped[j], nan=0.5)
            assert (distance[i, j] > 0) == other.any()
