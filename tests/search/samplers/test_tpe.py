from __future__ import annotations

import math
import statistics
from collections.abc import Callable, Iterable
from typing import Any

import pytest

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.history import History, Observation, Proposal
from nightsweep.search.samplers import Tpe
from nightsweep.search.samplers.tpe import RANDOM
from nightsweep.search.space import Config, Space

LINE = Space({"x": Float(min=0.0, max=1.0)})
MODEL = [number for number in range(100, 140) if number % RANDOM]  # trials that are no draw
MIXED = Space(
    {
        "x": Float(min=0.0, max=1.0),
        "layers": Int(min=1, max=4),
        "optimizer": Choice(values=["sgd", "adam"]),
        "momentum": Float(min=0.0, max=0.99, when={"optimizer": "sgd"}),
        "nesterov": Choice(values=[True, False], when={"optimizer": "sgd"}),
        "beta": Float(min=0.9, max=0.999, step=0.001, when={"optimizer": "adam"}),
        "only": Choice(values=["this"]),
        "width": 64,
    }
)


def propose(
    number: int, history: History, *, space: Space = LINE, seed: int = 0, startup: int = 10
) -> Proposal:
    """What a new sampler proposes."""
    proposal = Tpe(startup=startup).build(space, seed).propose(number, history)
    assert proposal is not None
    return proposal


def on_line(points: Iterable[tuple[float, dict[int, float]]], *, first: int = 1) -> list[Any]:
    """Observations of trials `first`, `first + 1`, ...: x, and the values at rungs."""
    return [
        Observation(trial=trial, config={"x": x}, values=values)
        for trial, (x, values) in enumerate(points, start=first)
    ]


def ten(epoch: int = 1) -> list[Any]:
    return on_line((i / 10, {epoch: i / 10}) for i in range(10))


def drawn(history: History) -> list[float]:
    """Where on the line the model looks."""
    return [propose(number, history).config["x"] for number in MODEL]


def mixed_history(count: int) -> History:
    """Random configurations; small x is good."""
    numbers = range(1, count + 1)
    configs = [propose(n, History(), space=MIXED, seed=99).config for n in numbers]
    return History(
        observations=[
            Observation(trial=trial, config=config, values={1: config["x"]})
            for trial, config in enumerate(configs, start=1)
        ]
    )


def best_of(sampler: str, seed: int, function: Callable[[Config], float]) -> float:
    """The lowest value that 60 trials of a study have found."""
    parameters = {name: Float(min=0.0, max=1.0) for name in "abc"}
    sweep = Sweep(
        metric="m", parameters=parameters, max_epochs=1, trials=60, sampler=sampler, seed=seed
    )
    study = Study(sweep)
    while trial := study.ask():
        study.report(trial.id, 1, {"m": function(trial.config)})
    assert study.best is not None
    return study.best.best


def test_it_finds_a_valley_that_random_search_does_not() -> None:
    def bowl(config: Config) -> float:
        return float(
            (config["a"] - 0.3) ** 2 + (config["b"] - 0.7) ** 2 + (config["c"] - 0.1) ** 2
        )

    tpe = [best_of("tpe", seed, bowl) for seed in range(5)]
    chance = [best_of("random", seed, bowl) for seed in range(5)]
    assert statistics.median(tpe) < statistics.median(chance) / 3
    assert max(tpe) < statistics.median(chance)


def test_until_enough_results_are_in_proposals_are_random() -> None:
    assert propose(10, History(observations=ten()[:9])).origin == "random"


def test_the_model_is_used_as_soon_as_a_rung_has_enough_results() -> None:
    assert propose(11, History(observations=ten())).origin == "tpe from 10 results at epoch 1"
    three = History(observations=ten(epoch=3)[:3])
    assert propose(4, three, startup=3).origin == "tpe from 3 results at epoch 3"


def test_results_of_different_rungs_are_not_added_up() -> None:
    mixed = ten(epoch=1)[:5] + ten(epoch=3)[5:]
    assert propose(11, History(observations=mixed)).origin == "random"


def test_every_third_proposal_is_random() -> None:
    origins = [propose(number, History(observations=ten())).origin for number in range(20, 26)]
    tpe = "tpe from 10 results at epoch 1"
    assert origins == [tpe, "random", tpe, tpe, "random", tpe]


def test_trials_without_a_result_do_not_count_as_results() -> None:
    pending = [(trial, {"x": 0.5}) for trial in range(1, 31)]
    assert propose(31, History(pending=pending)).origin == "random"


