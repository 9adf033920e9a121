"""Objectives written for Optuna, hosted as they are."""

from __future__ import annotations

import inspect
import json
import math
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import optuna
import pytest
import torch
from optuna.trial import BaseTrial

from nightsweep.trainables.asking import Asking
from nightsweep.trainables.host import Host
from nightsweep.trainables.job import Answer, Ended, Job, Message, Step
from nightsweep.trainables.objective import ATTRIBUTES, Asked, follow
from nightsweep.trainables.trial import Trial

SUGGESTED = {"lr": 0.01, "layers": 2, "optimizer": "sgd"}


def suggest(trial: Any) -> tuple[float, int, str]:
    return (
        trial.suggest_float("lr", 1e-5, 1.0, log=True),
        trial.suggest_int("layers", 1, 4),
        trial.suggest_categorical("optimizer", ["sgd", "adam"]),
    )


def a_job(folder: Path, **changes: Any) -> Job:
    values: dict[str, Any] = {
        "trial": 1, "config": SUGGESTED, "epoch": 0, "until": 99, "max_epochs": 9,
        "metrics": ("value",), "seed": 7, "folder": folder,
    }  # fmt: skip
    return Job(**(values | changes))


class Run:
    """Trains a trial in a host, and answers its waiting steps: each is told to halt."""

    def __init__(self, objective: Callable[[Any], Any], job: Job) -> None:
        self.host = Host(lambda trial: follow(objective, trial))
        self.steps: list[Step] = []
        self.ended: Ended | None = None
        self.host.start(job)
        while self.ended is None:
            for message in self.host.poll(1.0):
                self.take(message)

    def take(self, message: Message) -> None:
        if isinstance(message, Step):
            self.steps.append(message)
            if message.waits:
                self.host.answer(Answer(trial=1, until=None))
        elif isinstance(message, Ended):
            self.ended = message

    @property
    def values(self) -> dict[int, float]:
        return {step.epoch: step.metrics["value"] for step in self.steps}

    @property
    def end(self) -> str:
        assert self.ended is not None
        return self.ended.reason or str(self.ended.end)


def test_it_has_all_that_optunas_trial_promises() -> None:
    abstract = {name for name in dir(BaseTrial) if not name.startswith("_")}
    assert abstract <= set(dir(Asked))
    for name in ("suggest_float", "suggest_int", "suggest_categorical", "report"):
        theirs, ours = getattr(optuna.Trial, name), getattr(Asking, name, None)
        ours = getattr(Asked, name) if ours is None else ours
        assert list(inspect.signature(ours).parameters) == list(
            inspect.signature(theirs).parameters
        )


def test_suggestions_are_the_trials_configuration(tmp_path: Path) -> None:
    seen: list[Any] = []

    def objective(trial: Any) -> float:
        seen.append((suggest(trial), trial.params, trial.number))
        return 1.0

    Run(objective, a_job(tmp_path))
    assert seen == [((0.01, 2, "sgd"), SUGGESTED, 0)]


def test_what_is_returned_counts_if_nothing_was_reported(tmp_path: Path) -> None:
    run = Run(lambda trial: 0.25, a_job(tmp_path, until=1))
    assert (run.values, run.end) == ({1: 0.25}, "returned")
    assert not run.steps[0].waits, "it has ended, so there is nothing to decide"


