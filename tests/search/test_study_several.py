"""Several metrics: objectives that compete, and constraints on what comes out."""

from __future__ import annotations

import json
import math
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.stats import wilcoxon

from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.errors import StudyError
from nightsweep.search.events import Event, from_json, to_json
from nightsweep.search.record import Status
from nightsweep.search.simulate import Curve, Worker, simulate
from nightsweep.search.space import Config

BOTH = ["loss", {"name": "speed", "goal": "maximize"}]
LIMITED = ["loss", {"name": "memory", "max": 100}]
SIDES = 6


def sweep(metric: Any, **changes: Any) -> Sweep:
    """Rungs at 1 and 3 of 9 epochs."""
    values = {
        "metric": metric,
        "parameters": {f"x{side}": {"min": 0.0, "max": 1.0} for side in range(SIDES)},
        "max_epochs": 9,
        "trials": 9,
        "sampler": "random",
        "scheduler": {"name": "asha", "audit": 0.0},
    }
    return Sweep(**(values | changes))


def told(metric: Any, *reports: tuple[float, float]) -> Study:
    """A study with a trial for each report of two metrics, at epoch 1."""
    study = Study(sweep(metric, scheduler="none"))
    names = study.sweep.outcomes[0].name, study.sweep.outcomes[1].name
    for values in reports:
        trial = study.ask()
        assert trial is not None
        study.report(trial.id, 1, dict(zip(names, values, strict=True)))
    return study


def front(study: Study) -> list[int]:
    return [known.id for known in study.front]


def best(study: Study) -> int | None:
    return study.best.id if study.best else None


def test_the_front_is_told_by_the_first_objective_and_begins_with_the_best() -> None:
    study = told(BOTH, (0.5, 5.0), (0.2, 1.0), (0.3, 4.0), (0.4, 3.0))
    assert front(study) == [2, 3, 1]
    assert best(study) == 2


def test_of_one_objective_the_front_is_the_best() -> None:
    study = told(LIMITED, (0.5, 90.0), (0.25, 80.0))
    assert (front(study), best(study)) == ([2], 2)
    assert Study(sweep("loss")).front == []


def test_who_misses_a_constraint_is_best_only_while_all_do() -> None:
    study = told(LIMITED, (0.1, 300.0), (0.2, 150.0), (0.1, 200.0))
    assert best(study) == 2
    assert study.best is not None
    assert not study.best.score.feasible
    study.report(3, 2, {"loss": 0.9, "memory": 100.0})
    assert best(study) == 3


def test_a_trials_best_epoch_is_the_best_that_meets_the_constraints() -> None:
    study = told(LIMITED, (0.5, 90.0))
    study.report(1, 2, {"loss": 0.1, "memory": 110.0})
    study.report(1, 3, {"loss": 0.4, "memory": 95.0})
    known = study.trials[1]
    assert (known.best, known.best_epoch) == (0.4, 3)
    assert known.best_metrics == {"loss": 0.4, "memory": 95.0}


def test_of_several_objectives_a_trial_counts_with_its_last_epoch() -> None:
    study = told(BOTH, (0.5, 5.0), (0.4, 4.0))
    study.report(2, 2, {"loss": 0.6, "speed": 3.0})
    assert (front(study), best(study)) == ([1], 1)
    assert (study.trials[2].best, study.trials[2].best_epoch) == (0.6, 2)


def test_no_trial_is_on_the_front_that_misses_a_constraint_while_another_meets_them() -> None:
    study = told(
        [{"name": "loss", "goal": "minimize", "max": 1.0}, "time"], (2.0, 0.1), (0.5, 9.0)
    )
    assert front(study) == [2]


@pytest.mark.parametrize("metric", [BOTH, LIMITED], ids=["objective", "constraint"])
def test_a_missing_metric_is_named(metric: Any) -> None:
    study = Study(sweep(metric))
    study.ask()
    missing = study.sweep.outcomes[1].name
    with pytest.raises(StudyError, match=f"^trial 1 reported no {missing}$"):
        study.report(1, 1, {"loss": 0.5})


@pytest.mark.parametrize("metric", [BOTH, LIMITED], ids=["objective", "constraint"])
def test_a_metric_that_is_nan_is_a_divergence_and_named(metric: Any) -> None:
    study = Study(sweep(metric))
    study.ask()
    name = study.sweep.outcomes[1].name
    assert study.report(1, 1, {"loss": 0.5, name: math.nan}) is Decision.STOP
    assert study.trials[1].status is Status.DIVERGED
    assert study.trials[1].reason == f"diverged at epoch 1: {name} is nan"
    assert study.best is None