def test_the_first_trial_takes_the_defaults_and_never_the_model() -> None:
    space = Space({"x": Float(min=0.0, max=1.0, default=0.25)})
    first = propose(1, History(observations=ten()), space=space)
    assert (first.config, first.origin) == ({"x": 0.25}, "defaults")


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_study_shows_results_at_rungs_and_those_who_have_none(goal: str) -> None:
    sweep = Sweep(
        metric={"name": "m", "goal": goal},
        parameters={"x": Float(min=0.0, max=1.0)},
        max_epochs=27,
        sampler={"name": "tpe", "startup": 3},
    )
    study = Study(sweep)
    trials = [trial for trial in (study.ask() for _ in range(6)) if trial]
    sign = 1.0 if goal == "minimize" else -1.0
    reports = [(1, 2, 0.5), (2, 1, 0.4), (3, 1, 0.3), (3, 2, 0.2), (4, 1, 0.1)]
    for trial, epoch, loss in reports:  # trial 1 skips its rung, epoch 2 of trial 3 is none
        study.report(trial, epoch, {"m": sign * loss})
    study.report(4, 2, {"m": math.nan})
    study.report(5, 1, {"m": math.nan})
    values: list[dict[int, float]] = [{1: 0.5}, {1: 0.4}, {1: 0.3}, {1: 0.1}, {}]
    shown = [
        Observation(trial=t.id, config=t.config, values=v, diverged=t.id > 3)
        for t, v in zip(trials, values, strict=False)
    ]
    pending = [(6, trials[5].config)]
    for number in range(7, 12):
        expected = propose(number, History(observations=shown, pending=pending), startup=3)
        asked = study.ask()
        assert asked is not None
        assert (study.trials[number].origin, asked.config) == (expected.origin, expected.config)
        pending.append((number, asked.config))
    assert study.trials[7].origin == "tpe from 5 results at epoch 1"


def test_proposals_come_from_where_values_are_low() -> None:
    history = History(observations=on_line((i / 40, {1: i / 40}) for i in range(40)))
    assert statistics.median(drawn(history)) < 0.2


def test_the_highest_rung_with_enough_results_is_modelled() -> None:
    """Low at epoch 1 is x = 0.2, where the values of epoch 9 are high."""
    line = [i / 20 for i in range(20)]
    points = [(x, {1: 0.001 * abs(x - 0.2), 9: 5 + abs(x - 0.8)}) for x in line]
    assert abs(statistics.median(drawn(History(observations=on_line(points)))) - 0.8) < 0.1
    few = points[:5] + [(x, {1: values[1]}) for x, values in points[5:]]
    assert abs(statistics.median(drawn(History(observations=on_line(few)))) - 0.2) < 0.1


def test_values_of_other_epochs_make_no_difference() -> None:
    late = on_line((i / 20, {9: abs(i / 20 - 0.5)}) for i in range(20))
    early = on_line(((i / 20, {1: -1000.0, 3: -1000.0}) for i in range(20)), first=21)
    assert drawn(History(observations=late + early)) == drawn(History(observations=late))


def test_diverged_trials_keep_proposals_away() -> None:
    finite = on_line((0.5 + i / 40, {9: 1.0}) for i in range(20))
    lost = [
        Observation(trial=trial, config={"x": x / 40}, values={1: -9.0}, diverged=True)
        for trial, x in enumerate(range(20), start=21)
    ]
    assert all(x > 0.4 for x in drawn(History(observations=finite + lost)))


def test_nothing_but_diverged_trials_is_no_model() -> None:
    lost = [Observation(trial=i, config={"x": 0.5}, values={}, diverged=True) for i in range(20)]
    assert propose(22, History(observations=lost)).origin == "random"


def test_trials_in_progress_keep_proposals_away() -> None:
    results = on_line((i / 20, {1: abs(i / 20 - 0.5)}) for i in range(20))
    pending = [(trial, {"x": 0.5 + (trial - 25) / 500}) for trial in range(21, 31)]
    distances = [
        statistics.mean(abs(x - 0.5) for x in drawn(history))
        for history in (
            History(observations=results),
            History(observations=results, pending=pending),
        )
    ]
    assert distances[1] > 1.5 * distances[0]


def test_two_asks_in_a_row_without_a_result_differ() -> None:
    sweep = Sweep(
        metric="m",
        parameters={"x": Float(min=0.0, max=1.0)},
        max_epochs=1,
        trials=20,
        sampler={"name": "tpe", "startup": 5},
    )
    study = Study(sweep)
    for number in range(1, 7):
        trial = study.ask()
        assert trial is not None
        study.report(number, 1, {"m": trial.config["x"]})
    asked = [study.ask() for _ in range(5)]
    assert len({trial.config["x"] for trial in asked if trial is not None}) == 5


