from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Choice, Float, Int
from nightsweep.search.history import History, Observation, Proposal
from nightsweep.search.samplers import Random
from nightsweep.search.space import Config, Space

PARAMETERS: dict[str, Any] = {
    "lr": Float(min=1e-5, max=1.0, log=True),
    "layers": Int(min=1, max=4),
    "optimizer": Choice(values=["sgd", "adam"]),
    "momentum": Float(min=0.0, max=0.99, when={"optimizer": "sgd"}),
    "width": 64,
}
SPACE = Space(PARAMETERS)
NOTHING = History()


def proposals(seed: int, count: int = 20, space: Space = SPACE) -> list[Config]:
    return [propose(number, space=space, seed=seed).config for number in range(1, count + 1)]


def propose(
    number: int, history: History = NOTHING, *, space: Space = SPACE, seed: int = 0
) -> Proposal:
    """What a new sampler proposes."""
    proposal = Random().build(space, seed=seed).propose(number, history)
    assert proposal is not None
    return proposal


def test_the_same_seed_gives_the_same_configurations() -> None:
    assert proposals(seed=5) == proposals(seed=5)


def test_another_seed_gives_other_configurations() -> None:
    ours, others = proposals(seed=5), proposals(seed=6)
    assert all(a["lr"] != b["lr"] for a, b in zip(ours, others, strict=True))


def test_a_proposal_depends_on_its_number_alone() -> None:
    seen = Observation(trial=1, config=proposals(seed=0)[0], values={1: 0.1})
    history = History(observations=[seen], pending=[(2, proposals(seed=0)[1])])
    assert propose(9, history).config == proposals(seed=0)[8]


def test_every_trial_draws_other_numbers() -> None:
    assert len({config["lr"] for config in proposals(seed=0, count=200)}) == 200


@given(st.integers(0, 2**32), st.integers(1, 10**6))
def test_every_value_is_allowed_and_every_condition_kept(seed: int, number: int) -> None:
    config = propose(number, seed=seed).config
    assert all(SPACE.parameters[n].contains(v) for n, v in config.items() if n != "width")
    assert ("momentum" in config) == (config["optimizer"] == "sgd")
    assert config["width"] == 64


def test_log_ranges_are_drawn_evenly_on_the_exponent() -> None:
    drawn = [config["lr"] for config in proposals(seed=0, count=1000)]
    below = sum(value < 10**-2.5 for value in drawn)  # the middle of 1e-5 to 1
    assert 450 < below < 550


def test_each_choice_and_each_whole_number_is_drawn_about_equally_often() -> None:
    drawn = proposals(seed=0, count=1000)
    assert 450 < sum(config["optimizer"] == "sgd" for config in drawn) < 550
    counts = [sum(config["layers"] == n for config in drawn) for n in (1, 2, 3, 4)]
    assert all(200 < count < 300 for count in counts)


@pytest.mark.parametrize("default", [1e-3, 0.5])
def test_the_first_trial_takes_the_defaults(default: float) -> None:
    lr = Float(min=1e-5, max=1.0, log=True, default=default)
    first = propose(1, space=Space(PARAMETERS | {"lr": lr}))
    assert first.config["lr"] == default
    assert first.origin == "defaults"


def test_a_default_counts_only_where_its_parameter_is_active() -> None:
    space = Space(
        PARAMETERS
        | {
            "optimizer": Choice(values=["sgd", "adam"], default="adam"),
            "momentum": Float(min=0.0, max=0.99, default=0.9, when={"optimizer": "sgd"}),
        }
    )
    first = propose(1, space=space).config
    assert first["optimizer"] == "adam"
    assert "momentum" not in first


def test_without_defaults_the_first_trial_is_random_too() -> None:
    first = propose(1)
    assert first.origin == "random"


def test_the_second_trial_is_random_even_with_defaults() -> None:
    space = Space({"lr": Float(min=0.0, max=1.0, default=0.5)})
    second = propose(2, space=space)
    assert second.origin == "random"
    assert second.config["lr"] != 0.5


def test_only_what_the_constraints_allow_is_drawn() -> None:
    space = Space(PARAMETERS, ["lr <= 1e-4 * layers", "layers != 2"])
    assert all(space.allows(config) for config in proposals(seed=0, space=space, count=100))
    assert {config["layers"] for config in proposals(seed=0, space=space)} == {1, 3, 4}


def test_what_the_constraints_allow_is_drawn_as_without_them() -> None:
    free = proposals(seed=0, count=50)
    bound = proposals(seed=0, count=50, space=Space(PARAMETERS, ["layers != 2"]))
    pairs = [(a, b) for a, b in zip(free, bound, strict=True) if a["layers"] != 2]
    assert len(pairs) > 25
    assert all(a == b for a, b in pairs)


def test_the_first_trial_keeps_the_defaults_and_finds_what_fits_to_them() -> None:
    parameters = {"a": Float(min=0.0, max=1.0, default=0.9), "b": Float(min=0.0, max=1.0)}
    for seed in range(20):
        config = propose(1, space=Space(parameters, ["a + b <= 1"]), seed=seed).config
        assert config["a"] == 0.9
        assert config["b"] <= 0.1


def test_what_was_tried_is_not_drawn_again() -> None:
    space = Space({"a": Int(min=1, max=5)})
    history = History(tried=[{"a": a} for a in (1, 2, 4)])
    drawn = [propose(n, history, space=space).config["a"] for n in range(1, 31)]
    assert set(drawn) == {3, 5}


def test_where_everything_was_tried_there_is_nothing_to_propose() -> None:
    sampler = Random().build(Space({"a": Choice(values=[1])}), seed=0)
    assert sampler.propose(2, History(tried=[{"a": 1}])) is None
