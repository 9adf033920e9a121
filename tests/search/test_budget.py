from __future__ import annotations

import math
from datetime import UTC, datetime
from typing import Any

import pytest

from nightsweep.search import Study, Sweep
from nightsweep.search.budget import Spent, budgets, clocked, out_of_time, promised, span, too_late
from nightsweep.search.errors import SweepError
from nightsweep.search.record import Status

NINE_PM = datetime(2026, 1, 10, 21, 0, tzinfo=UTC).timestamp()
SEVEN = datetime(2026, 1, 11, 7, 0, tzinfo=UTC).timestamp()
HOUR = 3600.0
GPU = {"gpus": 2}


def new(**changes: Any) -> Sweep:
    """Random search; rungs at 1 and 3 of 9 epochs."""
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "max_epochs": 9,
        "sampler": "random",
        "scheduler": {"name": "asha", "audit": 0},
    }
    return Sweep(**(values | changes))


def spent(searched: float = 0.0, gpu: float = 0.0, now: float = NINE_PM, busy: int = 1) -> Spent:
    return Spent(searched=searched, gpu=gpu, now=now, due=SEVEN, busy=busy)


def first(sweep: Sweep, **more: Any) -> tuple[str, float]:
    """The budget that is used up first, and in how many seconds."""
    budget = clocked(sweep, spent(**more))[0]
    return budget.key, budget.seconds


def train(study: Study, *losses: float) -> None:
    """Train so many new trials to their first rung."""
    for loss in losses:
        trial = study.ask()
        assert trial is not None
        study.report(trial.id, trial.epoch + 1, {"loss": loss})


def words(study: Study, used: Spent) -> list[str]:
    return [budget.words for budget in budgets(study, used)]


def refusal(**changes: Any) -> str:
    with pytest.raises(SweepError) as caught:
        new(**changes)
    return str(caught.value)


def test_time_is_what_drivers_have_searched() -> None:
    assert first(new(time="9h"), searched=HOUR) == ("time", 8 * HOUR)


def test_a_deadline_is_on_the_wall() -> None:
    assert first(new(deadline="07:00 UTC"), searched=99 * HOUR) == ("deadline", 10 * HOUR)


def test_gpu_hours_last_the_longer_the_fewer_slots_train() -> None:
    sweep = new(gpu_hours=40, resources=GPU)
    assert first(sweep, gpu=4 * HOUR, busy=3) == ("gpu_hours", 6 * HOUR)
    assert first(sweep, gpu=4 * HOUR, busy=1) == ("gpu_hours", 18 * HOUR)
    assert first(sweep, gpu=4 * HOUR, busy=0) == ("gpu_hours", 18 * HOUR)


def test_they_last_the_longer_the_more_share_a_gpu() -> None:
    sweep = new(gpu_hours=40, resources={"gpus": "auto"})
    assert first(sweep, busy=2) == ("gpu_hours", 20 * HOUR)
    half = Spent(searched=0.0, gpu=0.0, now=NINE_PM, due=SEVEN, busy=2, each=0.5)
    assert [budget.seconds for budget in clocked(sweep, half)] == [40 * HOUR]


def test_the_one_that_is_used_up_first_comes_first() -> None:
    sweep = new(time="9h", deadline="07:00 UTC", gpu_hours=40, resources=GPU)
    assert [b.key for b in clocked(sweep, spent(busy=1))] == ["time", "deadline", "gpu_hours"]
    assert [b.key for b in clocked(sweep, spent(busy=9))] == ["gpu_hours", "time", "deadline"]


def test_the_reserve_is_kept_from_the_end_of_time_and_deadline() -> None:
    sweep = new(time="9h", deadline="07:00 UTC", gpu_hours=40, resources=GPU, reserve="30m")
    seconds = {budget.key: budget.seconds for budget in clocked(sweep, spent())}
    assert seconds == {"time": 8.5 * HOUR, "deadline": 9.5 * HOUR, "gpu_hours": 20 * HOUR}


