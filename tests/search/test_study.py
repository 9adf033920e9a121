from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any

import pytest

from nightsweep.search import Choice, Decision, Float, Study, Sweep, Trial
from nightsweep.search.events import (
    Asked,
    Cause,
    Changed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Reported,
)
from nightsweep.search.record import Status
from nightsweep.search.schedulers import Step

CONTINUE, PAUSE, STOP = Decision.CONTINUE, Decision.PAUSE, Decision.STOP
Train = Callable[[Study], list[tuple[int, int, float, str]]]


def new(record: Callable[[Event], None] | None = None, **changes: Any) -> Study:
    """A study of random search; rungs at 1 and 3 of 9 epochs."""
    values = {
        "metric": "loss",
        "parameters": {"x": Float(min=0.0, max=1.0)},
        "max_epochs": 9,
        "trials": 9,
        "sampler": "random",
        "scheduler": {"name": "asha", "audit": 0},
    }
    return Study(Sweep(**(values | changes)), record)


def ask(study: Study) -> Trial:
    trial = study.ask()
    assert trial is not None
    return trial


def started(study: Study, count: int) -> Study:
    for _ in range(count):
        ask(study)
    return study


def report(study: Study, trial: int, *losses: float, checkpoint: bool = True) -> list[Decision]:
    """Report the epochs after the trial's last one."""
    return [
        study.report(trial, study.trials[trial].epoch + 1, {"loss": loss}, checkpoint=checkpoint)
        for loss in losses
    ]


def test_a_sweep_runs_to_its_end_with_early_stopping(toy_sweep: Sweep, train: Train) -> None:
    study = Study(toy_sweep)
    train(study)
    assert study.counts == {Status.PAUSED: 7, Status.COMPLETED: 2}
    assert [(step.epoch, step.arrived) for step in study.ladder] == [(1, 9), (3, 4), (9, 2)]
    assert study.trained == 9 * 1 + 4 * 2 + 2 * 6


def test_the_survivor_is_the_best_trial(toy_sweep: Sweep, train: Train) -> None:
    study = Study(toy_sweep)
    story = train(study)
    assert study.best is not None
    assert study.best.status is Status.COMPLETED
    assert (study.best.best, study.best.best_epoch) == (min(loss for _, _, loss, _ in story), 9)


def test_two_runs_of_the_same_sweep_are_the_same(toy_sweep: Sweep, train: Train) -> None:
    assert train(Study(toy_sweep)) == train(Study(toy_sweep))


def test_another_seed_is_another_run(toy_sweep: Sweep, train: Train) -> None:
    other = Sweep(**{**dict(toy_sweep), "seed": 1})
    assert train(Study(toy_sweep)) != train(Study(other))


def test_a_new_trial_starts_at_epoch_0_and_is_due_at_the_first_rung() -> None:
    trial = ask(new())
    assert (trial.id, trial.epoch, trial.until) == (1, 0, 1)
    assert set(trial.config) == {"x"}


def test_nothing_is_asked_for_beyond_the_trials_of_the_sweep() -> None:
    study = started(new(trials=2), 2)
    assert study.ask() is None
    assert [known.id for known in study.running] == [1, 2]


def test_a_paused_trial_is_promoted_before_a_new_one_starts() -> None:
    study = started(new(), 3)
    decisions = [report(study, trial, loss) for trial, loss in ((1, 0.2), (2, 0.1), (3, 0.3))]
    assert decisions == [[PAUSE], [PAUSE], [PAUSE]]
    assert ask(study) == Trial(id=2, config=study.trials[2].config, epoch=1, until=3)
    assert study.trials[2].reason == "rung 1: rank 1 of 3, best 1 go on"
    assert ask(study).id == 4


def test_a_promotion_is_no_new_attempt() -> None:
    study = started(new(), 3)
    for trial in (1, 2, 3):
        report(study, trial, trial / 10)
    ask(study)
    assert study.trials[1].attempts == 1


def test_between_rungs_a_trial_goes_on_without_a_reason() -> None:
    events: list[Event] = []
    study = started(new(events.append, scheduler={"name": "asha", "grace": 3}), 1)
    assert report(study, 1, 0.5, 0.4) == [CONTINUE, CONTINUE]
    assert [event.reason for event in events if isinstance(event, Reported)] == ["", ""]


def test_the_last_epoch_completes_a_trial() -> None:
    study = started(new(scheduler="none"), 1)
    assert report(study, 1, *[0.5] * 9) == [*[CONTINUE] * 8, STOP]
    assert study.trials[1].status is Status.COMPLETED
    assert study.trials[1].reason == "trained all 9 epochs"


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_diverged_trial_stops_at_once_with_the_reason(value: float) -> None:
    study = started(new(scheduler={"name": "asha", "grace": 5}), 1)
    assert report(study, 1, 0.5, 0.4, value) == [CONTINUE, CONTINUE, STOP]
    assert study.trials[1].status is Status.DIVERGED
    assert study.trials[1].reason == f"diverged at epoch 3: loss is {value}"


