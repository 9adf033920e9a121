"""Optuna objectives in place: `nightsweep.optimize`."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import optuna
import pytest

import nightsweep
from nightsweep.cluster import optimize as module
from nightsweep.cluster.optimize import Found, asked_by, space_of
from nightsweep.search import Choice, Float
from nightsweep.search.errors import SweepError, TrainingFunctionError
from nightsweep.search.sweep import Sweep


def objective(trial: Any) -> float:
    """Gradient descent on x squared, with or without momentum."""
    x, speed, rate = 5.0, 0.0, trial.suggest_float("lr", 1e-3, 1.0, log=True)
    heavy = trial.suggest_categorical("momentum", [True, False])
    momentum = trial.suggest_float("how_much", 0.1, 0.9) if heavy else 0.0
    for step in range(9):
        speed = momentum * speed - rate * 2 * x
        x += speed
        trial.report(x * x, step)
        if trial.should_prune():
            raise optuna.TrialPruned
    trial.set_user_attr("x", x)
    return x * x


@pytest.mark.ray
def test_an_objective_is_searched_as_it_is(
    ray_cluster: None, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    results = nightsweep.optimize(
        objective, 12, max_epochs=9, out=tmp_path / "run", slots=2, sampler="random"
    )
    assert "if momentum is True" in capsys.readouterr().err.splitlines()[0]
    assert results.best is not None
    assert results.best.value < 1.0
    trials = results.trials
    assert len(trials) == 12
    assert set(trials["status"]) == {"stopped", "completed"}
    with_it = trials["config/momentum"].astype(bool)
    assert trials["config/how_much"].notna().tolist() == with_it.tolist()
    ended = [trial for trial in trials["trial"] if (tmp_path / f"run/trials/{trial}").is_dir()]
    kept = [n for n in ended if (tmp_path / f"run/trials/{n}/attributes.json").exists()]
    assert kept == trials.loc[trials["epochs"] == 9, "trial"].tolist()


def test_what_it_asks_for_can_be_written_into_a_sweep_file() -> None:
    space = space_of(objective)
    assert space == {
        "lr": {"min": 1e-3, "max": 1.0, "log": True},
        "momentum": {"values": [True, False]},
        "how_much": {"min": 0.1, "max": 0.9, "when": {"momentum": True}},
    }
    sweep = Sweep(metric="value", parameters=space)
    assert sweep.space.parameters == asked_by(objective).parameters


class RanError(Exception):
    """Instead of a search: what would be searched."""


@pytest.fixture
def would_run(monkeypatch: pytest.MonkeyPatch) -> None:
    def run(*given: Any, **options: Any) -> None:
        raise RanError(given, options)

    parameters = {"lr": Float(min=0.0, max=1.0), "act": Choice(values=["a", "b"])}
    monkeypatch.setattr(module, "run", run)
    monkeypatch.setattr(
        module, "asked_by", lambda objective: Found(parameters=parameters, reports=False)
    )


def options(**given: Any) -> dict[str, Any]:
    with pytest.raises(RanError) as caught:
        nightsweep.optimize(objective, **given)
    found: dict[str, Any] = caught.value.args[1]
    return found


def test_optunas_words_are_understood(would_run: None) -> None:
    maximize = optuna.study.StudyDirection.MAXIMIZE
    found = options(n_trials=7, timeout=60, direction=maximize, quiet=True)
    assert found == {
        "metric": [{"name": "value", "goal": "maximize"}],
        "trials": 7,
        "time": 60,
        "max_epochs": 1,
        "quiet": True,
    }


def test_several_directions_are_several_metrics(would_run: None) -> None:
    assert options(directions=["minimize", "maximize"])["metric"] == [
        {"name": "values_0", "goal": "minimize"},
        {"name": "values_1", "goal": "maximize"},
    ]


@pytest.mark.parametrize(
    ("reports", "words"),
    [
        (True, "optimize: max_epochs: the objective reports while it trains; say how often"),
        (None, "optimize: max_epochs: the objective had neither reported nor returned"),
    ],
)
def test_one_that_reports_needs_to_say_how_often(
    would_run: None, monkeypatch: pytest.MonkeyPatch, reports: bool | None, words: str
) -> None:
    found = Found(parameters={}, reports=reports)
    monkeypatch.setattr(module, "asked_by", lambda objective: found)
    with pytest.raises(SweepError, match=words):
        nightsweep.optimize(objective)
    assert options(max_epochs=20)["max_epochs"] == 20


def test_given_parameters_are_taken_and_nothing_is_looked_at(
    would_run: None, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "asked_by", None)
    with pytest.raises(RanError) as caught:
        nightsweep.optimize(objective, parameters={"lr": 1}, max_epochs=3)
    assert caught.value.args[0] == (objective, {"lr": 1})


def test_what_is_no_objective_is_refused() -> None:
    def train(config: Any) -> float:
        return 1.0

    with pytest.raises(TrainingFunctionError) as caught:
        nightsweep.optimize(train)
    assert str(caught.value) == "train is no objective: its only parameter must be named trial"
