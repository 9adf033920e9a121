"""Changing a sweep in the middle of it: what was found before stays of use where it is valid."""

from __future__ import annotations

import json
from typing import Any

import pytest

from nightsweep.search.changing import allowed
from nightsweep.search.errors import StudyError, SweepError
from nightsweep.search.events import Changed, Event, from_json, to_json
from nightsweep.search.ready import Command
from nightsweep.search.record import Status
from nightsweep.search.study import Decision, Study
from nightsweep.search.sweep import Sweep

LR = {"min": 1e-3, "max": 1.0, "log": True}


def new(events: list[Event] | None = None, **changes: Any) -> Study:
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"lr": LR, "width": {"values": [16, 32]}, "depth": 2},
        "scheduler": {"name": "asha", "audit": 0},
        "max_epochs": 9,
        "trials": 12,
    }
    return Study(Sweep(**values | changes), None if events is None else events.append)


def search(study: Study, *, most: int = 1000) -> None:
    """Train what is asked for; the lower the learning rate, the lower the loss."""
    for _ in range(most):
        trial = study.ask()
        if trial is None:
            return
        epoch, decision = trial.epoch, Decision.CONTINUE
        while decision is Decision.CONTINUE:
            epoch += 1
            decision = study.report(trial.id, epoch, {"loss": trial.config["lr"] + 1 / epoch})


def seen(study: Study) -> list[dict[str, Any]]:
    """The configurations that the sampler is shown."""
    return [known.config for known in study.state.contest.observations.history().observations]


def test_in_a_narrower_range_new_trials_keep_to_it_and_old_ones_outside_teach_nothing() -> None:
    study = new()
    search(study)
    outside = [known.config["lr"] for known in study.trials.values() if known.config["lr"] > 0.1]
    assert outside
    study.change(parameters={**study.sweep.parameters, "lr": {**LR, "max": 0.1}}, trials=24)
    assert all(config["lr"] <= 0.1 for config in seen(study))
    assert len(seen(study)) == 12 - len(outside)
    search(study)
    assert len(study.trials) == 24
    assert all(study.trials[number].config["lr"] <= 0.1 for number in range(13, 25))


def test_in_a_wider_range_all_old_trials_teach() -> None:
    study = new()
    search(study)
    study.change(parameters={**study.sweep.parameters, "lr": {**LR, "min": 1e-6}}, trials=30)
    assert len(seen(study)) == 12
    search(study)
    assert min(study.trials[number].config["lr"] for number in range(13, 31)) < 1e-3


def test_what_a_narrower_range_hid_teaches_again_in_a_wider_one() -> None:
    study = new()
    search(study)
    study.change(parameters={**study.sweep.parameters, "lr": {**LR, "max": 0.01}})
    hidden = 12 - len(seen(study))
    assert hidden
    study.change(parameters={**study.sweep.parameters, "lr": LR})
    assert len(seen(study)) == 12


def test_added_choices_are_tried_and_nothing_is_tried_twice() -> None:
    study = new(sampler="grid", parameters={"width": {"values": [16, 32]}, "lr": 0.1}, trials=None)
    search(study)
    assert [known.config["width"] for known in study.trials.values()] == [16, 32]
    study.change(parameters={"width": {"values": [16, 24, 32, 64]}, "lr": 0.1})
    search(study)
    assert [known.config["width"] for known in study.trials.values()] == [16, 32, 64, 24]


def test_other_choices_are_tried_however_many_of_before_are_not_among_them() -> None:
    study = new(sampler="grid", parameters={"width": {"values": [16, 32]}, "lr": 0.1}, trials=None)
    search(study)
    for values in ([32, 64, 128], [256]):
        study.change(parameters={"width": {"values": values}, "lr": 0.1})
        search(study)
    assert [known.config["width"] for known in study.trials.values()] == [16, 32, 128, 64, 256]
    assert study.limit == 5


def test_with_more_epochs_the_completed_wait_at_a_rung_and_the_best_go_on() -> None:
    study = new()
    search(study)
    completed = [known.id for known in study.trials.values() if known.status is Status.COMPLETED]
    assert completed
    study.change(max_epochs=27)
    assert {study.trials[trial].status for trial in completed} == {Status.PAUSED}
    assert [step.epoch for step in study.ladder] == [1, 3, 9, 27]
    assert study.ladder[2].arrived == len(completed)
    best = study.best
    assert best is not None
    search(study)
    assert best.status is Status.COMPLETED
    assert best.epoch == 27
    assert [known.epoch for known in study.trials.values()].count(27) < 3


@pytest.mark.parametrize("scheduler", ["none", "median"])
def test_schedulers_that_pause_nobody_train_the_completed_on(scheduler: str) -> None:
    study = new(scheduler=scheduler, trials=4)
    search(study)
    study.change(max_epochs=12)
    search(study)
    statuses = {known.status for known in study.trials.values() if known.epoch == 12}
    assert statuses == {Status.COMPLETED}


