from __future__ import annotations

from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from nightsweep.search import Choice, Float, Int, Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.history import History, Observation, Proposal
from nightsweep.search.samplers import Cmaes
from nightsweep.search.samplers.cmaes import KEPT, followed, generations
from nightsweep.search.samplers.random import draw
from nightsweep.search.space import Config, Space

PLANE = Space({"x": Float(min=0.0, max=1.0), "y": Float(min=0.0, max=1.0)})
SIZE = 6  # of a generation on the plane
MIXED = Space(
    {
        "x": Float(min=0.0, max=1.0),
        "layers": Int(min=1, max=9),
        "units": Choice(values=[16, 32, 64, 128]),
        "optimizer": Choice(values=["sgd", "adam", "lion"]),
        "momentum": Float(min=0.0, max=1.0, when={"optimizer": "sgd"}),
        "only": Choice(values=["this"]),
        "width": 64,
    }
)
NUMBERS = range(300, 360)


def seen(
    count: int, value: Callable[[Config], float], space: Space = PLANE, epoch: int = 1
) -> list[Observation]:
    """Trials 1 to `count`: random configurations and their values."""
    configs = [draw(space, 99, trial) for trial in range(1, count + 1)]
    return [
        Observation(trial=trial, config=config, values={epoch: value(config)})
        for trial, config in enumerate(configs, start=1)
    ]


def left(config: Config) -> float:
    return float(config["x"])


def propose(
    number: int, observations: Iterable[Observation], space: Space = PLANE, **settings: Any
) -> Proposal:
    sampler = Cmaes(**settings).build(space, 0)
    proposal = sampler.propose(number, History(observations=list(observations)))
    assert proposal is not None
    return proposal


def proposed(observations: list[Observation], space: Space = PLANE) -> list[Config]:
    sampler, history = Cmaes().build(space, 0), History(observations=observations)
    return [sampler.propose(number, history).config for number in NUMBERS]  # type: ignore[union-attr]


def mean(configs: list[Config], name: str = "x") -> float:
    return float(np.mean([config[name] for config in configs]))


def spread(configs: list[Config], name: str = "x") -> float:
    return float(np.std([config[name] for config in configs]))


def test_it_finds_lower_values_than_chance(contest: Callable[[Any], list[float]]) -> None:
    ours, chance = contest("cmaes"), contest("random")
    assert mannwhitneyu(ours, chance, alternative="less").pvalue < 0.001
    assert np.median(ours) < np.median(chance) / 3


def test_until_a_rung_has_a_generation_proposals_are_random() -> None:
    results = seen(SIZE, left)
    assert propose(SIZE, results[:-1]).origin == "random"
    assert propose(SIZE + 1, results).origin == "cmaes from 6 results at epoch 1"
    assert propose(5, results[:4], population=4).origin == "cmaes from 4 results at epoch 1"


def test_the_distribution_follows_the_best_and_narrows() -> None:
    def valley(config: Config) -> float:
        return float(abs(config["x"] - 0.2) + abs(config["y"] - 0.8))

    observations = seen(SIZE, valley)
    sampler = Cmaes().build(PLANE, 0)
    for number in range(SIZE + 1, 120):
        proposal = sampler.propose(number, History(observations=observations))
        assert proposal is not None
        config = proposal.config
        result = Observation(trial=number, config=config, values={1: valley(config)})
        observations.append(result)
    late = proposed(observations)
    assert mean(late) == pytest.approx(0.2, abs=0.02)
    assert mean(late, "y") == pytest.approx(0.8, abs=0.02)
    assert spread(late) < 0.05


def test_a_generation_that_is_not_whole_changes_nothing_yet() -> None:
    results = seen(4 * SIZE, left)
    whole = proposed(results[: 3 * SIZE])
    assert proposed(results[: 4 * SIZE - 1]) == whole
    assert proposed(results) != whole


