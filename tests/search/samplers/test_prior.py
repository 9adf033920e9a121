from __future__ import annotations

import statistics
from collections.abc import Callable
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.events import Asked, Event
from nightsweep.search.history import History, Observation, Proposal
from nightsweep.search.parameter import Prior
from nightsweep.search.samplers import Random, Tpe
from nightsweep.search.samplers.prior import PriorSampler, believing, density, draw
from nightsweep.search.space import Config, Space

LINE = Space({"x": Float(min=0.0, max=1.0, default=0.3, prior="medium")})
NEAR = "near the defaults"


def believer(space: Space = LINE, seed: int = 0) -> PriorSampler:
    sampler = believing(Random().build(space, seed), space, seed)
    assert isinstance(sampler, PriorSampler)
    return sampler


def drawn(space: Space, count: int = 2000) -> list[Config]:
    generator = np.random.default_rng(0)
    return [draw(space, generator) for _ in range(count)]


def seen(value: Callable[[float], float], count: int = 20, **others: Any) -> list[Observation]:
    """Trials at even places on the line."""
    return [
        Observation(trial=i, config={"x": i / count}, values={1: value(i / count)}, **others)
        for i in range(1, count + 1)
    ]


def run(sampler: str, seed: int, prior: Prior | None, default: float, trials: int) -> Study:
    """A study of a bowl whose lowest place is 0.3, 0.3, 0.3."""
    parameters = {name: Float(min=0.0, max=1.0, default=default, prior=prior) for name in "abc"}
    study = Study(
        Sweep(
            metric="m",
            parameters=parameters,
            max_epochs=1,
            trials=trials,
            sampler=sampler,
            seed=seed,
        )
    )
    while trial := study.ask():
        loss = sum((value - 0.3) ** 2 for value in trial.config.values())
        study.report(trial.id, 1, {"m": loss})
    return study


def found(prior: Prior | None, default: float, trials: int, sampler: str) -> list[float]:
    """The best of each of some studies, the defaults themselves left out."""
    return [
        min(known.best for known in run(sampler, seed, prior, default, trials).trials.values())
        for seed in range(12)
    ]


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_good_prior_finds_more_in_twenty_trials(sampler: str) -> None:
    believed = found("medium", 0.37, 20, sampler)
    without = found(None, 0.8, 20, sampler)
    assert mannwhitneyu(believed, without, alternative="less").pvalue < 0.01
    assert max(believed) < 3 * 0.07**2 + 1e-9


@pytest.mark.parametrize("sampler", ["random", "tpe"])
def test_a_misleading_prior_costs_little_in_sixty_trials(sampler: str) -> None:
    believed = found("medium", 0.95, 60, sampler)
    without = found(None, 0.95, 60, sampler)
    assert mannwhitneyu(believed, without, alternative="greater").pvalue > 0.05


def test_a_misleading_prior_is_given_up_and_a_good_one_is_not() -> None:
    """Of 60 random proposals."""

    def near(default: float) -> float:
        studies = [run("random", seed, "high", default, 60) for seed in range(5)]
        origins = [[known.origin for known in study.trials.values()] for study in studies]
        return statistics.median(origin.count(NEAR) for origin in origins)

    assert near(0.95) < 6
    assert near(0.35) > 40


def test_trust_begins_at_one_half_and_follows_the_results() -> None:
    sampler = believer()
    assert sampler.trust([]) == 0.5
    assert sampler.trust(seen(lambda x: (x - 0.3) ** 2)) > 0.95
    assert sampler.trust(seen(lambda x: -((x - 0.3) ** 2))) < 0.05
    assert 0.2 < sampler.trust(seen(lambda x: (x * 7) % 1)) < 0.8


def test_who_came_further_is_better_whatever_the_values() -> None:
    """Near the default at epoch 9, elsewhere stopped at epoch 1 with lower values."""
    results = [
        Observation(trial=o.trial, config=o.config, values={1: 5.0, **({9: 4.0} if near else {})})
        for o in seen(lambda x: x)
        for near in [abs(o.config["x"] - 0.3) < 0.15]
    ]
    assert believer().trust(results) > 0.95


def test_diverging_near_the_defaults_speaks_against_them() -> None:
    lost = [
        Observation(trial=o.trial, config=o.config, values={}, diverged=True)
        if abs(o.config["x"] - 0.3) < 0.2
        else o
        for o in seen(lambda x: x)
    ]
    assert believer().trust(lost) < 0.1


def test_where_every_trial_diverges_nothing_is_learned() -> None:
    lost = [
        Observation(trial=i, config={"x": i / 20}, values={}, diverged=True) for i in range(20)
    ]
    assert believer().trust(lost) == 0.5


@pytest.mark.parametrize(("prior", "spread"), [("low", 0.25), ("medium", 0.125), ("high", 0.0625)])
def test_draws_lie_around_the_default_on_the_parameters_own_scale(
    prior: Prior, spread: float
) -> None:
    parameter = Float(min=1e-4, max=1.0, log=True, default=1e-2, prior=prior)
    places = [1 + np.log10(config["lr"]) / 4 for config in drawn(Space({"lr": parameter}))]
    assert all(0 <= place <= 1 for place in places)
    assert abs(statistics.mean(places) - 0.5) < 0.02
    shortened = {"low": 0.88, "medium": 1.0, "high": 1.0}[prior]  # by the ends of the range
    assert statistics.stdev(places) == pytest.approx(spread * shortened, rel=0.05)


