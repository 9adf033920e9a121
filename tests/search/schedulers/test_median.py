from __future__ import annotations

import math
from statistics import mean, median

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import Study, Sweep
from nightsweep.search.errors import Problem
from nightsweep.search.events import Cause
from nightsweep.search.record import Status
from nightsweep.search.schedulers import Decision, Median, Verdict
from nightsweep.search.schedulers.median import MedianScheduler

CONTINUE, STOP = Decision.CONTINUE, Decision.STOP


def rule(max_epochs: int = 9, **settings: int) -> MedianScheduler:
    return Median(**({"min_trials": 2} | settings)).build(max_epochs)


def report(scheduler: MedianScheduler, trial: int, *values: float, first: int = 1) -> Decision:
    """Report a trial's epochs from `first` on; the last decision."""
    decision = CONTINUE
    for epoch, value in enumerate(values, start=first):
        decision = scheduler.judge(trial, epoch, value, can_pause=False).decision
        scheduler.arrived(trial, epoch, value, decision)
    return decision


def two_others() -> MedianScheduler:
    """Running averages 0.9 and 0.7 after one epoch, 0.7 and 0.65 after two."""
    scheduler = rule()
    report(scheduler, 1, 0.9, 0.5)
    report(scheduler, 2, 0.7, 0.6)
    return scheduler


def sweep(trials: int = 30, **changes: object) -> Sweep:
    values = {
        "metric": "loss",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "max_epochs": 9,
        "trials": trials,
        "sampler": "random",
        "scheduler": {"name": "median", "min_trials": 2},
    }
    return Sweep(**(values | changes))


def started(study: Study, trials: int) -> Study:
    for _ in range(trials):
        assert study.ask() is not None
    return study


@pytest.mark.parametrize(("value", "decision"), [(0.81, STOP), (0.8, CONTINUE), (0.1, CONTINUE)])
def test_worse_than_the_median_of_the_others_stops(value: float, decision: Decision) -> None:
    assert report(two_others(), 3, value) is decision, "the median is 0.8"


@pytest.mark.parametrize(
    ("values", "decision"),
    [
        ((0.66, 0.9), CONTINUE),  # its best, 0.66, is better than the median of 0.7 and 0.65
        ((0.68, 0.69), STOP),  # its best is not, though its average is below their worst
        ((0.7, 0.6), CONTINUE),  # what it needed came late
    ],
)
def test_its_best_is_compared_with_the_averages_of_the_others(
    values: tuple[float, float], decision: Decision
) -> None:
    assert report(two_others(), 3, *values) is decision


def test_only_those_who_have_come_so_far_are_compared() -> None:
    scheduler = rule(min_trials=1)
    report(scheduler, 1, 0.5, 0.5)
    report(scheduler, 2, 0.1)
    assert report(scheduler, 3, 0.3, 0.3) is CONTINUE, "at epoch 2 only the first counts"
    assert report(scheduler, 4, 0.31) is STOP, "at epoch 1 all three do: the median is 0.3"


def test_nobody_is_stopped_before_enough_trials_were_there() -> None:
    scheduler = rule(min_trials=3)
    decisions = [report(scheduler, trial, 0.1 * trial) for trial in range(1, 6)]
    assert decisions == [CONTINUE, CONTINUE, CONTINUE, STOP, STOP]


def test_nobody_is_stopped_before_grace() -> None:
    scheduler = rule(grace=4)
    assert scheduler.next_rung(1, 0) == 4


@pytest.mark.parametrize(
    ("grace", "every", "rungs"),
    [
        (1, 1, [1, 2, 3, 4, 5, 6, 7, 8, 9]),
        (3, 1, [3, 4, 5, 6, 7, 8, 9]),
        (2, 3, [2, 5, 8, 9]),
        (1, 4, [1, 5, 9]),
        (9, 1, [9]),
    ],
)
def test_decisions_are_due_from_grace_on_every_so_many_epochs(
    grace: int, every: int, rungs: list[int]
) -> None:
    scheduler = rule(grace=grace, every=every)
    later = [scheduler.next_rung(1, epoch) for epoch in range(9)]
    assert later == [min(rung for rung in rungs if rung > epoch) for epoch in range(9)]
    assert [step.epoch for step in scheduler.ladder()] == rungs[:-1]


def test_a_stop_says_how_many_are_ahead() -> None:
    verdict = two_others().judge(3, 1, 0.95, can_pause=True)
    reason = "rung 1: best so far worse than the median, behind 2 of 2 averages"
    assert verdict == Verdict(decision=STOP, reason=reason)


def test_going_on_says_why_too() -> None:
    scheduler = two_others()
    reason = scheduler.judge(3, 1, 0.75, can_pause=True).reason
    assert reason == "rung 1: best so far no worse than the median, behind 1 of 2 averages"
    reason = scheduler.judge(3, 3, 0.75, can_pause=True).reason
    assert reason == "rung 3: 0 trials before, a median needs 2"


def test_nobody_is_ever_paused_or_promoted() -> None:
    scheduler = two_others()
    assert scheduler.judge(3, 1, 0.95, can_pause=True).decision is STOP
    assert scheduler.promote(last=True) is None