def test_the_highest_rung_with_enough_results_is_followed() -> None:
    """At epoch 1 small x looked good, at epoch 3 it is seen that large x is."""
    twice = [
        Observation(trial=o.trial, config=o.config, values={**o.values, 3: -o.config["x"]})
        for o in seen(30, left)
    ]
    assert mean(proposed(seen(30, left))) < 0.35
    assert mean(proposed(twice)) > 0.65
    few = twice[: SIZE - 1] + seen(30, left)[SIZE - 1 :]
    assert mean(proposed(few)) < 0.35


def test_diverged_trials_are_the_worst() -> None:
    lost = [
        Observation(trial=o.trial, config=o.config, values={}, diverged=True)
        if o.config["x"] > 0.5
        else o
        for o in seen(60, lambda config: 1.0)
    ]
    assert mean(proposed(lost)) < 0.4


def test_a_generation_that_diverged_as_a_whole_is_left_out() -> None:
    results = seen(3 * SIZE, left)
    later = range(len(results) + 1, len(results) + SIZE + 1)
    lost = [
        Observation(trial=t, config=draw(PLANE, 7, t), values={}, diverged=True) for t in later
    ]
    assert proposed(results + lost) == proposed(results)


def test_a_late_result_is_told_in_its_place() -> None:
    """What a trial says does not depend on when it came."""
    results = seen(4 * SIZE, left)
    sampler = Cmaes().build(PLANE, 0)
    without = [o for o in results if o.trial != 2]
    sampler.propose(30, History(observations=without))
    assert sampler.propose(30, History(observations=results)) == propose(30, results)


def test_another_history_of_the_same_trials_is_not_taken_for_the_first() -> None:
    low, high = seen(20, left), seen(20, lambda config: -left(config))
    sampler = Cmaes().build(PLANE, 0)
    sampler.propose(30, History(observations=low))
    assert sampler.propose(30, History(observations=high)) == propose(30, high)


def test_choices_are_taken_over_from_the_best_and_sometimes_drawn_anew() -> None:
    def value(config: Config) -> float:
        return 0.0 if config["optimizer"] == "lion" else 1.0 + config["x"]

    configs = proposed(seen(60, value, MIXED), MIXED)
    lion = sum(config["optimizer"] == "lion" for config in configs)
    assert 40 < lion < len(configs)


def test_whole_numbers_and_rising_values_are_followed_too() -> None:
    assert followed(MIXED) == ("x", "layers", "units")
    many = proposed(seen(60, lambda config: -config["layers"], MIXED), MIXED)
    assert mean(many, "layers") > 6.5
    small = proposed(seen(60, lambda config: config["units"], MIXED), MIXED)
    assert np.median([config["units"] for config in small]) == 16


def test_without_a_number_to_follow_the_sweep_is_refused() -> None:
    parameters: dict[str, Any] = {
        "optimizer": Choice(values=["sgd", "adam"]),
        "momentum": Float(min=0.0, max=1.0, when={"optimizer": "sgd"}),
    }
    with pytest.raises(SweepError) as caught:
        Sweep(metric="m", parameters=parameters, sampler="cmaes")
    message = "sampler: cmaes needs a number, or rising values, without `when`; use sampler: tpe"
    assert message in str(caught.value)


def test_one_number_is_enough() -> None:
    space = Space({"x": Float(min=0.0, max=1.0)})
    configs = proposed(seen(40, left, space), space)
    assert mean(configs) < 0.35
    assert all(0.0 <= config["x"] <= 1.0 for config in configs)


def test_however_long_the_history_few_generations_are_told() -> None:
    results = seen(1000, left)
    lengths = [len(generations(results[:count], 1, SIZE)) for count in range(SIZE, 1000, SIZE)]
    assert max(lengths) < 2 * KEPT
    assert min(lengths[KEPT:]) >= KEPT
    rises = [after - before for before, after in pairwise(lengths)]
    assert rises.count(1) >= len(rises) - 1000 // SIZE // KEPT
    assert generations(results, 1, SIZE)[-1][-1][0] > 1000 - SIZE


def test_a_hundred_results_at_one_place_break_nothing() -> None:
    same = [
        Observation(trial=t, config={"x": 0.5, "y": 0.5}, values={1: 0.5}) for t in range(1, 101)
    ]
    assert abs(mean(proposed(same)) - 0.5) < 0.01
