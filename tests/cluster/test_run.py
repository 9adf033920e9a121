"""Sweeps on a real Ray, from the training function to the tables."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pandas as pd
import pytest

import nightsweep
from nightsweep.search import journal
from nightsweep.search.errors import ClusterError, TrainingFunctionError
from nightsweep.search.events import Reported, Started
from nightsweep.search.record import Status

from .conftest import local

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

X = {"x": {"min": 0.0, "max": 1.0}}


def keeping(config: dict[str, Any], trial: nightsweep.Trial) -> None:
    """Counts its steps in what it keeps, so that a lost or doubled epoch shows."""
    import torch

    layer = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(layer.weight)
    trial.keep(layer=layer)
    for epoch in trial.epochs():
        with torch.no_grad():
            layer.weight += 1
        trial.report(loss=config["x"] + 1 / epoch, steps=layer.weight)


def test_a_sweep_runs_from_function_to_tables(tmp_path: Path) -> None:
    results = nightsweep.run(
        local(keeping), X, metric="loss", max_epochs=9, trials=12, out=tmp_path / "run", quiet=True
    )
    assert results.ledger.done
    assert results.ledger.ended_because == "all 12 trials are decided"
    assert set(results.trials["status"]) == {"completed", "stopped"}
    assert results.best is not None
    assert results.best.config["x"] == results.trials["config/x"][results.best.trial - 1]
    for name in ("trials.csv", "trials.parquet", "curves.csv", "best/best.json", "sweep.json"):
        assert (tmp_path / "run" / name).is_file()
    on_disk = pd.read_parquet(tmp_path / "run" / "curves.parquet")
    assert len(on_disk) == results.study.trained
    assert json.loads((tmp_path / "run/best/best.json").read_text())["trial"] == results.best.trial


def test_a_promoted_trial_goes_on_where_it_was_paused(tmp_path: Path) -> None:
    results = nightsweep.run(
        local(keeping), X, metric="loss", max_epochs=9, trials=9, out=tmp_path / "run", quiet=True
    )
    assert (results.curves["steps"] == results.curves["epoch"]).all()
    paused = [
        entry.event
        for entry in journal.read(results.folder.journal)
        if isinstance(entry.event, Reported) and entry.event.decision == "pause"
    ]
    promoted = {event.trial for event in paused if results.study.trials[event.trial].epoch > 1}
    assert promoted, "no trial was paused and promoted, so this shows nothing"


def test_processes_are_reused_and_slots_bound_how_many_train(tmp_path: Path) -> None:
    results = nightsweep.run(
        local(keeping), X, metric="loss", max_epochs=3, trials=8, slots=1,
        out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    entries = [entry.event for entry in journal.read(results.folder.journal)]
    assert len({event.pid for event in entries if isinstance(event, Started)}) == 1
    assert len(results.trials) == 8


def test_one_slot_and_one_seed_give_the_same_sweep_twice(tmp_path: Path) -> None:
    columns = ["trial", "status", "why", "config/x", "best/loss", "epochs", "origin"]
    first, second = (
        nightsweep.run(
            local(keeping), X, metric="loss", max_epochs=9, trials=14, slots=1, seed=5,
            out=tmp_path / name, quiet=True,
        ).trials[columns]
        for name in "ab"
    )  # fmt: skip
    pd.testing.assert_frame_equal(first, second)
    assert first["origin"].iloc[-1].startswith("gp from ")


def test_bad_trials_cost_themselves_and_no_other(tmp_path: Path) -> None:
    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import os
        import sys

        import torch

        for epoch in trial.epochs():
            match config["how"]:
                case "raises":
                    raise RuntimeError("no such luck")
                case "none":
                    trial.report(loss=None)
                case "tensor":
                    trial.report(loss=torch.zeros(3))
                case "misnamed":
                    trial.report(los=1.0)
                case "nan":
                    trial.report(loss=float("nan"))
                case "silent":
                    return
                case "exits":
                    sys.exit(3)
                case "dies":
                    os._exit(1)
                case "twice":
                    trial.report(loss=1.0, epoch=1)
                    trial.report(loss=1.0, epoch=1)
                case "good":
                    trial.report(loss=1 / epoch)

    bad = ["raises", "none", "tensor", "misnamed", "nan", "silent", "exits", "dies", "twice"]
    results = nightsweep.run(
        train, {"how": {"values": [*bad, "good"]}}, metric="loss", max_epochs=2,
        sampler="grid", scheduler="none", out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    why = dict(zip(results.trials["config/how"], results.trials["why"], strict=True))
    assert why["raises"] == "raised RuntimeError: no such luck"
    assert why["none"] == "reported loss as None; report a number"
    assert why["tensor"].startswith("reported loss as a Tensor of shape (3,); report a number")
    assert why["misnamed"] == (
        'reported no loss, the metric of this sweep; it reported los. Did you mean "los"?'
    )
    assert why["nan"] == "diverged at epoch 1: loss is nan"
    assert why["silent"] == "never reported loss; call trial.report(loss=...) each epoch"
    assert why["exits"] == "called sys.exit(3)"
    assert why["dies"].startswith("its worker died")
    assert why["dies"].endswith("; tried 3 times")
    assert why["twice"] == "reported epoch 1 after epoch 1"
    assert why["good"] == "trained all 2 epochs"
    statuses = dict(zip(results.trials["config/how"], results.trials["status"], strict=True))
    assert statuses["nan"] == "diverged"
    assert [how for how in bad if statuses[how] != "failed"] == ["nan"]
    assert "raise RuntimeError" in results.trials["error"][0]
    assert results.ledger.done


def test_a_killed_worker_costs_the_epochs_since_its_checkpoint(tmp_path: Path) -> None:
    marker = tmp_path / "killed"

    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import os
        import signal

        import torch

        layer = torch.nn.Linear(1, 1)
        torch.nn.init.zeros_(layer.weight)
        trial.keep(layer=layer)
        for epoch in trial.epochs():
            with torch.no_grad():
                layer.weight += 1
            if epoch == 8 and not marker.exists():
                marker.touch()
                os.kill(os.getpid(), signal.SIGKILL)
            trial.report(loss=1 / epoch, steps=layer.weight)

    results = nightsweep.run(
        train, X, metric="loss", max_epochs=9, trials=1, scheduler={"name": "asha", "grace": 3},
        out=tmp_path / "run", quiet=True,
    )  # fmt: skip
    assert results.trials["status"].tolist() == ["completed"]
    assert results.trials["attempts"].tolist() == [2]
    assert results.curves["epoch"].tolist() == list(range(1, 10))
    assert (results.curves["steps"] == results.curves["epoch"]).all()


def test_a_ray_tune_function_runs_unchanged(tmp_path: Path) -> None:
    def train(config: dict[str, Any]) -> None:
        from ray import tune

        for step in range(1, 100):
            tune.report({"loss": config["x"] + 1 / step})

    results = nightsweep.run(
        train, X, metric="loss", max_epochs=9, trials=9, out=tmp_path / "run", quiet=True
    )
    decisions = {
        entry.event.decision
        for entry in journal.read(results.folder.journal)
        if isinstance(entry.event, Reported)
    }
    assert "pause" not in decisions, "it keeps no checkpoint, and would start from nothing"
    assert set(results.trials["status"]) == {"completed", "stopped"}
    assert results.trials["epochs"].max() == 9


def test_a_ray_tune_function_with_checkpoints_is_paused_and_promoted(tmp_path: Path) -> None:
    def train(config: dict[str, Any]) -> None:
        import tempfile
        from pathlib import Path

        from ray import tune

        step = 0
        if (checkpoint := tune.get_checkpoint()) is not None:
            with checkpoint.as_directory() as folder:
                step = int(Path(folder, "step").read_text())
        while True:
            step += 1
            with tempfile.TemporaryDirectory() as folder:
                Path(folder, "step").write_text(str(step))
                tune.report(
                    {"loss": config["x"] + 1 / step, "step": step},
                    checkpoint=tune.Checkpoint.from_directory(folder),
                )

    results = nightsweep.run(
        train, X, metric="loss", max_epochs=9, trials=9, out=tmp_path / "run", quiet=True
    )
    assert (results.curves["step"] == results.curves["epoch"]).all()
    assert results.study.counts[Status.PAUSED] > 0
    assert results.trials["epochs"].max() == 9


def test_a_finished_run_can_be_extended(tmp_path: Path) -> None:
    first = nightsweep.run(
        local(keeping), X, metric="loss", max_epochs=3, trials=4, out=tmp_path / "run", quiet=True
    )
    more = nightsweep.resume(tmp_path / "run", local(keeping), trials=7, quiet=True)
    assert len(more.trials) == 7
    assert more.sweep.trials == 7
    same = ["trial", "config/x", "origin"]
    pd.testing.assert_frame_equal(more.trials[same].head(4), first.trials[same])
    assert len(nightsweep.load(tmp_path / "run").trials) == 7


def test_a_sweep_ends_when_its_time_is_over(tmp_path: Path) -> None:
    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import time

        for _ in trial.epochs():
            time.sleep(0.05)
            trial.report(loss=config["x"])

    results = nightsweep.run(
        train,
        X,
        metric="loss",
        max_epochs=1000,
        time="3s",
        scheduler="none",
        out=tmp_path / "run",
        quiet=True,
    )
    assert results.ledger.done
    assert results.ledger.ended_because == "its time of 3 s is over"
    assert not results.study.running


def test_more_gpus_than_any_node_has_are_refused_and_nothing_is_left(tmp_path: Path) -> None:
    with pytest.raises(ClusterError, match="asks for 1 CPU and 4 GPUs, but the largest node has"):
        nightsweep.run(
            local(keeping), X, metric="loss", resources={"gpus": 4},
            out=tmp_path / "run", quiet=True,
        )  # fmt: skip
    assert not (tmp_path / "run").exists()


def test_a_function_with_other_arguments_is_refused_before_anything_starts(
    tmp_path: Path,
) -> None:
    def train(lr: float, layers: int, units: int) -> None: ...

    with pytest.raises(TrainingFunctionError, match=r"it must take \(config, trial\)"):
        nightsweep.run(train, X, metric="loss", out=tmp_path / "run", quiet=True)
    assert not (tmp_path / "run").exists()
