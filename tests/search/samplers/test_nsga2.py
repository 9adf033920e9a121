from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from nightsweep.search import Choice, Float, Int
from nightsweep.search.history import History, Observation, Proposal
from nightsweep.search.parameter import Parameter
from nightsweep.search.samplers import Nsga2
from nightsweep.search.samplers.nsga2 import couple, inherited, mutated
from nightsweep.search.space import Config, Space

LINE = Space({"x": Float(min=0.0, max=1.0), "y": Float(min=0.0, max=1.0)})
SGD = Space(
    {
        "optimizer": Choice(values=["sgd", "adam"]),
        "momentum": Float(min=0.0, max=1.0, when={"optimizer": "sgd"}),
        "beta": Float(min=0.0, max=1.0, when={"optimizer": "adam"}),
    }
)
CHILDREN = range(100, 160)
UNIT = Float(min=0.0, max=1.0)


def having(results: Iterable[tuple[Config, dict[int, float]]]) -> History:
    """Trials 1, 2, ... with their configurations and values at rungs."""
    return History(
        observations=[
            Observation(trial=trial, config=config, values=values)
            for trial, (config, values) in enumerate(results, start=1)
        ]
    )


def propose(number: int, history: History, space: Space = LINE, **settings: Any) -> Proposal:
    proposal = Nsga2(**settings).build(space, 0).propose(number, history)
    assert proposal is not None
    return proposal


def children(history: History, space: Space = LINE, **settings: Any) -> list[Config]:
    return [propose(number, history, space, **settings).config for number in CHILDREN]


def at(x: float) -> Config:
    return {"x": x, "y": x}


def test_it_finds_lower_values_than_chance(contest: Callable[[Any], list[float]]) -> None:
    ours, chance = contest("nsga2"), contest("random")
    assert mannwhitneyu(ours, chance, alternative="less").pvalue < 0.001


def test_until_a_rung_has_a_population_proposals_are_random() -> None:
    ten = [(at(i / 10), {1: 0.5}) for i in range(10)]
    assert propose(10, having(ten[:9])).origin == "random"
    assert propose(11, having(ten)).origin == "nsga2 from the best 10 results at epoch 1"
    four = "nsga2 from the best 4 results at epoch 1"
    assert propose(10, having(ten[:9]), population=4).origin == four


def test_the_population_is_the_best_at_the_highest_rung_that_has_enough() -> None:
    """At epoch 1 small x looked good, at epoch 3 it is seen that large x is."""
    low = [(at(0.1 + i / 100), {1: 0.0}) for i in range(20)]
    high = [(at(0.8 + i / 100), {1: 0.9, 3: 0.5}) for i in range(4)]
    seen = having(low + high)
    assert np.mean([child["x"] for child in children(seen, population=4)]) > 0.7
    assert np.mean([child["x"] for child in children(seen, population=5)]) < 0.4


def test_diverged_trials_have_no_children() -> None:
    lost = [
        Observation(trial=trial, config=at(0.9), values={}, diverged=True)
        for trial in range(21, 60)
    ]
    seen = having([(at(0.1 + i / 100), {1: 0.5}) for i in range(20)])
    history = History(observations=[*seen.observations, *lost])
    assert np.mean([child["x"] for child in children(history)]) < 0.4


def test_a_child_has_what_its_parents_use_and_draws_what_they_do_not() -> None:
    sgd = [({"optimizer": "sgd", "momentum": 0.875 + i / 1000}, {1: 0.5}) for i in range(10)]
    born = children(having(sgd), SGD)
    adam = [child for child in born if child["optimizer"] == "adam"]
    assert 5 < len(adam) < 25  # a sixth: mutants that did not stay what they were
    assert len({child["beta"] for child in adam}) == len(adam)
    kept = [child["momentum"] for child in born if child["optimizer"] == "sgd"]
    assert sum(0.8 < momentum < 0.95 for momentum in kept) > len(kept) / 2


def test_parents_are_two_and_good_ones_more_often() -> None:
    chance = np.random.default_rng(0)
    couples = [couple(10, chance) for _ in range(2000)]
    assert all(mother != father for mother, father in couples)
    counts = np.bincount(np.array(couples).ravel(), minlength=10)
    assert counts[0] > 1.5 * counts[5] > 3 * counts[9] > 0


def drawn(function: Any, parameter: Parameter, of: Any, count: int = 2000) -> list[Any]:
    chance = np.random.default_rng(0)
    return [function(parameter, of, chance) for _ in range(count)]


def test_half_of_what_is_inherited_is_a_parents_own() -> None:
    values = drawn(inherited, UNIT, [0.25, 0.5])
    assert all(400 < values.count(own) < 600 for own in (0.25, 0.5))
    new = [value for value in values if value not in (0.25, 0.5)]
    assert 900 < len(new) < 1100
    assert abs(np.mean(new) - 0.375) < 0.01
    assert all(0.0 <= value <= 1.0 for value in new)


def test_parents_that_agree_have_children_that_agree() -> None:
    assert set(drawn(inherited, UNIT, [0.3, 0.3])) == {0.3}
    assert set(drawn(inherited, Int(min=1, max=4), [2, 2])) == {2}
    assert set(drawn(inherited, UNIT, [0.3])) == {0.3}


def test_what_has_no_order_is_never_mixed() -> None:
    words = Choice(values=["a", "b", "c", "d"])
    assert set(drawn(inherited, words, ["a", "d"])) == {"a", "d"}
    rising = Choice(values=[1, 2, 3, 4])
    assert set(drawn(inherited, rising, [1, 4])) == {1, 2, 3, 4}


@pytest.mark.parametrize("parameter", [UNIT, Float(min=1e-4, max=1.0, log=True)])
def test_mutants_stay_near_and_inside(parameter: Float) -> None:
    middle = parameter.at(0.5)
    units = [
        value if not parameter.log else math.log(value, 1e4) + 1
        for value in drawn(mutated, parameter, middle)
    ]
    assert abs(np.mean(units) - 0.5) < 0.01
    assert 0.1 < np.std(units) < 0.25
    assert all(parameter.contains(value) for value in drawn(mutated, parameter, parameter.min))


def test_a_mutated_whole_number_moves_to_its_neighbours_most() -> None:
    values = drawn(mutated, Int(min=1, max=8), 4)
    counts = np.bincount(values, minlength=9)
    assert counts[4] < 1200
    assert min(counts[3], counts[5]) > max(counts[2], counts[6]) > counts[8]


def test_a_mutated_word_may_be_any() -> None:
    assert set(drawn(mutated, Choice(values=["a", "b", "c"]), "a")) == {"a", "b", "c"}
