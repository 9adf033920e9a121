"""Drivers that are killed, stopped or refused: real processes, each with a Ray of its own."""

from __future__ import annotations

import os
import random
import signal
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pandas as pd
import psutil
import pytest

import nightsweep
from nightsweep.search.events import Closed, Interrupted, Reported
from nightsweep.search.journal import read

from .disturb import (
    SAME,
    SWEEP,
    TRAIN,
    driver,
    kill_driver,
    kill_machine,
    killed_on_and_on,
    offspring,
    said,
    until_reports,
    write,
)

pytestmark = pytest.mark.ray

Kill = Callable[[subprocess.Popen[bytes]], None]


@pytest.fixture
def place(tmp_path: Path) -> Path:
    return write(tmp_path)


@pytest.mark.parametrize("kill", [kill_driver, pytest.param(kill_machine, marks=pytest.mark.slow)])
def test_a_sweep_killed_at_any_moment_resumes_to_the_undisturbed_result(
    place: Path, expected: pd.DataFrame, kill: Kill
) -> None:
    assert killed_on_and_on(place, times=2, chance=random.Random(1), every=30, kill=kill) == 2
    results = nightsweep.load(place / "run")
    pd.testing.assert_frame_equal(results.trials[SAME], expected)
    assert results.study.trained == expected["epochs"].sum()
    assert results.trials["attempts"].max() > 1, "no trial was disturbed, so this shows nothing"


def test_ctrl_c_stops_cleanly_and_resumes_to_the_undisturbed_result(
    place: Path, expected: pd.DataFrame
) -> None:
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 12, process)
    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: to every process of the group
    assert process.wait(60) == 75
    assert "to go on: nightsweep resume run" in said(place)
    stopped = nightsweep.load(place / "run")
    assert stopped.ledger.ended_because == "stopped by SIGINT"
    assert not stopped.study.running
    assert driver(place, "resume", "run").wait(120) == 0
    pd.testing.assert_frame_equal(nightsweep.load(place / "run").trials[SAME], expected)


def test_sigterm_to_every_process_of_a_job_saves_what_runs(tmp_path: Path) -> None:
    """As Slurm and systemd send it: to the driver, its Ray and its workers alike."""
    slow = TRAIN.replace("time.sleep(0.05)", "time.sleep(0.5)")
    place = write(tmp_path, sweep=SWEEP + "scheduler: none\n", train=slow)
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 3, process)
    for one in [*offspring(process), psutil.Process(process.pid)]:
        one.terminate()
    assert process.wait(15) == 75, "Ray's processes heard the signal"
    *_, reported, interrupted, closed = (
        entry.event for entry in read(place / "run" / "journal.jsonl")
    )
    assert isinstance(closed, Closed)
    assert closed.reason == "stopped by SIGTERM"
    assert isinstance(reported, Reported)
    assert isinstance(interrupted, Interrupted)
    assert interrupted.epoch == reported.epoch >= 3, "epochs were lost"
    assert (place / f"run/trials/1/epoch-{interrupted.epoch}").is_dir()


@pytest.mark.slow
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
    time.sleep(1.2)  # sooner, it would be taken for the first
    process.send_signal(signal.SIGINT)
    assert process.wait(5) == 130
    assert nightsweep.load(place / "run").study.trained >= 1


@pytest.mark.slow
def test_a_sweep_file_that_changed_is_refused_or_taken_over(place: Path) -> None:
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 3, process)
    process.terminate()
    process.wait(60)
    (place / "toy.yaml").write_text(SWEEP.replace("seed: 1", "seed: 2"))
    assert driver(place, "resume", "run").wait(60) == 2
    assert "seed: changed since the run began" in (place / "out.txt").read_text()
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
