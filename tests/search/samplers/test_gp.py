from __future__ import annotations

import math
from collections.abc import Callable, Iterable
from itertools import pairwise
from typing import Any

import numpy as np
import pytest
from scipy.stats import mannwhitneyu, norm
from threadpoolctl import threadpool_info, threadpool_limits

from nightsweep.search import Choice, Float, Int, Study, Sweep
from nightsweep.search.events import Asked, Event
from nightsweep.search.history import History, Observation, Proposal, Standings
from nightsweep.search.samplers import Gp
from nightsweep.search.samplers.features import Features
from nightsweep.search.samplers.gp import (
    FRESH,
    LEVELS,
    ROWS,
    SOME,
    TURNS,
    Growth,
    apart,
    levels,
    log_improvement,
    normal_scores,
    results,
    telling,
)
from nightsweep.search.samplers.process import Process
from nightsweep.search.samplers.random import draw
from nightsweep.search.simulate import Curve, Worker, simulate
from nightsweep.search.space import Config, Space

LINE = Space({"x": Float(min=0.0, max=1.0)})
PLANE = Space({"x": Float(min=0.0, max=1.0), "y": Float(min=0.0, max=1.0)})
LOWEST = {"a": 0.3, "b": 0.7, "c": 0.55, "d": 0.2, "e": 0.81}
CUBE: dict[str, Any] = {name: Float(min=0.0, max=1.0) for name in LOWEST}
MIXED: dict[str, Any] = {
    "lr": Float(min=1e-5, max=1.0, log=True, default=1e-3),
    "dropout": Float(min=0.0, max=0.5, step=0.1),
    "units": Int(min=16, max=256, log=True, step=2),
    "optimizer": Choice(values=["sgd", "adam", "lion"]),
    "momentum": Float(min=0.0, max=0.99, when={"optimizer": "sgd"}),
    "width": 64,
}
MODEL = [number for number in range(61, 101) if number % TURNS]  # trials that are no draw
Value = Callable[[Config], float]


def known(observations: Iterable[Observation], **more: Any) -> History:
    observations = list(observations)
    return History(observations=observations, arrivals=observations, **more)


def seen(count: int, value: Value, space: Space = PLANE, epoch: int = 1) -> list[Observation]:
    """Trials 1 to `count`: random configurations and their values."""
    configs = [draw(space, 99, trial) for trial in range(1, count + 1)]
    return [
        Observation(trial=trial, config=config, values={epoch: value(config)})
        for trial, config in enumerate(configs, start=1)
    ]


def valley(config: Config) -> float:
    return float(abs(config["x"] - 0.2) + abs(config["y"] - 0.8))


def proposed(
    history: History, numbers: Iterable[int] = MODEL, space: Space = PLANE
) -> list[Proposal]:
    sampler = Gp().build(space, 0)
    found = [sampler.propose(number, history) for number in numbers]
    assert None not in found
    return found  # type: ignore[return-value]


def mean(proposals: Iterable[Proposal], name: str = "x") -> float:
    return float(np.mean([proposal.config[name] for proposal in proposals]))


def power_law(config: Config) -> Curve:
    """Falls to a bowl in five dimensions; what learns slowly is not worse in the end."""
    end = sum((config[name] - low) ** 2 for name, low in LOWEST.items())
    fall = 0.4 + 0.8 * config["a"]
    return Curve(metrics=[{"m": end + 0.5 * epoch**-fall} for epoch in range(1, 10)])


def sweep(parameters: dict[str, Any] = CUBE, **changes: Any) -> Sweep:
    values = {"metric": "m", "parameters": parameters, "max_epochs": 9, "trials": 60}
    return Sweep(**(values | {"sampler": "gp"} | changes))


def searched(
    asked: Sweep, train: Callable[[Config], Curve] = power_law, workers: int = 4
) -> tuple[Study, list[Event]]:
    events: list[Event] = []
    study = Study(asked, events.append)
    for _ in simulate(study, train, [Worker()] * workers):
        pass
    return study, events