def test_a_diverged_trial_is_never_the_best() -> None:
    study = started(new(scheduler="none"), 2)
    report(study, 1, -math.inf)
    assert study.best is None
    report(study, 2, 5.0, math.nan)
    assert study.best is not None
    assert (study.best.id, study.best.best, study.best.best_epoch) == (2, 5.0, 1)


def test_a_diverged_trial_counts_as_the_worst_at_its_rung() -> None:
    study = started(new(), 3)
    report(study, 1, math.nan)
    report(study, 2, math.inf)
    assert report(study, 3, 1e9) == [CONTINUE]
    assert study.trials[3].reason == "rung 1: rank 1 of 3, best 1 go on"


def test_a_nan_beside_the_sweeps_metric_is_no_divergence() -> None:
    study = started(new(scheduler="none"), 1)
    assert study.report(1, 1, {"loss": 0.5, "train_loss": math.nan}) is CONTINUE


def test_with_goal_maximize_the_largest_is_the_best() -> None:
    study = started(new(metric={"name": "loss", "goal": "maximize"}), 3)
    decisions = [report(study, trial, trial / 10)[0] for trial in (1, 2, 3)]
    assert decisions == [PAUSE, PAUSE, CONTINUE]
    report(study, 3, 0.2)
    assert study.best is not None
    assert (study.best.id, study.best.best, study.best.best_epoch) == (3, 0.3, 1)


def test_with_goal_maximize_a_cut_off_is_told_as_it_was_reported() -> None:
    study = started(new(metric={"name": "loss", "goal": "maximize"}), 3)
    for trial, value in ((1, 0.9), (2, 0.8), (3, 0.7)):
        report(study, trial, value)
    assert study.trials[3].reason == "rung 1: rank 3 of 3, cut-off 0.9 after rank 1"


def test_where_nobody_else_will_come_to_the_end_the_best_that_is_left_goes_on() -> None:
    """The one place of rung 1 goes to trial 1, which diverges then."""
    study = started(new(trials=3), 3)
    for trial, loss in ((2, 0.2), (3, 0.3), (1, 0.1)):
        report(study, trial, loss)
    assert study.ask() is None, "trial 1 may come to the end"
    report(study, 1, math.nan)
    assert (ask(study).id, study.trials[2].reason) == (
        2,
        "rung 1: the best that is left, so that one trains to the end",
    )
    assert study.ask() is None, "one is enough"
    report(study, 2, 0.2)
    assert report(study, 2, 0.2) != [STOP]


def test_nobody_is_rescued_while_new_trials_come_or_one_came_to_the_end() -> None:
    study = started(new(trials=4), 3)
    for trial, loss in ((2, 0.2), (3, 0.3), (1, 0.1)):
        report(study, trial, loss)
    report(study, 1, math.nan)
    assert ask(study).id == 4
    study = started(new(trials=3, max_epochs=2), 3)
    for trial, loss in ((2, 0.2), (3, 0.3), (1, 0.1)):
        report(study, trial, loss)
    assert report(study, 1, 0.1) == [STOP]
    assert study.ask() is None


def test_a_report_that_skips_a_rung_is_judged_at_the_first_it_crossed() -> None:
    study = started(new(max_epochs=27), 2)
    assert study.report(1, 5, {"loss": 0.5}) is PAUSE
    assert study.trials[1].reason == "rung 1: rank 1 of 1, the first goes on when 3 are there"
    assert [(s.epoch, s.arrived) for s in study.ladder] == [(1, 1), (3, 0), (9, 0), (27, 0)]


def test_a_skipped_rung_is_never_filled_afterwards() -> None:
    study = started(new(max_epochs=27), 3)
    report(study, 1, 0.9)
    report(study, 2, 0.8)
    assert study.report(3, 5, {"loss": 0.1}) is CONTINUE
    assert study.until(3) == 9
    assert report(study, 3, 0.1, 0.1, 0.1, 0.1) == [CONTINUE, CONTINUE, CONTINUE, PAUSE]
    assert [(s.epoch, s.arrived) for s in study.ladder] == [(1, 3), (3, 0), (9, 1), (27, 0)]


def test_a_trial_without_a_checkpoint_is_never_paused() -> None:
    study = started(new(), 2)
    assert report(study, 1, 0.1, checkpoint=False) == [CONTINUE]
    assert report(study, 2, 0.2, checkpoint=False) == [STOP]
    assert study.trials[2].status is Status.STOPPED
    assert study.trials[2].reason == "rung 1: rank 2 of 2, cut-off 0.1 after rank 1"


def test_a_function_that_returns_early_completes_its_trial() -> None:
    study = started(new(scheduler="none"), 1)
    report(study, 1, 0.5, 0.4)
    study.finish(1)
    assert study.trials[1].status is Status.COMPLETED
    assert study.trials[1].reason == "returned after 2 of 9 epochs"


def test_a_failed_trial_keeps_its_reason_and_holds_no_slot() -> None:
    study = started(new(), 1)
    study.fail(1, "raised ValueError: no data", traceback="Traceback ...")
    assert study.trials[1].status is Status.FAILED
    assert study.trials[1].reason == "raised ValueError: no data"
    assert study.running == []