def test_a_diverged_trial_keeps_what_it_was_before() -> None:
    study = told(BOTH, (0.5, 5.0))
    study.report(1, 2, {"loss": math.nan, "speed": 5.0})
    assert front(study) == [1]
    assert study.trials[1].best_epoch == 1


def test_several_objectives_are_searched_by_nsga2_if_nothing_else_is_said() -> None:
    assert sweep(BOTH, sampler="auto").chosen.sampler.name == "nsga2"


Action = tuple[str, int, float, float]
NUMBERS = st.one_of(st.integers(-3, 3).map(float), st.just(math.nan))
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ask"] * 4 + ["report"] * 8 + ["finish", "fail", "interrupt"]),
        st.integers(0, 99),
        NUMBERS,
        NUMBERS,
    ),
    max_size=50,
)


def play(study: Study, actions: list[Action]) -> list[str]:
    """Act on the study, on a running trial picked by number; what it answered."""
    answers = []
    for action, pick, loss, other in actions:
        running = study.running
        if action == "ask":
            answers.append(repr(study.ask()))
        elif running:
            known = running[pick % len(running)]
            metrics = {"loss": loss, "speed": other, "memory": 100 * other}
            if action == "report":
                answers.append(study.report(known.id, known.epoch + 1, metrics))
            elif action == "finish" and known.epoch:
                study.finish(known.id)
            elif action == "fail":
                study.fail(known.id, "raised ValueError")
            elif action == "interrupt":
                study.interrupt(known.id, "its node was lost")
    return answers


def state(study: Study) -> str:
    """All that can be seen; as text, since NaN equals nothing."""
    return repr((study.trials, study.trained, best(study), front(study), study.ladder))


@pytest.mark.parametrize("metric", [BOTH, LIMITED, [*BOTH, LIMITED[1]]], ids=["2", "1+1", "2+1"])
@pytest.mark.parametrize(
    "sampler", [{"name": "nsga2", "population": 4}, {"name": "gp", "startup": 2}]
)
@settings(max_examples=12)
@given(before=ACTIONS, after=ACTIONS)
def test_a_replayed_study_goes_on_as_the_first_would_have(
    metric: Any, sampler: dict[str, Any], before: list[Action], after: list[Action]
) -> None:
    made = sweep(metric, sampler=sampler, trials=30)
    events: list[Event] = []
    study = Study(made, events.append)
    play(study, before)
    written = [json.dumps(to_json(event), allow_nan=False) for event in events]
    again = Study.replay(made, [from_json(json.loads(line)) for line in written])
    assert state(again) == state(study)
    assert play(again, after) == play(study, after)
    assert state(again) == state(study)


def zdt1(config: Config) -> Curve:
    """ZDT1 (Zitzler, Deb & Thiele 2000) with curves: both objectives fall with each epoch."""
    x = [config[f"x{side}"] for side in range(SIDES)]
    g = 1 + 9 * sum(x[1:]) / (SIDES - 1)
    ends = x[0], g * (1 - math.sqrt(x[0] / g))
    return Curve(
        metrics=[{"loss": ends[0] + 0.5 / n, "speed": -ends[1] - 2 / n} for n in range(1, 10)]
    )


def hypervolume(study: Study) -> float:
    """What the front dominates, up to (1.6, 8)."""
    area, ceiling = 0.0, 8.0
    for known in sorted(study.trials.values(), key=lambda t: t.best_metrics.get("loss", 9.0)):
        one, other = known.best_metrics.get("loss", 9.0), -known.best_metrics.get("speed", -9.0)
        if one < 1.6 and other < ceiling:
            area, ceiling = area + (1.6 - one) * (ceiling - other), other
    return area


def searched(metric: Any, sampler: str, seed: int, epochs: int = 160) -> float:
    """The hypervolume after so many epochs, on 4 workers."""
    study = Study(sweep(metric, sampler=sampler, seed=seed, trials=500, scheduler="asha"))
    for _ in simulate(study, zdt1, [Worker()] * 4, until=epochs / 4):
        pass
    return hypervolume(study)


def test_fronts_find_more_than_early_stopping_by_the_first_metric() -> None:
    seeds = range(12)
    first = np.array([searched("loss", "random", seed) for seed in seeds])
    fronts = np.array([searched(BOTH, "random", seed) for seed in seeds])
    assert wilcoxon(fronts, first, alternative="greater").pvalue < 0.01


def test_nsga2_finds_more_than_random_search_with_the_same_early_stopping() -> None:
    seeds = range(8)
    chance = np.array([searched(BOTH, "random", seed, epochs=400) for seed in seeds])
    nsga2 = np.array([searched(BOTH, "nsga2", seed, epochs=400) for seed in seeds])
    assert wilcoxon(nsga2, chance, alternative="greater").pvalue < 0.01