def opened(events: list[Event]) -> list[int]:
    """Where new trials were asked for."""
    return [i for i, e in enumerate(events) if isinstance(e, Asked) and e.config is not None]


def test_it_finds_better_configurations_than_chance_does() -> None:
    def best(sampler: str, seed: int) -> float:
        study, _ = searched(sweep(sampler=sampler, seed=seed))
        assert study.best is not None
        return study.best.best

    ours = [best("gp", seed) for seed in range(12)]
    chance = [best("random", seed) for seed in range(12)]
    assert mannwhitneyu(ours, chance, alternative="less").pvalue < 0.01


def test_it_finds_lower_values_than_chance_on_one_rung(
    contest: Callable[[Any], list[float]],
) -> None:
    ours, chance = contest("gp"), contest("random")
    assert mannwhitneyu(ours, chance, alternative="less").pvalue < 0.001
    assert np.median(ours) < np.median(chance) * 0.6


@pytest.mark.parametrize("parameters", [CUBE, MIXED], ids=["numbers", "mixed"])
def test_replayed_from_any_point_a_study_proposes_the_same(parameters: dict[str, Any]) -> None:
    def train(config: Config) -> Curve:
        if parameters is CUBE:
            return power_law(config)
        loss = abs(math.log10(config["lr"]) + 2) + config["dropout"]
        end = math.nan if config["optimizer"] == "lion" and loss > 2 else loss
        return Curve(metrics=[{"m": loss + 1}, *[{"m": end}] * 8])

    asked = sweep(parameters)
    _, events = searched(asked, train, workers=6)
    points = opened(events)
    assert len(points) == 60
    for index in points[10:40:3] + points[-6:]:
        later: list[Event] = []
        Study.replay(asked, events[:index], later.append).ask()
        assert later == [events[index]]


def test_a_sampler_that_was_used_proposes_as_a_new_one_does() -> None:
    """However its histories are kept: as a list that grows, or as another one each time."""
    observations = seen(70, valley)
    grown: list[Observation] = []
    growing, others = Gp().build(PLANE, 0), Gp().build(PLANE, 0)
    for number, observation in enumerate(observations, start=1):
        grown.append(observation)
        mine = growing.propose(number, History(observations=list(grown), arrivals=grown))
        theirs = others.propose(number, known(observations[:number]))
        assert mine == theirs == Gp().build(PLANE, 0).propose(number, known(grown))


def test_another_history_of_the_same_trials_is_not_taken_for_the_first() -> None:
    left = seen(40, lambda config: config["x"])
    right = [
        Observation(trial=o.trial, config={"x": 1 - o.config["x"], "y": 0.5}, values=o.values)
        for o in left
    ]
    sampler = Gp().build(PLANE, 0)
    for number in MODEL[:3]:
        for history in (known(left), known(right)):
            assert [sampler.propose(number, history)] == proposed(history, [number])


