"""The text trainable in a sweep."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.ready.text import KNOBS, Text
from nightsweep.search.sweep import Sweep


def a_sweep(**given: Any) -> Sweep:
    return Sweep(**({"name": "x", "trainable": "text", "data": "a.csv"} | given))


@pytest.mark.parametrize("cv", [None, 3])
def test_what_it_searches_are_knobs_that_it_has(cv: int | None) -> None:
    assert set(Text(cv=cv).defaults()["parameters"]) <= set(KNOBS)


def test_a_sweep_of_it_needs_no_parameters() -> None:
    assert a_sweep().trainable == Text()


def test_folds_are_the_epochs_of_a_sweep_with_cv() -> None:
    assert a_sweep(trainable={"name": "text", "cv": 3}).max_epochs == 3


def test_a_misspelled_knob_is_refused_with_the_right_one() -> None:
    with pytest.raises(SweepError, match="word_dropout"):
        a_sweep(parameters={"word_dropuot": {"min": 0.0, "max": 0.5}})


def test_a_model_that_it_does_not_have_is_refused() -> None:
    with pytest.raises(SweepError, match="'lstm' is not one of"):
        a_sweep(parameters={"model": {"values": ["bag", "lstm"]}})