def test_a_paused_trial_that_fails_is_not_promoted() -> None:
    study = started(new(), 3)
    for trial in (1, 2, 3):
        report(study, trial, trial / 10)
    study.fail(1, "its checkpoint is gone")
    assert ask(study).id == 4


def test_an_interrupted_trial_comes_back_first_after_its_checkpoint() -> None:
    study = started(new(scheduler={"name": "asha", "grace": 4}), 2)
    report(study, 2, 0.5, 0.4)
    report(study, 2, 0.3, checkpoint=False)
    config = study.trials[2].config
    study.interrupt(2, "its node was lost", cause=Cause.LOST)
    assert study.trials[2].status is Status.WAITING
    assert ask(study) == Trial(id=2, config=config, epoch=2, until=4)
    assert (study.trials[2].attempts, study.trials[2].troubles) == (2, {Cause.LOST: 1})
    assert ask(study).id == 3


def test_without_a_checkpoint_an_interrupted_trial_starts_again() -> None:
    study = started(new(scheduler="none"), 1)
    report(study, 1, 0.5, 0.4, checkpoint=False)
    study.interrupt(1, "its driver ended")
    trial = ask(study)
    assert (trial.id, trial.epoch, trial.until) == (1, 0, 9)
    assert not study.trials[1].troubles


def test_of_several_interrupted_trials_the_oldest_comes_back_first() -> None:
    study = started(new(), 3)
    report(study, 1, 0.5)
    report(study, 2, 0.4)
    report(study, 3, 0.3)  # goes on: the first of three
    study.interrupt(3, "its driver ended")
    assert ask(study).id == 3
    started(study, 1)
    report(study, 4, 0.6)
    for trial in (5, 6):
        ask(study)
        report(study, trial, 0.7)
    assert ask(study).id == 2  # the second of six, and the last to have taken a slot
    for trial in (3, 2):
        study.interrupt(trial, "its driver ended")
    assert [ask(study).id for _ in range(2)] == [2, 3]


def test_an_interrupted_trial_comes_back_before_a_promotion() -> None:
    study = started(new(), 4)
    for trial in (1, 2, 3):
        report(study, trial, trial / 10)
    study.interrupt(4, "its node was lost")
    assert [ask(study).id for _ in range(2)] == [4, 1]


def test_a_rung_that_was_decided_is_not_decided_again() -> None:
    study = started(new(), 1)
    report(study, 1, 0.5, checkpoint=False)
    study.interrupt(1, "its node was lost")
    assert ask(study).until == 3
    assert report(study, 1, 0.9) == [CONTINUE]
    assert study.ladder[0] == Step(epoch=1, arrived=1, paused=0)


def test_repeated_epochs_are_counted_once() -> None:
    study = started(new(scheduler="none"), 1)
    report(study, 1, 0.5, 0.4)
    report(study, 1, 0.3, 0.2, checkpoint=False)
    study.interrupt(1, "its node was lost")
    ask(study)
    report(study, 1, 0.3, 0.2)
    assert study.trained == 4


@pytest.mark.parametrize("trials", [1, 2])
def test_even_a_tiny_sweep_trains_one_trial_to_the_end(
    toy_sweep: Sweep, train: Train, trials: int
) -> None:
    study = Study(Sweep(**{**dict(toy_sweep), "trials": trials}))
    train(study)
    assert study.counts[Status.COMPLETED] == 1
    assert study.best is not None
    assert study.best.epoch == 9


def test_an_exhausted_grid_ends_the_study_with_one_trial_trained(
    toy_sweep: Sweep, train: Train
) -> None:
    parameters = {"lr": Choice(values=[0.1, 0.01])}
    changes = {"sampler": {"name": "grid"}, "trials": None, "parameters": parameters}
    study = Study(Sweep(**{**dict(toy_sweep), **changes}))
    train(study)
    assert study.counts == {Status.PAUSED: 1, Status.COMPLETED: 1}
    assert study.trials[2].status is Status.COMPLETED


def test_more_trials_go_on_with_a_study_that_had_ended() -> None:
    study = started(new(trials=1), 1)
    assert study.ask() is None
    study.change(trials=2)
    assert ask(study).id == 2
    assert study.ask() is None


def test_every_call_is_one_event() -> None:
    events: list[Event] = []
    study = started(new(events.append, scheduler="none"), 2)
    study.report(1, 1, {"loss": 0.5}, seconds=2.5, checkpoint=False)
    study.interrupt(1, "lost")
    ask(study)
    report(study, 1, 0.4)
    study.finish(1)
    study.fail(2, "raised")
    study.change(trials=10)
    kinds = [Asked, Asked, Reported, Interrupted, Asked, Reported, Finished, Failed, Changed]
    assert [type(event) for event in events] == kinds
    assert events[2] == Reported(
        trial=1, epoch=1, metrics={"loss": 0.5}, seconds=2.5, checkpoint=False
    )
