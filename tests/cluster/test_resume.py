"""Drivers that are killed, stopped or refused: real processes, each with a Ray of its own."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from pathlib import Path

import pandas as pd
import psutil
import pytest

import nightsweep

pytestmark = pytest.mark.ray

SWEEP = """
name: toy
train: toy.py:train
metric: {name: loss, goal: minimize}
parameters:
  lr: {min: 1e-4, max: 1.0, log: true, default: 1e-2}
  units: {min: 2, max: 16, log: true, step: 2}
max_epochs: 9
trials: 16
slots: 1
seed: 1
"""
TRAIN = """
import time
import torch
from torch import nn

def train(config, trial):
    x = torch.linspace(-1, 1, 64).unsqueeze(1)
    model = nn.Sequential(nn.Linear(1, config["units"]), nn.Tanh(), nn.Dropout(0.1),
                          nn.Linear(config["units"], 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    trial.keep(model=model, optimizer=optimizer)
    for epoch in trial.epochs():
        for rows in torch.randperm(64).split(16):
            loss = ((model(x[rows]) - x[rows].sin()) ** 2).mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        time.sleep(0.05)
        trial.report(loss=loss)
"""
SAME = ["trial", "status", "why", "config/lr", "config/units", "best/loss", "epochs", "origin"]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    (tmp_path / "toy.yaml").write_text(SWEEP)
    (tmp_path / "toy.py").write_text(TRAIN)
    return tmp_path


@pytest.fixture(scope="module")
def undisturbed(tmp_path_factory: pytest.TempPathFactory) -> pd.DataFrame:
    place = tmp_path_factory.mktemp("undisturbed")
    (place / "toy.yaml").write_text(SWEEP)
    (place / "toy.py").write_text(TRAIN)
    assert driver(place, "run", "toy.yaml", "--out", "run").wait(120) == 0
    return nightsweep.load(place / "run").trials[SAME]


def driver(place: Path, *words: str) -> subprocess.Popen[bytes]:
    """A nightsweep command in a process group of its own, as a terminal gives it."""
    with (place / "out.txt").open("ab") as out:
        return subprocess.Popen(
            [sys.executable, "-m", "nightsweep", *words],
            cwd=place,
            stdout=out,
            stderr=out,
            start_new_session=True,
            env={**os.environ, "PYTHONUNBUFFERED": "1"},
        )


def until_reports(place: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the journal holds this many reports."""
    journal = place / "run" / "journal.jsonl"
    for _ in range(1200):
        if journal.exists() and journal.read_text().count('"reported"') >= count:
            return
        assert process.poll() is None, (place / "out.txt").read_text()
        time.sleep(0.05)
    raise AssertionError("no progress in a minute")


def test_a_driver_killed_at_any_moment_resumes_to_the_undisturbed_result(
    place: Path, undisturbed: pd.DataFrame
) -> None:
    process = driver(place, "run", "toy.yaml", "--out", "run")
    for reports in (9, 31):
        until_reports(place, reports, process)
        # Ray's two agents go too, but only after a minute of looking for their dead raylet.
        offspring = psutil.Process(process.pid).children(recursive=True)
        training = [child for child in offspring if "Agent" not in child.name()]
        process.kill()
        process.wait()
        _, alive = psutil.wait_procs(training, timeout=20)
        assert not alive, "Ray outlived the driver that had started it"
        process = driver(place, "resume", "run")
    assert process.wait(120) == 0
    results = nightsweep.load(place / "run")
    pd.testing.assert_frame_equal(results.trials[SAME], undisturbed)
    assert results.study.trained == undisturbed["epochs"].sum()
    assert results.trials["attempts"].max() > 1, "no trial was disturbed, so this shows nothing"


def test_ctrl_c_stops_cleanly_and_resumes_to_the_undisturbed_result(
    place: Path, undisturbed: pd.DataFrame
) -> None:
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 12, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    assert process.wait(60) == 75
    assert "to go on: nightsweep resume run" in (place / "out.txt").read_text()
    stopped = nightsweep.load(place / "run")
    assert stopped.ledger.ended_because == "stopped by SIGINT"
    assert not stopped.study.running
    assert driver(place, "resume", "run").wait(120) == 0
    pd.testing.assert_frame_equal(nightsweep.load(place / "run").trials[SAME], undisturbed)


def test_sigterm_stops_cleanly_too(place: Path) -> None:
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 5, process)
    process.terminate()
    assert process.wait(60) == 75
    closed = json.loads((place / "run/journal.jsonl").read_text().splitlines()[-1])
    assert closed["event"] == "closed"
    assert closed["reason"] == "stopped by SIGTERM"


def test_sigterm_while_ray_starts_stops_cleanly(place: Path) -> None:
    process = driver(place, "run", "toy.yaml", "--out", "run")
    for _ in range(600):
        if (place / "run" / "journal.jsonl").exists():
            break
        time.sleep(0.05)
    time.sleep(0.5)
    process.terminate()
    assert process.wait(60) == 75
    assert nightsweep.load(place / "run").ledger.ended_because == "stopped by SIGTERM"
    assert driver(place, "resume", "run", "--trials", "2").wait(120) == 0


def test_a_second_signal_ends_at_once_and_loses_nothing(place: Path) -> None:
    (place / "toy.py").write_text(TRAIN.replace("time.sleep(0.05)", "time.sleep(5)"))
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 1, process)
    process.send_signal(signal.SIGINT)
    time.sleep(0.5)
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130
    assert nightsweep.load(place / "run").study.trained >= 1


def test_a_sweep_file_that_changed_is_refused_or_taken_over(place: Path) -> None:
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 3, process)
    process.terminate()
    process.wait(60)
    (place / "toy.yaml").write_text(SWEEP.replace("max: 1.0", "max: 0.5"))
    assert driver(place, "resume", "run").wait(60) == 2
    assert "parameters.lr: changed since the run began" in (place / "out.txt").read_text()
    (place / "toy.yaml").write_text(SWEEP.replace("trials: 16", "trials: 3"))
    assert driver(place, "resume", "run").wait(120) == 0
    assert len(nightsweep.load(place / "run").trials) == 3


def test_a_script_can_run_a_sweep_and_the_command_line_resume_it(place: Path) -> None:
    (place / "script.py").write_text(
        TRAIN
        + """
if __name__ == "__main__":
    import nightsweep
    results = nightsweep.run(
        train, {"lr": nightsweep.Float(min=1e-4, max=1.0, log=True), "units": 4},
        metric="loss", max_epochs=3, trials=3, out="run", quiet=True)
    print(results.summary())
"""
    )
    done = subprocess.run([sys.executable, "script.py"], cwd=place, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "all 3 trials are decided" in done.stdout
    assert driver(place, "resume", "run", "--trials", "5").wait(120) == 0
    assert len(nightsweep.load(place / "run").trials) == 5