def test_each_report_is_an_epoch_whatever_its_step(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        for step in (100, 200, 200, 300):
            trial.report(step / 100, step)
        return 3.0

    run = Run(objective, a_job(tmp_path))
    assert (run.values, run.end) == ({1: 1.0, 2: 2.0, 3: 3.0}, "returned")


def test_a_returned_value_that_was_not_reported_is_one_more_epoch(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        trial.report(0.5, 0)
        return 0.4

    assert Run(objective, a_job(tmp_path)).values == {1: 0.5, 2: 0.4}


@pytest.mark.parametrize(("returned", "last"), [(0.4, 0.4), (0.6, 0.5), (None, 0.5)])
def test_after_the_last_epoch_it_takes_its_place(
    tmp_path: Path, returned: float | None, last: float
) -> None:
    def objective(trial: Any) -> float | None:
        trial.report(0.6, 0)
        trial.report(0.5, 1)
        return returned

    run = Run(objective, a_job(tmp_path, max_epochs=2))
    assert (run.values, run.end) == ({1: 0.6, 2: last}, "returned")


def test_should_prune_is_true_after_a_halt_and_the_objective_may_clean_up(tmp_path: Path) -> None:
    cleaned: list[int] = []

    def objective(trial: Any) -> float:
        for epoch in range(9):
            trial.report(1.0, epoch)
            if trial.should_prune():
                cleaned.append(epoch)
                raise optuna.TrialPruned
        raise AssertionError

    run = Run(objective, a_job(tmp_path, until=3))
    assert (cleaned, list(run.values), run.end) == ([2], [1, 2, 3], "halted")


def test_who_never_asks_is_ended_by_the_next_report(tmp_path: Path) -> None:
    reported: list[int] = []

    def objective(trial: Any) -> float:
        for epoch in range(9):
            reported.append(epoch)
            trial.report(1.0, epoch)
        return 1.0

    run = Run(objective, a_job(tmp_path, until=3))
    assert (reported, list(run.values), run.end) == ([0, 1, 2, 3], [1, 2, 3], "halted")


def test_one_that_goes_on_for_ever_trains_all_its_epochs(tmp_path: Path) -> None:
    def objective(trial: Any) -> None:
        for epoch in range(1000):
            trial.report(1 / (epoch + 1), epoch)
            assert not trial.should_prune()

    run = Run(objective, a_job(tmp_path, max_epochs=4))
    assert (list(run.values), run.end) == ([1, 2, 3, 4], "returned")


def test_pruned_of_its_own_accord_it_keeps_what_it_has_reported(tmp_path: Path) -> None:
    def objective(trial: Any) -> None:
        trial.report(0.5, 0)
        raise optuna.TrialPruned

    run = Run(objective, a_job(tmp_path))
    assert (run.values, run.end) == ({1: 0.5}, "returned")


def test_pruned_before_any_report_it_is_the_worst(tmp_path: Path) -> None:
    def objective(trial: Any) -> None:
        raise optuna.TrialPruned

    run = Run(objective, a_job(tmp_path))
    assert (list(run.values), run.end) == ([1], "returned")
    assert math.isnan(run.values[1])


@pytest.mark.parametrize(("returned", "told"), [(None, "None"), ("good", "'good'")])
def test_what_is_no_number_costs_the_trial_in_one_sentence(
    tmp_path: Path, returned: Any, told: str
) -> None:
    run = Run(lambda trial: returned, a_job(tmp_path))
    assert run.end == f"the objective returned {told}; it must return a number"


def test_several_values_are_the_sweeps_metrics_in_their_order(tmp_path: Path) -> None:
    run = Run(lambda trial: (1.0, 2.0), a_job(tmp_path, metrics=("values_0", "values_1")))
    assert run.steps[0].metrics == {"values_0": 1.0, "values_1": 2.0}


@pytest.mark.parametrize("returned", [[0.5], (0.5,)])
def test_one_value_may_be_in_a_list(tmp_path: Path, returned: Any) -> None:
    assert Run(lambda trial: returned, a_job(tmp_path)).values == {1: 0.5}


@pytest.mark.parametrize(
    ("metrics", "told"),
    [(("value",), "1 metric: value"), (("values_0", "values_1"), "2 metrics: values_0, values_1")],
)
def test_more_values_than_the_sweep_has_metrics_cost_the_trial(
    tmp_path: Path, metrics: tuple[str, ...], told: str
) -> None:
    run = Run(lambda trial: (1.0, 2.0, 3.0), a_job(tmp_path, metrics=metrics))
    assert run.end == f"the objective returned 3 values, and the sweep has {told}"


def test_choices_of_numpys_are_numbers(tmp_path: Path) -> None:
    def objective(trial: Any) -> Any:
        return trial.suggest_categorical("units", 2 ** np.arange(4, 8))

    job = a_job(tmp_path, config={"units": 32})
    assert Run(objective, job).values == {1: 32}


def test_the_study_is_not_there_and_that_is_said(tmp_path: Path) -> None:
    run = Run(lambda trial: trial.study.best_value, a_job(tmp_path))
    assert run.end.startswith(
        "raised AttributeError: trial.study is not there on nightsweep: a trial sees neither the "
        "study nor other trials"
    )


def test_attributes_are_kept_and_their_numbers_reported(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        trial.set_user_attr("size", 1200)
        trial.set_user_attr("note", "good")
        assert trial.user_attrs == {"size": 1200, "note": "good"}
        return 0.5

    run = Run(objective, a_job(tmp_path))
    assert run.steps[0].metrics == {"value": 0.5, "size": 1200.0}
    kept = json.loads((tmp_path / ATTRIBUTES).read_text())
    assert kept == {"size": 1200, "note": "good"}


def test_what_the_sweep_does_not_name_is_drawn_from_the_seed_and_told(tmp_path: Path) -> None:
    drawn: list[float] = []

    def objective(trial: Any) -> float:
        drawn.append(trial.suggest_float("dropout", 0.0, 0.5))
        assert trial.suggest_float("dropout", 0.0, 0.5) == drawn[-1]
        return 0.5

    for number, seed in enumerate((7, 7, 8)):
        run = Run(objective, a_job(tmp_path / str(number), seed=seed))
        assert run.steps[0].metrics["dropout"] == drawn[-1]
    assert drawn[0] == drawn[1] != drawn[2]
    assert 0.0 <= drawn[0] <= 0.5
    log = (tmp_path / "0" / "log.txt").read_text()
    assert "dropout is not among the sweep's parameters" in log


def test_a_range_that_depends_on_others_gives_the_nearest_value(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        return float(trial.suggest_int("layers", 4, 16, step=4))

    assert Run(objective, a_job(tmp_path, config={"layers": 2})).values == {1: 4.0}
    again = a_job(tmp_path, config={"layers": 11})
    assert Run(objective, again).values == {1: 12.0}


def test_choices_may_be_things_that_a_sweep_file_cannot_hold(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        made = trial.suggest_categorical("act", [torch.nn.ReLU, torch.nn.GELU])
        return float(made is torch.nn.GELU)

    assert Run(objective, a_job(tmp_path, config={"act": "GELU"})).values == {1: 1.0}


def test_a_value_that_is_none_of_the_choices_costs_the_trial(tmp_path: Path) -> None:
    def objective(trial: Any) -> float:
        return float(trial.suggest_categorical("optimizer", ["adam", "lion"]) == "adam")

    assert Run(objective, a_job(tmp_path)).end == (
        "optimizer is 'sgd' in this trial, but the objective asks for one of adam, lion; give the "
        "sweep's optimizer these values"
    )


def keeping(trained: list[int]) -> Callable[[Any], float]:
    def objective(trial: Any) -> float:
        model = torch.nn.Linear(1, 1)
        trial.keep(model=model)
        for epoch in trial.epochs():
            trained.append(epoch)
            with torch.no_grad():
                model.weight.copy_(torch.full((1, 1), float(epoch)))
            trial.report(model.weight.item(), epoch)
            if trial.should_prune():
                raise optuna.TrialPruned
        return model.weight.item()

    return objective


def test_with_keep_and_epochs_it_is_paused_and_goes_on(tmp_path: Path) -> None:
    trained: list[int] = []
    first = Run(keeping(trained), a_job(tmp_path, until=3))
    assert (list(first.values), first.steps[-1].checkpoint, first.end) == (
        [1, 2, 3], True, "halted",
    )  # fmt: skip
    then = Run(keeping(trained), a_job(tmp_path, epoch=3, attempt=2))
    assert (then.values, then.end) == ({e: float(e) for e in range(4, 10)}, "returned")
    assert trained == list(range(1, 10))


def test_keep_without_epochs_is_refused_at_the_first_report(tmp_path: Path) -> None:
    """It would train its first epochs again with each pause."""

    def objective(trial: Any) -> None:
        trial.keep(model=torch.nn.Linear(1, 1))
        for epoch in range(9):
            trial.report(1.0, epoch)

    run = Run(objective, a_job(tmp_path))
    assert run.end.startswith("the objective keeps its state to be paused, but its own loop would")
    assert run.steps == []


def test_isinstance_of_optunas_own_base(tmp_path: Path) -> None:
    class Silent:
        halting = False

        def send(self, message: Message) -> None: ...

        def ask(self, step: Step) -> Answer:
            raise AssertionError

    assert isinstance(Asked(Trial(a_job(tmp_path), Silent())), BaseTrial)
