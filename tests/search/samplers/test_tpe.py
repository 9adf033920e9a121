from __future__ import annotations

import statistics
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.history import History, Observation, Proposal
from nightsweep.search.samplers import Tpe
from nightsweep.search.samplers.tpe import LEADERS, RECENT, telling
from nightsweep.search.space import Config, Space

LINE = Space({"x": Float(min=0.0, max=1.0)})
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
    return Tpe(startup=startup).build(space, seed).propose(number, history)


def on_line(values: Sequence[tuple[float, float]], *, epoch: int, first: int = 1) -> list[Any]:
    """Observations (x, value) of trials `first`, `first + 1`, ... at one epoch."""
    return [
        Observation(trial=trial, config={"x": x}, epoch=epoch, value=value)
        for trial, (x, value) in enumerate(values, start=first)
    ]


def mixed_history(count: int) -> History:
    """Random configurations; small x is good."""
    draw = Tpe().build(MIXED, seed=99)
    configs = [draw.propose(number, History()).config for number in range(1, count + 1)]
    return History(
        observations=[
            Observation(trial=trial, config=config, epoch=1, value=config["x"])
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
    nine = on_line([(i / 10, 0.0) for i in range(9)], epoch=1)
    assert propose(10, History(observations=nine)).origin == "random"


def test_the_model_is_used_as_soon_as_enough_results_are_in() -> None:
    ten = on_line([(i / 10, 0.0) for i in range(10)], epoch=1)
    assert propose(11, History(observations=ten)).origin == "tpe from 10 results"
    assert propose(4, History(observations=ten[:3]), startup=3).origin == "tpe from 3 results"


def test_trials_without_a_result_do_not_count_as_results() -> None:
    pending = [(trial, {"x": 0.5}) for trial in range(1, 30)]
    assert propose(30, History(pending=pending)).origin == "random"


def test_the_first_trial_takes_the_defaults_and_never_the_model() -> None:
    space = Space({"x": Float(min=0.0, max=1.0, default=0.25)})
    ten = on_line([(i / 10, 0.0) for i in range(10)], epoch=1, first=2)
    first = propose(1, History(observations=ten), space=space)
    assert (first.config, first.origin) == ({"x": 0.25}, "defaults")


def test_a_study_leaves_random_search_at_the_first_rungs_result() -> None:
    sweep = Sweep(
        metric="m",
        parameters={"x": Float(min=0.0, max=1.0)},
        max_epochs=27,
        trials=20,
        sampler={"name": "tpe", "startup": 3},
    )
    study = Study(sweep)
    for trial in (1, 2, 3):
        assert study.ask() is not None
        study.report(trial, 1, {"m": 1.0 + trial})  # rung 1 of 27 epochs
    study.fail(1, "out of the way of promotion")
    assert study.ask() is not None
    assert [study.trials[trial].origin for trial in (1, 2, 3, 4)] == [
        "random",
        "random",
        "random",
        "tpe from 3 results",
    ]


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
def test_a_study_shows_results_at_rungs_and_those_who_have_none(goal: str) -> None:
    sweep = Sweep(
        metric={"name": "m", "goal": goal},
        parameters={"x": Float(min=0.0, max=1.0)},
        max_epochs=27,
        sampler={"name": "tpe", "startup": 3},
    )
    study = Study(sweep)
    trials = [trial for trial in (study.ask() for _ in range(5)) if trial]
    sign = 1.0 if goal == "minimize" else -1.0
    study.report(1, 1, {"m": sign * 0.5})
    study.report(2, 1, {"m": sign * 0.4})
    study.report(3, 1, {"m": sign * 0.3})  # goes on
    study.report(3, 2, {"m": sign * 0.2})  # no rung: not shown
    study.report(4, 1, {"m": sign * 0.1})
    study.report(4, 2, {"m": float("nan")})
    values = [(1, 0.5), (1, 0.4), (1, 0.3), (0, float("inf"))]
    shown = [
        Observation(trial=trial.id, config=trial.config, epoch=epoch, value=value)
        for trial, (epoch, value) in zip(trials, values, strict=False)
    ]
    history = History(observations=shown, pending=[(5, trials[4].config)])
    proposal = propose(6, history, startup=3)
    asked = study.ask()
    assert asked is not None
    assert (asked.id, asked.config) == (6, proposal.config)


def test_proposals_come_from_where_values_are_low() -> None:
    history = History(observations=on_line([(i / 40, i / 40) for i in range(40)], epoch=1))
    drawn = [propose(number, history).config["x"] for number in range(41, 61)]
    assert statistics.median(drawn) < 0.2


def test_low_values_of_early_epochs_do_not_draw_proposals() -> None:
    early = on_line([(0.1 + i / 200, 0.001) for i in range(20)], epoch=1)
    late = on_line([(0.8 + i / 200, 5.0) for i in range(20)], epoch=9, first=21)
    history = History(observations=early + late)
    drawn = [propose(number, history).config["x"] for number in range(41, 61)]
    assert all(x > 0.5 for x in drawn)


def test_low_values_of_one_epoch_do_draw_proposals() -> None:
    low = on_line([(0.1 + i / 200, 0.001) for i in range(20)], epoch=9)
    high = on_line([(0.8 + i / 200, 5.0) for i in range(20)], epoch=9, first=21)
    drawn = [propose(n, History(observations=low + high)).config["x"] for n in range(41, 61)]
    assert all(x < 0.5 for x in drawn)


def test_diverged_trials_keep_proposals_away() -> None:
    worst = on_line([(0.1 + i / 200, float("inf")) for i in range(20)], epoch=0)
    finite = on_line([(0.8 + i / 200, 5.0) for i in range(20)], epoch=1, first=21)
    drawn = [propose(n, History(observations=worst + finite)).config["x"] for n in range(41, 61)]
    assert all(x > 0.5 for x in drawn)


def test_a_history_of_nothing_but_diverged_trials_is_no_obstacle() -> None:
    worst = on_line([(i / 20, float("inf")) for i in range(20)], epoch=0)
    assert LINE.parameters["x"].contains(propose(21, History(observations=worst)).config["x"])


def test_trials_in_progress_keep_proposals_away() -> None:
    results = on_line([(i / 20, abs(i / 20 - 0.5)) for i in range(20)], epoch=1)
    pending = [(trial, {"x": 0.5 + (trial - 25) / 500}) for trial in range(21, 31)]
    alone = [propose(n, History(observations=results)) for n in range(31, 61)]
    beside = [propose(n, History(observations=results, pending=pending)) for n in range(31, 61)]
    distances = [
        statistics.mean(abs(proposal.config["x"] - 0.5) for proposal in proposals)
        for proposals in (alone, beside)
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
    for number in range(1, 6):
        trial = study.ask()
        assert trial is not None
        study.report(number, 1, {"m": trial.config["x"]})
    asked = [study.ask() for _ in range(4)]
    assert len({trial.config["x"] for trial in asked if trial is not None}) == 4


def test_a_conditional_parameter_is_proposed_only_where_it_is_active() -> None:
    history = mixed_history(30)
    configs = [propose(n, history, space=MIXED).config for n in range(31, 61)]
    assert {config["optimizer"] for config in configs} == {"sgd", "adam"}
    for config in configs:
        sgd = {"x", "layers", "optimizer", "momentum", "nesterov", "only", "width"}
        adam = {"x", "layers", "optimizer", "beta", "only", "width"}
        assert set(config) == (sgd if config["optimizer"] == "sgd" else adam)


def test_every_proposed_value_is_allowed() -> None:
    history = mixed_history(30)
    for number in range(31, 61):
        config = propose(number, history, space=MIXED).config
        assert all(p.contains(config[n]) for n, p in MIXED.parameters.items() if n in config)
        assert config["width"] == 64


def test_conditions_that_no_result_has_met_are_no_obstacle() -> None:
    adam = [o for o in mixed_history(60).observations if o.config["optimizer"] == "adam"]
    drawn = [propose(n, History(observations=adam), space=MIXED).config for n in range(61, 161)]
    assert all(("momentum" in config) == (config["optimizer"] == "sgd") for config in drawn)
    assert any(config["optimizer"] == "sgd" for config in drawn)


def test_seed_number_and_history_decide_a_proposal() -> None:
    history = mixed_history(20)
    assert propose(21, history, space=MIXED) == propose(21, history, space=MIXED)
    assert propose(21, history, space=MIXED) != propose(22, history, space=MIXED)
    assert propose(21, history, space=MIXED) != propose(21, history, space=MIXED, seed=1)


def test_what_was_proposed_before_makes_no_difference() -> None:
    history, earlier = mixed_history(20), mixed_history(12)
    sampler = Tpe().build(MIXED, seed=0)
    for number in range(13, 18):
        sampler.propose(number, earlier)
    assert sampler.propose(21, history) == propose(21, history, space=MIXED)


def test_a_trial_that_has_reached_a_higher_rung_is_seen_there() -> None:
    line = [(i / 20, abs(i / 20 - 0.2)) for i in range(20)]
    before = on_line(line, epoch=1)
    after = before[:15] + on_line(line[15:], epoch=9, first=16)
    sampler = Tpe().build(LINE, seed=0)
    sampler.propose(21, History(observations=before))
    again = sampler.propose(21, History(observations=after))
    assert again == propose(21, History(observations=after))
    assert again != propose(21, History(observations=before))


def test_another_history_of_the_same_trials_is_not_taken_for_the_first() -> None:
    low = History(observations=on_line([(i / 20, i / 20) for i in range(20)], epoch=1))
    high = History(observations=on_line([(i / 20, -i / 20) for i in range(20)], epoch=1))
    sampler = Tpe().build(LINE, seed=0)
    sampler.propose(21, low)
    assert sampler.propose(21, high) == propose(21, high)


@pytest.mark.parametrize("count", [1, LEADERS + RECENT])
def test_all_observations_tell_while_they_are_few(count: int) -> None:
    observations = on_line([(0.5, float(i)) for i in range(count)], epoch=1)
    assert telling(observations) == observations


def test_of_many_observations_the_leaders_and_the_latest_tell() -> None:
    early = on_line([(0.5, -float(i)) for i in range(LEADERS + RECENT)], epoch=1)
    late = on_line([(0.5, float(i)) for i in range(LEADERS)], epoch=3, first=1000)
    told = telling(early + late)
    assert told[:LEADERS] == late
    assert told[LEADERS:] == early[-RECENT:]
