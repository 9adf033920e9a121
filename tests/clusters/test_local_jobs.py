"""A job in the background of this machine: stopped, submitted again, and what came of it."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

import nightsweep

pytestmark = pytest.mark.clusters

SWEEP = """
name: slow
train: fit.py:train
metric: loss
parameters: {lr: {min: 0.1, max: 1.0}}
sampler: random
max_epochs: 4
trials: 3
slots: 1
"""
TRAIN = """
import time
import torch

def train(config, trial):
    trial.keep(model=torch.nn.Linear(1, 1))
    for epoch in trial.epochs():
        time.sleep(0.5)
        trial.report(loss=config["lr"] / epoch)
"""


def nightsweep_says(folder: Path, *words: object) -> str:
    command = [sys.executable, "-m", "nightsweep", *map(str, words)]
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr
    return done.stdout


def until(holds: Callable[[], bool], seconds: float = 90) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come to pass"
        time.sleep(0.2)


def test_a_job_is_stopped_cleanly_and_goes_on_when_it_is_submitted_again(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "fit.py").write_text(TRAIN)
    run = tmp_path / "runs/one"
    submit = ("submit", "sweep.yaml", "--to", "local", "--out", "runs/one")
    assert "submitted" in nightsweep_says(tmp_path, *submit)
    journal = run / "journal.jsonl"
    until(lambda: journal.exists() and '"reported"' in journal.read_text())
    assert "submitted before, and running" in nightsweep_says(tmp_path, *submit)
    assert "nightsweep submit goes on" in nightsweep_says(tmp_path, "stop", "runs/one")
    nightsweep_says(tmp_path, "logs", "-f", "runs/one")
    assert "stopped: nightsweep submit goes on with it" in nightsweep_says(
        tmp_path, "status", "runs/one"
    )
    trained = len(nightsweep.load(run).curves)
    assert 0 < trained < 12
    nightsweep_says(tmp_path, "submit", "sweep.yaml", "--to", "local")  # finds the run by itself
    nightsweep_says(tmp_path, "logs", "-f", "runs/one")
    results = nightsweep.load(run)
    assert results.ledger.done
    curves = results.curves.groupby("trial")["epoch"].apply(list)
    assert all(epochs == list(range(1, len(epochs) + 1)) for epochs in curves)
    assert [path.name for path in (tmp_path / "runs").iterdir()] == ["one"]
    assert "done" in nightsweep_says(tmp_path, "jobs")
