from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.record import Status
from nightsweep.search.schedulers import Never, Step, Verdict
from nightsweep.search.schedulers.none import NeverScheduler

Train = Callable[[Study], list[tuple[int, int, float, str]]]


@pytest.fixture
def scheduler() -> NeverScheduler:
    return Never().build(max_epochs=9)


@pytest.fixture
def sweep(toy_sweep: Sweep) -> Sweep:
    return Sweep(**{**dict(toy_sweep), "scheduler": "none", "trials": 3})


def test_the_only_rung_is_the_last_epoch(scheduler: NeverScheduler) -> None:
    assert [scheduler.next_rung(1, epoch) for epoch in (0, 1, 8, 9)] == [9, 9, 9, 9]
    assert scheduler.ladder() == []


def test_everybody_goes_on(scheduler: NeverScheduler) -> None:
    verdict = Verdict(decision=Decision.CONTINUE, reason="no early stopping")
    assert scheduler.judge(1, 3, float("inf"), can_pause=True) == verdict


def test_nobody_waits_for_promotion(scheduler: NeverScheduler) -> None:
    scheduler.arrived(1, 9, 0.5, Decision.STOP)
    assert scheduler.promote(last=True) is None


def test_every_trial_is_expected_to_train_all_epochs(scheduler: NeverScheduler) -> None:
    assert scheduler.expected_epochs(60) == 540


def test_no_setting_can_be_a_problem() -> None:
    assert list(Never().problems(1)) == []


def test_every_trial_of_a_study_trains_to_the_end(sweep: Sweep, train: Train) -> None:
    study = Study(sweep)
    story = train(study)
    assert [(trial, epoch) for trial, epoch, _, _ in story] == [
        (trial, epoch) for trial in (1, 2, 3) for epoch in range(1, 10)
    ]
    assert study.counts == {Status.COMPLETED: 3}
    assert study.ladder == [Step(epoch=9, arrived=3, paused=0)]


@pytest.mark.parametrize("value", [float("nan"), float("inf"), float("-inf")])
def test_a_diverged_trial_ends_all_the_same(sweep: Sweep, value: Any) -> None:
    study = Study(sweep)
    assert study.ask() is not None
    assert study.report(1, 2, {"val_loss": value}) is Decision.STOP
    assert study.trials[1].status is Status.DIVERGED