@pytest.mark.parametrize("default", [0.0, 1.0])
def test_a_default_at_the_end_of_the_range_is_drawn_near_within_it(default: float) -> None:
    space = Space({"x": Float(min=0.0, max=1.0, default=default, prior="high")})
    places = [config["x"] for config in drawn(space)]
    assert all(0 <= place <= 1 for place in places)
    assert abs(statistics.mean(places) - default) < 0.1


def test_a_default_word_has_the_larger_weight() -> None:
    values = ["relu", "gelu", "tanh"]
    for prior, weight in (("low", 2), ("medium", 4), ("high", 8)):
        space = Space({"a": Choice(values=values, default="gelu", prior=prior)})
        words = [config["a"] for config in drawn(space)]
        assert words.count("gelu") / 2000 == pytest.approx(weight / (weight + 2), abs=0.03)
        assert min(words.count(word) for word in values) > 100


def test_a_density_is_how_often_it_is_drawn() -> None:
    space = Space(
        {
            "n": Int(min=1, max=5, default=2, prior="medium"),
            "a": Choice(values=["r", "g", "t"], default="g", prior="low"),
            "free": Choice(values=[True, False]),
        }
    )
    configs = drawn(space, 6000)
    points = space.points or ()
    mean = statistics.mean(density(space, point) for point in points)
    for point in points:
        expected = density(space, point) / mean / len(points)
        assert configs.count(point) / 6000 == pytest.approx(expected, abs=0.025)


def test_defaults_without_a_prior_are_drawn_evenly() -> None:
    space = Space({**LINE.parameters, "y": Float(min=0.0, max=1.0, default=0.9)})
    assert abs(statistics.mean(config["y"] for config in drawn(space)) - 0.5) < 0.03


def test_only_where_a_parameter_has_a_prior_anything_changes() -> None:
    space = Space({"x": Float(min=0.0, max=1.0, default=0.3)})
    sampler = Random().build(space, 0)
    assert believing(sampler, space, 0) is sampler


def test_the_models_own_proposals_are_replaced_too_but_less_with_each_result() -> None:
    space = Space({"x": Float(min=0.0, max=1.0, default=0.3, prior="medium")})

    def share(count: int) -> float:
        sampler = believing(Tpe().build(space, 0), space, 0)
        known = History(observations=seen(lambda x: (x - 0.3) ** 2, count))
        numbers = [number for number in range(1000, 1120) if number % 3]
        origins = [origin_of(sampler.propose(number, known)) for number in numbers]
        return origins.count(NEAR) / len(origins)

    assert 0.05 < share(10) < 0.25
    assert share(200) < 0.05


def origin_of(proposal: Proposal | None) -> str:
    assert proposal is not None
    return proposal.origin


def test_the_defaults_themselves_come_first() -> None:
    first = believer().propose(1, History())
    assert first is not None
    assert (first.config, first.origin) == ({"x": 0.3}, "defaults")


def test_constraints_are_kept_and_nothing_is_tried_twice() -> None:
    space = Space(
        {"n": Int(min=1, max=40, default=20, prior="high"), "m": 1}, ["n % 2 == 0", "n != 20"]
    )
    history = History(tried=[{"n": 18, "m": 1}, {"n": 22, "m": 1}])
    origins = set()
    for number in range(2, 60):
        proposal = believer(space).propose(number, history)
        assert proposal is not None
        assert proposal.config["n"] % 2 == 0
        assert proposal.config["n"] not in (18, 20, 22)
        origins.add(proposal.origin)
    assert origins == {NEAR, "random"}


@pytest.mark.parametrize("sampler", ["tpe", "gp", "cmaes", "nsga2", "random", "qmc"])
def test_a_replayed_study_believes_as_much(sampler: str) -> None:
    events: list[Event] = []
    parameters = {name: Float(min=0.0, max=1.0, default=0.4, prior="medium") for name in "ab"}
    sweep = Sweep(
        metric="m", parameters=parameters, max_epochs=3, trials=16, sampler=sampler, seed=3
    )

    def train(study: Study) -> list[tuple[Config, str]]:
        while trial := study.ask():
            for epoch in range(trial.epoch + 1, 4):
                loss = trial.config["a"] + trial.config["b"] / epoch
                if study.report(trial.id, epoch, {"m": loss}) != "continue":
                    break
        return [(known.config, known.origin) for known in study.trials.values()]

    expected = train(Study(sweep, events.append))
    assert NEAR in {origin for _, origin in expected}
    ninth = next(
        i for i, event in enumerate(events) if isinstance(event, Asked) and event.trial == 9
    )
    assert train(Study.replay(sweep, events[:ninth])) == expected


def test_a_prior_needs_a_default() -> None:
    parameters = {
        "x": {"min": 0.0, "max": 1.0, "prior": "low"},
        "c": {"values": ["a", "b"], "prior": "high"},
        "n": {"min": 1, "max": 3, "default": 2, "prior": "sure"},
    }
    with pytest.raises(SweepError) as caught:
        Sweep(metric="m", parameters=parameters)
    assert str(caught.value).splitlines() == [
        "sweep: parameters.x.prior: low says how good the default is; give a default too",
        "sweep: parameters.c.prior: high says how good the default is; give a default too",
        "sweep: parameters.n.prior: 'sure' is not one of low, medium, high",
    ]


def test_a_grid_has_no_use_for_a_prior() -> None:
    parameters = {"n": {"min": 1, "max": 3, "default": 2, "prior": "low"}}
    with pytest.raises(SweepError) as caught:
        Sweep(metric="m", parameters=parameters, sampler="grid")
    assert str(caught.value) == (
        "sweep: parameters.n.prior: a grid tries every value; remove prior, or use sampler: tpe"
    )