def test_a_diverged_trial_is_the_worst_at_its_rung_and_shifts_the_median_no_further() -> None:
    """In Ray Tune one NaN made the median NaN, and stopped every other trial (ray#24809)."""
    scheduler = rule()
    for trial, value in enumerate([0.5, 0.75, 1.0], start=1):
        scheduler.arrived(trial, 1, value, CONTINUE)
    scheduler.arrived(4, 1, math.inf, STOP)
    assert scheduler.judge(5, 1, 0.875, can_pause=True).decision is CONTINUE, "between 0.75 and 1"
    assert scheduler.judge(5, 1, 0.876, can_pause=True).decision is STOP


def test_where_most_trials_diverge_the_others_go_on() -> None:
    study = started(Study(sweep()), 8)
    for trial in range(1, 7):
        study.report(trial, 1, {"loss": math.nan if trial % 2 else math.inf})
    assert study.report(7, 1, {"loss": 1e9}) is CONTINUE
    assert study.report(8, 1, {"loss": 2e9}) is CONTINUE
    assert study.counts == {Status.DIVERGED: 6, Status.RUNNING: 2}


def test_values_at_the_ends_of_floating_point_are_no_nan() -> None:
    """Two values of -1.7e308 sum up to -inf; divergence adds inf to that, which makes no NaN."""
    scheduler = rule()
    for epoch, value in ((1, -1.7e308), (2, -1.7e308), (3, math.inf)):
        scheduler.arrived(1, epoch, value, CONTINUE)
    for trial, value in ((2, 0.5), (3, 0.75)):
        scheduler.arrived(trial, 3, value, CONTINUE)
    assert scheduler.judge(4, 3, 0.75, can_pause=True).decision is CONTINUE
    assert scheduler.judge(4, 3, 0.76, can_pause=True).decision is STOP


def test_an_epoch_that_is_trained_again_counts_once() -> None:
    study = started(Study(sweep()), 1)
    for epoch, loss in ((1, 0.9), (2, 0.5)):
        study.report(1, epoch, {"loss": loss}, checkpoint=False)
    before = repr(study.ladder)
    study.interrupt(1, "its worker died", cause=Cause.LOST)
    again = study.ask()
    assert again is not None
    assert (again.epoch, again.until) == (0, 3)
    for epoch, loss in ((1, 0.9), (2, 0.5)):
        assert study.report(1, epoch, {"loss": loss}, checkpoint=False) is CONTINUE
    assert repr(study.ladder) == before


def test_a_trial_that_was_stopped_is_stopped_for_good() -> None:
    study = started(Study(sweep()), 3)
    study.report(1, 1, {"loss": 0.1})
    study.report(2, 1, {"loss": 0.2})
    study.report(3, 1, {"loss": 0.3}, checkpoint=True)
    assert study.trials[3].status is Status.STOPPED


def test_to_maximize_is_to_stop_the_low_ones() -> None:
    study = started(Study(sweep(metric={"name": "f1", "goal": "maximize"})), 4)
    decisions = [study.report(t, 1, {"f1": f1}) for t, f1 in enumerate([0.4, 0.6, 0.55, 0.5], 1)]
    assert decisions == [CONTINUE, CONTINUE, CONTINUE, STOP]


def test_of_all_trials_half_are_expected_to_stop_at_once() -> None:
    """Of 10 the first two cannot be stopped; of the other 8, half are."""
    assert rule().expected_epochs(10) == 10 * 1 + 6 * 8
    assert rule().expected_epochs(1) == 9


def test_what_has_been_stopped_so_far_is_what_is_expected() -> None:
    scheduler = rule(max_epochs=3)
    for trial, value in enumerate([0.1, 0.2, 0.9, 0.9, 0.9, 0.05], start=1):
        report(scheduler, trial, value)
    assert scheduler.expected_epochs(10) == 10 + (10 - 8 * 3 / 4) * 2


def test_a_grace_beyond_the_last_epoch_is_a_problem() -> None:
    message = "grace 10 is beyond max_epochs 9; lower it"
    problem = Problem(key=("scheduler", "grace"), message=message)
    assert list(Median(grace=10).problems(9)) == [problem]
    assert list(Median(grace=9).problems(9)) == []


CURVES = st.lists(st.lists(st.integers(-50, 50), min_size=1, max_size=8), min_size=1, max_size=12)


@given(CURVES, st.integers(1, 4))
def test_every_decision_is_that_of_the_rule_as_it_is_written(
    curves: list[list[int]], min_trials: int
) -> None:
    """One trial after the other, against the rule written down without any bookkeeping."""
    scheduler = rule(min_trials=min_trials)
    done: list[list[int]] = []
    for trial, curve in enumerate(curves, start=1):
        seen: list[int] = []
        for epoch, value in enumerate(curve, start=1):
            seen.append(value)
            averages = [mean(other[:epoch]) for other in done if len(other) >= epoch]
            stops = len(averages) >= min_trials and min(seen) > median(averages)
            decision = report(scheduler, trial, value, first=epoch)
            assert decision is (STOP if stops else CONTINUE)
            if stops:
                break
        done.append(seen)