def test_what_ends_the_search_is_said_in_words() -> None:
    sweep = new(time="9h", deadline="07:00 UTC", gpu_hours=1, resources=GPU, reserve="30m")
    assert {(budget.over, budget.nearly) for budget in clocked(sweep, spent())} == {
        (
            "its time of 9 h 0 min is over, but for the reserve of 30 min",
            "its time of 9 h 0 min is nearly over, but for the reserve of 30 min",
        ),
        (
            "its time until 07:00 UTC is over, but for the reserve of 30 min",
            "its time until 07:00 UTC is nearly over, but for the reserve of 30 min",
        ),
        ("its 1 GPU-hour is used up", "its 1 GPU-hour is nearly used up"),
    }


def test_what_is_left_is_said_of_each() -> None:
    sweep = new(time="9h", deadline="07:00 UTC", gpu_hours=40, resources=GPU, patience=20)
    study = Study(sweep)
    train(study, 0.1, 0.2, 0.3)
    assert words(study, spent(searched=HOUR, gpu=4 * HOUR, busy=9)) == [
        "36 of 40 GPU-hours",
        "8 h 0 min of 9 h 0 min",
        "10 h 0 min until 07:00 UTC",
        "18 of 20 trials of patience",
    ]


def test_what_is_used_up_has_nothing_left() -> None:
    sweep = new(time="9h", gpu_hours=40, resources=GPU, trials=3)
    used = spent(searched=10 * HOUR, gpu=41 * HOUR)
    assert {budget.left for budget in budgets(Study(sweep), used)[:2]} == {0.0}
    assert words(Study(sweep), used) == [
        "nothing of 9 h 0 min",
        "0 of 40 GPU-hours",
        "3 of 3 trials",
    ]


def test_a_number_of_trials_alone_is_told_elsewhere() -> None:
    assert budgets(Study(new(trials=9)), spent()) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, math.inf),
        ({"time": "9h", "reserve": "1h"}, 8 * HOUR),
        ({"deadline": "07:00 UTC"}, 10 * HOUR),
        ({"gpu_hours": 40, "resources": GPU}, 5 * HOUR),
    ],
    ids=str,
)
def test_how_long_a_sweep_may_last_is_known_before(
    changes: dict[str, Any], expected: float
) -> None:
    assert span(new(**changes), slots=4, now=NINE_PM) == expected


def test_what_ends_a_sweep_is_promised_in_words() -> None:
    sweep = new(
        time="9h", deadline="07:00 UTC", gpu_hours=40, resources=GPU, reserve="30m",
        target=0.02, patience=20,
    )  # fmt: skip
    assert promised(sweep, NINE_PM) == [
        "9 h 0 min at most",
        "until 07:00 UTC (in 10 h 0 min)",
        "30 min of that in reserve",
        "40 GPU-hours at most",
        "until loss is 0.02",
        "until 20 trials in a row are no better",
    ]


def test_a_deadline_that_has_passed_is_told() -> None:
    (problem,) = too_late(new(deadline="2026-01-10 20:00 UTC"), NINE_PM)
    assert str(problem) == "deadline: 2026-01-10 20:00 UTC has passed; give a later one"


@pytest.mark.parametrize("key", ["over", "nearly"])
def test_a_sweep_that_ended_for_its_deadline_alone_is_told_from_others(key: str) -> None:
    sweep = new(deadline="07:00 UTC", reserve="30m", time="9h")
    reasons = {budget.key: getattr(budget, key) for budget in clocked(sweep, spent())}
    assert out_of_time(sweep, reasons["deadline"])
    assert not out_of_time(sweep, reasons["time"])
    assert not out_of_time(new(time="9h"), reasons["deadline"])
    assert not out_of_time(sweep, "all 60 trials are decided")