@pytest.mark.parametrize("threads", [1, 2])
def test_it_computes_on_one_thread_whatever_there_are(
    threads: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    fit = Process.fit
    within: list[int] = []

    def spied(*arguments: Any) -> Process:
        within.extend(
            lib["num_threads"] for lib in threadpool_info() if lib["internal_api"] == "openblas"
        )
        return fit(*arguments)

    monkeypatch.setattr(Process, "fit", spied)
    with threadpool_limits(threads, user_api="blas"):
        proposed(known(seen(20, valley)), [61])
    assert set(within) == {1}


def test_until_there_are_enough_results_proposals_are_random() -> None:
    origins = [p.origin for p in proposed(known(seen(9, valley)))]
    assert set(origins) == {"random"}
    assert proposed(known(seen(10, valley)), [61])[0].origin == "gp from 10 results"
    early = Gp(startup=3).build(PLANE, 0).propose(5, known(seen(3, valley)))
    assert early is not None
    assert early.origin == "gp from 3 results"


def test_every_fourth_proposal_is_random() -> None:
    origins = [p.origin for p in proposed(known(seen(20, valley)), range(60, 69))]
    gp = "gp from 20 results"
    assert origins == ["random", gp, gp, gp, "random", gp, gp, gp, "random"]


def test_the_first_trial_takes_the_defaults() -> None:
    space = Space(MIXED)
    history = known(seen(30, lambda config: config["lr"], space))
    first = proposed(history, [1], space)[0]
    assert (first.config["lr"], first.origin) == (1e-3, "defaults")


def test_proposals_come_from_where_values_are_low() -> None:
    found = proposed(known(seen(50, valley)))
    assert mean(found) == pytest.approx(0.2, abs=0.1)
    assert mean(found, "y") == pytest.approx(0.8, abs=0.1)


def test_of_a_few_candidates_the_best_is_further_away_than_of_many() -> None:
    history = known(seen(50, valley))
    of_some = [valley(p.config) for p in proposed(history, range(61, 141, TURNS))]
    of_all = [valley(p.config) for p in proposed(history, range(63, 143, TURNS))]
    assert mannwhitneyu(of_some, of_all, alternative="greater").pvalue < 0.01


def test_what_only_the_first_rung_has_seen_teaches_too() -> None:
    """Three trials have come to the end; the other forty say where it is worth looking."""
    early = seen(43, valley)
    late = [
        Observation(trial=o.trial, config=o.config, values={**o.values, 9: valley(o.config) - 1})
        for o in early[:3]
    ]
    found = proposed(known([*late, *early[3:]]))
    assert mean(found) == pytest.approx(0.2, abs=0.15)
    assert mean(found, "y") == pytest.approx(0.8, abs=0.15)


def test_the_last_rung_is_believed_where_the_first_one_says_otherwise() -> None:
    both = [
        Observation(trial=o.trial, config=o.config, values={1: -valley(o.config), **o.values})
        for o in seen(50, valley, epoch=9)
    ]
    found = proposed(known(both))
    assert mean(found) == pytest.approx(0.2, abs=0.15)
    assert mean(found, "y") == pytest.approx(0.8, abs=0.15)


def test_on_a_plateau_chance_takes_the_place_of_most_proposals() -> None:
    """All trials there come out alike; near the edge is the model's best guess none the less."""
    plateau = known(seen(50, lambda config: float(config["x"] > 0.1)))
    origins = [p.origin for p in proposed(plateau, range(61, 181))]
    assert 0.7 < origins.count("random") / len(origins) < 1


def test_the_model_proposes_little_on_a_plateau_though_nothing_is_better() -> None:
    history = known(seen(60, lambda c: valley(c) if c["x"] > 0.6 else -1.0))
    model = [p.config["x"] for p in proposed(history) if p.origin != "random"]
    assert len(model) > 5
    assert sum(x > 0.6 for x in model) > 0.8 * len(model)


def test_that_regions_diverge_makes_no_plateau_of_them() -> None:
    lost = [
        Observation(trial=o.trial, config=o.config, values={}, diverged=True)
        if o.config["x"] > 0.3
        else o
        for o in seen(50, valley)
    ]
    assert {p.origin for p in proposed(known(lost))} == {"gp from 50 results"}


def test_diverged_trials_keep_proposals_away() -> None:
    lost = [
        Observation(trial=o.trial, config=o.config, values={}, diverged=True)
        if o.config["x"] > 0.5
        else o
        for o in seen(60, lambda config: 1 - config["x"])
    ]
    values = [proposal.config["x"] for proposal in proposed(known(lost))]
    assert np.quantile(values, 0.9) < 0.6
    assert np.median(values) > 0.3


def test_model_proposals_keep_off_what_was_tried_and_what_is_being_tried() -> None:
    study, _ = searched(sweep(trials=48), workers=8)
    features = Features(study.sweep.space)
    places = [features.place(known.config) for known in study.trials.values()]
    gaps = []
    for number, trial in study.trials.items():
        if trial.origin.startswith("gp"):
            before = np.array(places[: number - 1])
            distance = features.distance(places[number - 1][None, :], before).min()
            gaps.append(distance / apart(number, features.sides))
    assert len(gaps) > 20
    assert min(gaps) >= 1


def test_workers_that_ask_at_the_same_time_are_kept_apart() -> None:
    study = Study(sweep({"x": LINE.parameters["x"]}, max_epochs=1, trials=60))
    for _ in range(20):
        trial = study.ask()
        assert trial is not None
        study.report(trial.id, 1, {"m": abs(trial.config["x"] - 0.5)})
    asked = [study.ask() for _ in range(12)]
    model = [t.config["x"] for t in asked if t and study.trials[t.id].origin != "random"]
    assert len(model) == 9
    assert min(b - a for a, b in pairwise(sorted(model))) >= apart(32, 1)


def test_pending_trials_count_as_if_they_had_come_out_as_expected() -> None:
    """Where forty are being tried there is little to explore: the others look elsewhere."""
    corners = [(0.1, 0.1), (0.9, 0.9), (0.1, 0.9), (0.9, 0.1), (0.5, 0.5)]
    few = [
        Observation(trial=i, config={"x": x, "y": y}, values={1: abs(x - 0.5) + abs(y - 0.5)})
        for i, (x, y) in enumerate(corners * 2, start=1)
    ]
    chance = np.random.default_rng(0)
    upper = [(100 + i, {"x": 0.5 + chance.random() / 2, "y": chance.random()}) for i in range(40)]
    explore = range(62, 262, TURNS)
    free = mean(proposed(known(few), explore))
    assert mean(proposed(known(few, pending=upper), explore)) < free - 0.05


def test_constraints_are_kept_and_the_model_says_what_else() -> None:
    """However many better ones are not allowed: of those that are, the best is taken."""
    space = Space(dict(PLANE.parameters), ["x + y <= 0.4"])
    numbers = [number for number in MODEL if number % TURNS > 1]
    found = proposed(known(seen(60, lambda config: -config["x"])), numbers, space)
    assert all(p.config["x"] + p.config["y"] <= 0.4 for p in found)
    assert {p.origin for p in found} == {"gp from 60 results"}
    assert mean(found) > 0.25  # of random ones 0.13


def test_where_everything_near_was_tried_something_further_away_is() -> None:
    space = Space({"n": Int(min=1, max=20)})
    numbers = [Observation(trial=n, config={"n": n}, values={1: float(n)}) for n in range(1, 19)]
    history = known(numbers, tried=[o.config for o in numbers])
    assert {p.config["n"] for p in proposed(history, space=space)} == {19, 20}


@pytest.mark.parametrize("observations", ["observations", "arrivals"])
def test_where_all_have_diverged_proposals_are_random(observations: str) -> None:
    lost = [Observation(trial=i, config={"x": i / 40, "y": 0.5}, values={}, diverged=True)
            for i in range(1, 31)]  # fmt: skip
    history = known(lost) if observations == "observations" else History(arrivals=lost)
    assert {p.origin for p in proposed(history)} == {"random"}


def test_results_of_an_earlier_sweep_that_have_no_place_here_do_no_harm() -> None:
    """With several metrics they arrive, but are not among the observations (contest.py)."""
    earlier = seen(20, valley, epoch=27)
    assert {p.origin for p in proposed(History(arrivals=earlier))} == {"random"}
    ours = seen(30, valley)
    found = proposed(History(observations=ours, arrivals=[*earlier, *ours]))
    assert mean(found) == pytest.approx(0.2, abs=0.15)


WORDS = {name: Choice(values=list(name)) for name in ("abc", "de", "fghi")}
ODD: dict[str, dict[str, Any]] = {
    "every trial diverges": {"train": lambda config: Curve(metrics=[{"m": math.nan}])},
    "every trial is equal": {"train": lambda config: Curve(metrics=[{"m": 0.5}] * 9)},
    "one rung": {"scheduler": "none"},
    "many rungs": {"scheduler": {"name": "median", "grace": 1}},
    "constants": {"parameters": {"width": 64}, "replicates": 20, "trials": 20},
    "one value": {"parameters": {"only": Choice(values=["this"])}, "replicates": 20, "trials": 20},
    "one number": {"parameters": {"x": Float(min=0.0, max=1.0)}},
    "one word": {"parameters": {"abc": WORDS["abc"]}, "replicates": 20},
    "words": {"parameters": WORDS, "trials": 24},
    "steps": {"parameters": {"n": Int(min=1, max=30), "m": Int(min=1, max=2)}},
    "giants": {"parameters": {"n": Int(min=-(2**62), max=2**62), "x": Float(min=0.0, max=1e300)}},
    "mixed": {"parameters": MIXED},
}


@pytest.mark.parametrize("odd", ODD)
def test_odd_sweeps_come_to_their_end(odd: str) -> None:
    def train(config: Config) -> Curve:
        level = sum(hash(float(v)) % 7 for v in config.values() if isinstance(v, int | float))
        return Curve(metrics=[{"m": level + 1 / epoch} for epoch in range(1, 10)])

    changes = {"train": train, "trials": 40, **ODD[odd]}
    curves = changes.pop("train")
    study, _ = searched(sweep(**changes), curves)
    assert len(study.trials) == changes["trials"]
    for known in study.trials.values():
        for name, parameter in study.sweep.space.parameters.items():
            assert name not in known.config or parameter.contains(known.config[name])


def rungs_of(epochs: Iterable[int], trials: int, eta: int = 3) -> Standings:
    """As ASHA leaves them: one in eta goes on from each rung."""
    return Standings(
        Observation(
            trial=trial,
            config={},
            values={
                epoch: float(hash((trial, epoch)) % 1000)
                for level, epoch in enumerate(epochs)
                if trial % eta**level == 0
            },
        )
        for trial in range(1, trials + 1)
    )


@pytest.mark.parametrize("trials", [10, 100, 150, 400, 1000, 5000])
@pytest.mark.parametrize(("epochs", "eta"), [((1, 3, 9, 27), 3), (range(1, 51), 1), ((9,), 3)])
def test_however_many_results_the_model_sees_few(
    trials: int, epochs: Iterable[int], eta: int
) -> None:
    standings = rungs_of(epochs, trials, eta)
    rungs = levels(standings.rungs)
    told = telling(standings, rungs)
    rows = sum(len(results(o, rungs)) for o in told)
    everything = sum(len(results(o, rungs)) for o in standings)
    assert min(everything, ROWS) <= rows <= 1.5 * ROWS + LEVELS
    assert len({o.trial for o in told}) == len(told)


def test_up_to_so_many_results_the_model_sees_all() -> None:
    for observations in (rungs_of([1], 240), rungs_of([1, 3, 9], 150)):
        assert len(telling(observations, levels(observations.rungs))) == len(observations)


def test_who_came_furthest_and_an_even_choice_of_the_others_are_seen() -> None:
    standings = rungs_of([1, 3, 9], 2000)
    told = {o.trial for o in telling(standings, [1, 3, 9])}
    best = [trial for _, trial in standings.rungs[9].ranked]
    assert told.issuperset(best[:25])
    others = sorted(trial for trial in told if trial % 3)
    assert len(others) > 60
    assert max(b - a for a, b in pairwise([0, *others, 2000])) < 80
    turns = [trial % TURNS for trial in others]
    assert all(turns.count(turn) > 10 for turn in range(TURNS))


def test_diverged_trials_are_no_leaders() -> None:
    lost = [Observation(trial=t, config={}, values={}, diverged=True) for t in range(1, 2001)]
    fine = [Observation(trial=3000, config={}, values={1: 5.0})]
    told = telling(Standings([*lost, *fine]), [1])
    assert told[0] is fine[0]
    assert ROWS - 5 < len(told) < ROWS + 5


def test_a_trial_counts_at_every_rung_it_has_a_value_at() -> None:
    def at(values: dict[int, float], diverged: bool = False) -> list[tuple[int, float]]:
        trial = Observation(trial=1, config={}, values=values, diverged=diverged)
        return results(trial, [1, 3, 9])

    assert at({1: 0.5, 3: 0.4}) == [(0, 0.5), (1, 0.4)]
    assert at({9: 0.3}) == [(2, 0.3)]  # an earlier sweep had other rungs
    assert at({2: 0.3}) == []
    assert at({}, diverged=True) == [(0, math.inf)]
    assert at({1: 0.5}, diverged=True) == [(0, 0.5), (1, math.inf)]
    assert at({3: 0.5}, diverged=True) == [(1, 0.5), (2, math.inf)]
    assert at({1: 0.5, 9: 0.5}, diverged=True) == [(0, 0.5), (2, 0.5)]


def test_of_many_rungs_a_few_are_modelled_the_first_and_the_last_among_them() -> None:
    assert levels([9, 1, 3]) == [1, 3, 9]
    assert levels(range(1, 51)) == [1, 2, 5, 10, 23, 50]
    for count in range(1, 200, 7):
        found = levels(range(3, 3 + count))
        assert len(found) <= LEVELS
        assert (found[0], found[-1]) == (3, 2 + count)


def test_hyperparameters_are_found_in_steps_and_whenever_a_rung_is_new() -> None:
    arrivals = seen(100, valley)
    growth = Growth(arrivals=arrivals)
    assert growth.latest(startup=10) == int(10 * FRESH**8)
    arrivals.append(Observation(trial=1, config={}, values={1: 0.0, 3: 0.0}))
    arrivals.append(Observation(trial=2, config={}, values={1: 0.0, 3: 0.0}))
    assert growth.latest(startup=10) == 101
    assert growth.rungs == {1, 3}
    assert Growth(arrivals=arrivals).latest(startup=10) == 101
    arrivals += seen(50, valley)
    assert growth.latest(startup=10) == int(10 * FRESH**10) == 137
    assert growth.follows(arrivals)
    assert not growth.follows(list(arrivals))


def test_hyperparameters_are_not_found_for_each_proposal(monkeypatch: pytest.MonkeyPatch) -> None:
    fit = Process.fit
    fits: list[Any] = []

    def counted(*arguments: Any) -> Process:
        fits.append(arguments)
        return fit(*arguments)

    monkeypatch.setattr(Process, "fit", counted)
    searched(sweep(max_epochs=1, trials=60))
    assert len(fits) == 1 + math.floor(math.log(60 / 10) / math.log(FRESH))


def test_scores_keep_the_order_alone() -> None:
    scores = normal_scores(np.array([3.0, -1e300, math.inf, 7.0, 3.0, 1e34]))
    assert scores == pytest.approx(norm.ppf((np.array([2, 0.5, 5.5, 3.5, 2, 4.5])) / 6))
    assert normal_scores(np.full(5, math.inf)) == pytest.approx(np.zeros(5))


@pytest.mark.parametrize(("mean", "spread"), [(0.3, 0.5), (2.0, 0.7), (-1.0, 0.2)])
def test_the_expected_improvement_is_the_mean_of_what_lies_below(
    mean: float, spread: float
) -> None:
    draws = norm.ppf((np.arange(10**6) + 0.5) / 10**6, mean, spread)
    expected = math.log(np.maximum(0.1 - draws, 0).mean())
    ours = log_improvement(0.1, np.array([mean]), np.array([spread]))
    assert ours == pytest.approx([expected], abs=1e-3)


def test_hopeless_candidates_have_an_expected_improvement_too() -> None:
    assert np.isfinite(log_improvement(0.0, np.array([1e9]), np.array([1e-4]))).all()


def test_the_distance_kept_falls_as_the_cube_fills() -> None:
    assert apart(1, 4) == pytest.approx(0.5)
    assert apart(16, 4) == pytest.approx(0.25)
    assert apart(100, 1) == pytest.approx(0.0025)


def test_a_space_without_room_is_searched_all_the_same() -> None:
    """So few words that every candidate is near to a tried configuration."""
    space = Space({name: Choice(values=["a", "b"]) for name in "xyz"})
    assert SOME > 2**3
    noise = iter(np.random.default_rng(0).random(40) / 10)
    observations = seen(40, lambda config: float(config["x"] == "a") + next(noise), space)
    found = proposed(known(observations), space=space)
    assert {p.origin for p in found} == {"gp from 40 results"}
    assert [p.config["x"] for p in found].count("b") > 0.8 * len(found)
