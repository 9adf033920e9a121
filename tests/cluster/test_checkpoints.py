"""Checkpoints on a real Ray: damaged ones, a budget, and what is left at the end."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import nightsweep
from nightsweep.search import Decision, Study, Sweep, journal
from nightsweep.search.events import Interrupted
from nightsweep.search.results import Results
from nightsweep.trainables import checkpoint

pytestmark = [pytest.mark.ray, pytest.mark.usefixtures("ray_cluster")]

GRID: dict[str, Any] = {
    "metric": "loss",
    "sampler": "grid",
    "scheduler": {"name": "asha", "audit": 0},
    "max_epochs": 9,
    "slots": 1,
    "quiet": True,
}


def interruptions(results: Results) -> list[tuple[int, int, str]]:
    """Who was interrupted, to go on from which epoch, and why."""
    events = (entry.event for entry in journal.read(results.folder.journal))
    return [(e.trial, e.epoch, e.reason) for e in events if isinstance(e, Interrupted)]


def leftovers(folder: Path) -> list[str]:
    return [path.name for path in folder.rglob(".*") if path.name != ".manifest.json"]


def test_a_damaged_checkpoint_is_never_used(tmp_path: Path) -> None:
    damaged = tmp_path / "run" / "trials" / "1" / "epoch-1" / "state.pt"

    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import torch

        if trial.id == 2:  # trial 1 is paused meanwhile
            data = bytearray(damaged.read_bytes())
            data[len(data) // 2] ^= 1
            damaged.write_bytes(data)
        layer = torch.nn.Linear(1, 1)
        torch.nn.init.zeros_(layer.weight)
        trial.keep(layer=layer)
        for epoch in trial.epochs():
            with torch.no_grad():
                layer.weight += 1
            trial.report(loss=config["x"] + 1 / epoch, steps=layer.weight)

    results = nightsweep.run(
        train, {"x": {"values": [1, 2, 3]}}, trials=3, out=tmp_path / "run", **GRID
    )
    assert interruptions(results) == [
        (
            1,
            0,
            "its checkpoint after epoch 1 is damaged (state.pt is not what was written); "
            "began again",
        )
    ]
    assert (results.curves["steps"] == results.curves["epoch"]).all()
    assert results.trials["epochs"].tolist() == [9, 1, 1]
    assert leftovers(results.folder.path) == []


def undisturbed(sweep: Sweep) -> dict[int, tuple[str, int]]:
    """How each trial of a sweep ends, and after how many epochs, if nothing happens to it."""
    study = Study(sweep)
    while trial := study.ask():
        epoch, decision = trial.epoch, Decision.CONTINUE
        while decision is Decision.CONTINUE:
            epoch += 1
            decision = study.report(trial.id, epoch, {"loss": trial.config["x"] + 1 / epoch})
    return {known.id: (str(known.status), known.epoch) for known in study.trials.values()}


def test_a_budget_costs_epochs_but_changes_no_result(tmp_path: Path) -> None:
    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import torch

        layer = torch.nn.Linear(250, 300)  # 300 KB
        torch.nn.init.zeros_(layer.bias)
        trial.keep(layer=layer)
        for epoch in trial.epochs():
            with torch.no_grad():
                layer.bias.add_(1)
            trial.report(loss=config["x"] + 1 / epoch, steps=layer.bias[0])

    # The four best come first: all of them go on, and there is room for two while they wait.
    values = {"x": {"values": list(range(1, 13))}}
    results = nightsweep.run(
        train, values, trials=12, out=tmp_path / "run", checkpoints={"max": "1MB"}, **GRID
    )
    reasons = {reason for _, _, reason in interruptions(results)}
    assert len(reasons) == 1, "nobody went on without its checkpoint, so this shows nothing"
    assert reasons.pop().startswith("its checkpoint after epoch 1 is gone (removed for want of")
    assert (results.curves["steps"] == results.curves["epoch"]).all()
    ends = {known.id: (str(known.status), known.epoch) for known in results.study.trials.values()}
    assert ends == undisturbed(results.sweep)
    kept = {
        known.id: checkpoint.size(results.folder.trial(known.id), known.saved)
        for known in results.study.trials.values()
    }
    assert sum(kept.values()) <= 10**6
    assert results.best is not None
    assert kept[results.best.trial] > 300_000
    assert leftovers(results.folder.path) == []