def test_where_the_old_end_is_no_rung_the_completed_go_on_to_the_next_one() -> None:
    study = new(max_epochs=10)
    search(study)
    completed = [known.id for known in study.trials.values() if known.status is Status.COMPLETED]
    study.change(max_epochs=80)
    assert [step.epoch for step in study.ladder] == [1, 3, 9, 27, 80]
    trial = study.ask()
    assert trial is not None
    assert (trial.id, trial.epoch, trial.until) == (completed[0], 10, 27)


def test_a_completed_trial_without_a_checkpoint_stays_completed() -> None:
    study = new(scheduler="none", trials=1)
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 9, {"loss": 0.1}, checkpoint=False)
    study.change(max_epochs=27)
    assert study.trials[1].status is Status.COMPLETED
    assert study.ask() is None


@pytest.mark.parametrize("goals", ["loss", [{"name": "loss"}, {"name": "size"}]])
def test_a_replayed_study_with_changes_is_the_study(goals: Any) -> None:
    events: list[Event] = []
    study = new(events, metric=goals)
    original = study.sweep

    def some(most: int) -> None:
        for _ in range(most):
            trial = study.ask()
            if trial is None:
                return
            epoch, decision = trial.epoch, Decision.CONTINUE
            while decision is Decision.CONTINUE:
                epoch += 1
                metrics = {"loss": trial.config["lr"] + 1 / epoch, "size": trial.config["width"]}
                decision = study.report(trial.id, epoch, metrics)

    some(20)
    study.change(parameters={**study.sweep.parameters, "lr": {**LR, "max": 0.2}}, trials=20)
    some(10)
    study.change(max_epochs=30)
    some(10)
    written = [from_json(json.loads(json.dumps(to_json(event)))) for event in events]
    again = Study.replay(original, written)
    assert sum(isinstance(event, Changed) for event in written) == 2
    assert repr(again.trials) == repr(study.trials)
    assert again.sweep == study.sweep
    assert again.ladder == study.ladder
    assert again.ask() == study.ask()


REFUSED: dict[str, tuple[dict[str, Any], str]] = {
    "a key": ({"seed": 1}, "seed cannot be changed in a run; what can: trials, "),
    "fewer epochs": ({"max_epochs": 3}, "max_epochs can only grow in a run, not become 3 after 9"),
    "a lost parameter": ({"parameters": {"lr": LR, "depth": 2}}, "width cannot be taken out of"),
    "a new parameter": (
        {"parameters": {"lr": LR, "width": {"values": [16]}, "depth": 2, "units": 1}},
        "units cannot be added to a run; start a new run with from: this one",
    ),
    "another constant": (
        {"parameters": {"lr": LR, "width": {"values": [16, 32]}, "depth": 3}},
        "depth is always 2 in this run",
    ),
    "another kind": (
        {"parameters": {"lr": LR, "width": {"min": 16, "max": 32}, "depth": 2}},
        "width can get another range or other values in a run, no more",
    ),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_a_run_cannot_go_on_with_is_refused_and_changes_nothing(case: str) -> None:
    changes, message = REFUSED[case]
    events: list[Event] = []
    study = new(events)
    before = study.sweep
    with pytest.raises(StudyError, match=message):
        study.change(**changes)
    assert study.sweep == before
    assert not events


@pytest.mark.parametrize(
    ("scheduler", "began"),
    [
        ({"name": "hyperband"}, 9),
        ({"name": "asha", "mode": "standard"}, 9),
        ({"name": "asha", "mode": "standard"}, 8),  # one bracket, and two with 27 epochs
    ],
)
def test_more_epochs_are_refused_where_they_would_move_trials_to_other_brackets(
    scheduler: dict[str, Any], began: int
) -> None:
    with pytest.raises(StudyError, match="brackets depend on it"):
        new(scheduler=scheduler, max_epochs=began).change(max_epochs=27)


def test_a_wrong_range_is_refused_like_one_in_a_sweep_file() -> None:
    study = new()
    with pytest.raises(SweepError, match="min"):
        study.change(parameters={**study.sweep.parameters, "lr": {"min": 2.0, "max": 1.0}})


def test_a_command_can_be_mended_in_a_run_but_nothing_else_trained() -> None:
    events: list[Event] = []
    study = new(events, command="python trian.py --lr {lr}")
    search(study, most=3)
    study.change(trainable={"name": "command", "run": "python train.py --lr {lr}"})
    assert isinstance(study.sweep.trainable, Command)
    assert study.sweep.trainable.run == "python train.py --lr {lr}"
    written = [from_json(to_json(event)) for event in events]
    again = new(command="python trian.py --lr {lr}")
    assert Study.replay(again.sweep, written).sweep == study.sweep
    with pytest.raises(StudyError, match=r"trainable is .*command.* in this run, and can get"):
        study.change(trainable=None)


@pytest.mark.parametrize("other", [{"name": "tabular", "cv": 3}, {"name": "text"}])
def test_another_trainable_is_refused_and_not_what_it_would_change(other: dict[str, Any]) -> None:
    sweep = Sweep(trainable="tabular", data="my.csv")
    with pytest.raises(StudyError, match="trainable is 'tabular' in this run, and its settings"):
        allowed(sweep, {"trainable": other})
    assert list(allowed(sweep, {"trainable": {"name": "tabular"}})) == ["trainable"]