def test_a_deadline_that_leaves_nothing_but_the_reserve_is_told() -> None:
    (problem,) = too_late(new(deadline="21:20 UTC", reserve="30m"), NINE_PM)
    assert str(problem) == (
        "deadline: 21:20 UTC comes in 20 min, and 30 min of that are kept in reserve; give a "
        "later one, or a smaller reserve"
    )
    assert list(too_late(new(deadline="21:20 UTC", reserve="10m"), NINE_PM)) == []


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        (
            {"gpu_hours": 40},
            "gpu_hours: counts what trials use of GPUs, but resources.gpus is 0; write "
            "resources: {gpus: 1}, or time: instead",
        ),
        (
            {"reserve": "30m"},
            "reserve: is kept from the end of time or deadline, and neither is given; give one",
        ),
        (
            {"reserve": "30m", "time": "20m"},
            "reserve: 30 min leave nothing of a time of 20 min; give a smaller reserve, or more "
            "time",
        ),
        ({"reserve": "soon", "time": "1h"}, "reserve: 'soon' is not a duration; write 9h, 90m"),
        ({"deadline": "soon"}, "deadline: 'soon' is no deadline; write \"07:00\""),
        ({"patience": 0}, "patience: must be at least 1, not 0"),
        ({"target": "good"}, "target: must be a number, not 'good'"),
        ({"target": math.nan}, "target: "),
        (
            {"metric": ["loss", {"name": "ms", "goal": "minimize"}], "target": 0.5},
            "target: needs one goal, since of loss and ms no trial need be the best",
        ),
        (
            {"metric": ["loss", {"name": "ms", "goal": "minimize"}], "patience": 5},
            "patience: needs one goal, since of loss and ms no trial need be the best",
        ),
    ],
    ids=str,
)
def test_a_budget_that_makes_no_sense_is_refused(changes: dict[str, Any], expected: str) -> None:
    assert f"sweep: {expected}" in refusal(**changes)


@pytest.mark.parametrize("key", ["time", "gpu_hours", "deadline", "patience"])
def test_with_another_budget_the_number_of_trials_has_no_end(key: str) -> None:
    values = {"time": "9h", "gpu_hours": 4, "deadline": "07:00", "patience": 20}
    sweep = new(**{key: values[key]}, resources=GPU)
    assert sweep.limit is None
    assert new(**{key: values[key]}, resources=GPU, trials=7).limit == 7


def test_a_target_is_no_budget_since_it_may_never_be_reached() -> None:
    assert new(target=0.1).limit == 60


@pytest.mark.parametrize(("goal", "reached"), [("minimize", 0.2), ("maximize", 0.9)])
def test_a_sweep_whose_target_is_reached_starts_nothing_more(goal: str, reached: float) -> None:
    study = Study(new(metric={"name": "loss", "goal": goal}, target=reached))
    train(study, 0.5, 0.6)
    assert not study.reached
    train(study, reached)
    assert study.reached
    assert study.ask() is None
    assert not study.unfinished


def test_a_target_that_breaks_a_bound_is_not_reached() -> None:
    study = Study(new(metric=["loss", {"name": "mb", "max": 9}], target=0.2))
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 1, {"loss": 0.1, "mb": 10.0})
    assert not study.reached


def test_patience_ends_when_so_many_trials_have_brought_no_better_one() -> None:
    study = Study(new(patience=3, scheduler="none", max_epochs=1))
    train(study, 0.5, 0.4, 0.6, 0.6)
    assert not study.out_of_patience
    train(study, 0.6)
    assert study.out_of_patience
    assert study.ask() is None


def test_a_better_trial_gives_new_patience() -> None:
    study = Study(new(patience=3, scheduler="none", max_epochs=1))
    train(study, 0.5, 0.6, 0.6, 0.4, 0.6, 0.6)
    assert not study.out_of_patience


def test_the_best_that_gets_better_by_itself_gives_none() -> None:
    study = Study(new(patience=2, scheduler={"name": "asha", "grace": 3, "audit": 0}))
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 1, {"loss": 0.4})
    for _ in range(2):
        other = study.ask()
        assert other is not None
        study.fail(other.id, "raised")
    study.report(trial.id, 2, {"loss": 0.3})
    assert study.out_of_patience


def test_a_trial_counts_once_however_often_it_is_decided_on() -> None:
    study = Study(new(patience=9))
    train(study, 0.3, 0.4, 0.5)
    assert study.state.beaten == 2
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 3, {"loss": 0.3})
    assert (study.trials[1].status, study.state.beaten) == (Status.PAUSED, 2)


def test_out_of_patience_what_was_begun_is_finished() -> None:
    study = Study(new(patience=2))
    train(study, 0.3, 0.4, 0.5)
    assert study.out_of_patience
    trial = study.ask()
    assert trial is not None
    assert (trial.id, trial.epoch) == (1, 1)
