from __future__ import annotations

from collections.abc import Iterator
from typing import Any

import pytest

from nightsweep.search.nearest import ELSEWHERE, did_you_mean, nearest
from nightsweep.search.schema import schema


def words(schema: Any) -> Iterator[str]:
    """Every key that a schema allows, and every word that it accepts as a value."""
    for key, value in schema.items() if isinstance(schema, dict) else ():
        yield from value if key in ("properties", "enum") else ()
        yield from [value] if key == "const" else ()
        yield from words(value)
    for item in schema if isinstance(schema, list) else ():
        yield from words(item)


KEYS = ("metric", "parameters", "trials", "sampler", "scheduler", "max_epochs")


@pytest.mark.parametrize(
    ("word", "meant"),
    [("trails", "trials"), ("schedular", "scheduler"), ("max_epoch", "max_epochs")],
)
def test_a_misspelt_word_finds_the_right_one(word: str, meant: str) -> None:
    assert nearest(word, KEYS) == meant


def test_capitals_make_no_difference() -> None:
    assert nearest("SAMPLER", KEYS) == "sampler"
    assert nearest("uniform", ["Uniform", "Normal"]) == "Uniform"


@pytest.mark.parametrize(
    ("word", "meant"),
    [
        ("num_samples", "trials"),
        ("n_trials", "trials"),
        ("method", "sampler"),
        ("pruner", "scheduler"),
        ("Max_T", "max_epochs"),
    ],
)
def test_the_words_of_other_tools_are_known(word: str, meant: str) -> None:
    assert nearest(word, KEYS) == meant


def test_a_word_of_another_tool_counts_only_where_its_meaning_is_allowed() -> None:
    assert nearest("n_trials", ["cpus", "gpus"]) is None
    assert nearest("max", ["minimize", "maximize"]) == "maximize"
    assert nearest("max", ["min", "max"]) == "max"


def test_nothing_near_means_none() -> None:
    assert nearest("zebra", KEYS) is None
    assert nearest(17, KEYS) is None


def test_a_message_lists_what_is_allowed_and_the_nearest_of_it() -> None:
    assert did_you_mean("mni", ["min", "max"]) == 'min, max. Did you mean "min"?'


def test_a_message_without_a_near_word_only_lists() -> None:
    assert did_you_mean("zebra", ["min", "max"]) == "min, max"


@pytest.mark.parametrize("meant", sorted(set(ELSEWHERE.values())))
def test_every_word_that_is_suggested_exists_in_a_sweep_file(meant: str) -> None:
    assert meant in {*words(schema())}