def test_a_conditional_parameter_is_proposed_only_where_it_is_active() -> None:
    history = mixed_history(30)
    configs = [propose(n, history, space=MIXED).config for n in MODEL]
    assert {config["optimizer"] for config in configs} == {"sgd", "adam"}
    for config in configs:
        sgd = {"x", "layers", "optimizer", "momentum", "nesterov", "only", "width"}
        adam = {"x", "layers", "optimizer", "beta", "only", "width"}
        assert set(config) == (sgd if config["optimizer"] == "sgd" else adam)


def test_every_proposed_value_is_allowed() -> None:
    history = mixed_history(30)
    for number in MODEL:
        config = propose(number, history, space=MIXED).config
        assert all(p.contains(config[n]) for n, p in MIXED.parameters.items() if n in config)
        assert config["width"] == 64


def test_conditions_that_no_result_has_met_are_no_obstacle() -> None:
    adam = [o for o in mixed_history(60).observations if o.config["optimizer"] == "adam"]
    numbers = [number for number in range(61, 211) if number % RANDOM]
    configs = [propose(n, History(observations=adam), space=MIXED).config for n in numbers]
    assert all(("momentum" in config) == (config["optimizer"] == "sgd") for config in configs)
    assert any(config["optimizer"] == "sgd" for config in configs)


def test_seed_number_and_history_decide_a_proposal() -> None:
    history = mixed_history(20)
    assert propose(22, history, space=MIXED) == propose(22, history, space=MIXED)
    assert propose(22, history, space=MIXED) != propose(23, history, space=MIXED)
    assert propose(22, history, space=MIXED) != propose(22, history, space=MIXED, seed=1)


def test_what_was_proposed_before_makes_no_difference() -> None:
    history, earlier = mixed_history(20), mixed_history(12)
    sampler = Tpe().build(MIXED, seed=0)
    for number in range(13, 18):
        sampler.propose(number, earlier)
    assert sampler.propose(22, history) == propose(22, history, space=MIXED)


def test_a_trial_that_has_reached_a_higher_rung_is_seen_there() -> None:
    line = [i / 20 for i in range(20)]
    before = History(observations=on_line((x, {1: x}) for x in line))
    after = History(observations=on_line((x, {1: x, 3: -x}) for x in line))
    sampler = Tpe().build(LINE, seed=0)
    assert sampler.propose(22, before) == propose(22, before)
    assert sampler.propose(22, after) == propose(22, after) != propose(22, before)


def test_another_history_of_the_same_trials_is_not_taken_for_the_first() -> None:
    low = History(observations=on_line((i / 20, {1: i / 20}) for i in range(20)))
    high = History(observations=on_line((i / 20, {1: -i / 20}) for i in range(20)))
    sampler = Tpe().build(LINE, seed=0)
    sampler.propose(22, low)
    assert sampler.propose(22, high) == propose(22, high)


def test_proposals_keep_to_the_constraints_and_come_from_the_model() -> None:
    """Though the model would always rather look where the constraint forbids it."""
    history = History(observations=on_line((i / 40, {1: i / 40}) for i in range(20, 40)))
    assert max(drawn(history)) < 0.5
    space = Space(dict(LINE.parameters), ["x >= 0.5"])
    proposals = [propose(number, history, space=space) for number in MODEL]
    assert all(proposal.config["x"] >= 0.5 for proposal in proposals)
    assert {proposal.origin for proposal in proposals} == {"tpe from 20 results at epoch 1"}
    assert statistics.median(proposal.config["x"] for proposal in proposals) < 0.55


def test_a_proposal_that_is_allowed_is_the_same_as_without_constraints() -> None:
    history = History(observations=on_line((i / 40, {1: i / 40}) for i in range(40)))
    space = Space(dict(LINE.parameters), ["x <= 0.01"])
    bound = [propose(number, history, space=space).config["x"] for number in MODEL]
    pairs = list(zip(drawn(history), bound, strict=True))
    assert all(b <= 0.01 for _, b in pairs)
    assert {a == b for a, b in pairs if a <= 0.01} == {True}
    assert {a == b for a, b in pairs if a > 0.01} == {False}


def test_what_was_tried_is_not_proposed_again() -> None:
    space = Space({"a": Int(min=1, max=20)})
    seen = [Observation(trial=a, config={"a": a}, values={1: abs(a - 10.2)}) for a in range(1, 19)]
    history = History(observations=seen, tried=[{"a": a} for a in range(1, 19)])
    assert {propose(n, history, space=space).config["a"] for n in MODEL} == {19, 20}
