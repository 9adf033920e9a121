"""Disks that are full while a sweep runs: real ones, small, with a file that takes all room."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import pytest

import nightsweep

from ..chaos.disk import small_disk
from .disturb import DONE, SAME, SWEEP, TRAIN, driver, reports, said, until, until_reports, write

pytestmark = pytest.mark.ray

RESUME_ME = 75
TRIALS = 4
FEW = SWEEP.replace("trials: 16", f"trials: {TRIALS}") + "scheduler: none\n"
NO_STATE = TRAIN.replace("    trial.keep(model=model, optimizer=optimizer)\n", "")


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder whose `run` is a disk of its own."""
    with small_disk(tmp_path / "run", megabytes=2) as mounted:
        if not mounted:
            pytest.skip("needs the right to mount a small disk, which is to be filled")
        yield tmp_path


@contextlib.contextmanager
def full(place: Path) -> Iterator[None]:
    """No byte is free meanwhile."""
    filler = place / "run" / "filler"
    try:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 12))
        yield
    finally:
        filler.unlink()


def until_said(place: Path, words: str, process: subprocess.Popen[bytes]) -> None:
    def is_said() -> bool:
        assert process.poll() is None, said(place)
        return words in said(place)

    until(is_said)


def trials(place: Path) -> pd.DataFrame:
    return nightsweep.load(place / "run").trials


def test_trials_that_cannot_be_saved_wait_for_room_and_come_to_the_undisturbed_result(
    place: Path, expected: pd.DataFrame
) -> None:
    process = driver(write(place), "run", "toy.yaml", "--out", "run")
    until_reports(place, 5, process)
    with full(place):
        until_said(place, "is full", process)
        recorded = reports(place)
        left = [path.name for path in place.glob("run/trials/*/.writing-*")]
        assert left == [], "half a checkpoint lies about while there is no room"
        assert recorded < 40, "it waits"
    assert process.wait(300) == DONE, said(place)
    pd.testing.assert_frame_equal(trials(place)[SAME], expected)
    assert list(place.glob("run/.*")) + list(place.glob("run/trials/*/.*")) == []


def test_a_driver_waits_for_room_for_its_journal_and_can_be_stopped_meanwhile(
    place: Path,
) -> None:
    process = driver(write(place, sweep=FEW, train=NO_STATE), "run", "toy.yaml", "--out", "run")
    until_reports(place, 2, process)
    with full(place):
        until_said(place, "is full: waiting until it can be written", process)
    until_said(place, "the run could be written again after", process)
    with full(place):
        until(lambda: said(place).count("is full: waiting until it can be written") == 2)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == RESUME_ME, said(place)
        assert len(trials(place)) < TRIALS, "what was recorded can be read"
    assert "Traceback" not in said(place)
    assert driver(place, "resume", "run").wait(300) == DONE, said(place)
    assert list(trials(place)["epochs"]) == [9] * TRIALS
    assert set(trials(place)["status"]) == {"completed"}
