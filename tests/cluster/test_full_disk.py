"""Disks that are full, or away, while a sweep runs: real ones, small enough to be filled."""

from __future__ import annotations

import contextlib
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pandas as pd
import psutil
import pytest

import nightsweep

from ..chaos.disk import small_disk
from .disturb import DONE, SAME, SWEEP, TRAIN, driver, reports, said, until, until_reports, write

pytestmark = [pytest.mark.ray, pytest.mark.slow]

RESUME_ME = 75
TRIALS = 10
ALL = SWEEP.replace("trials: 16", f"trials: {TRIALS}") + "scheduler: none\n"
NO_STATE = TRAIN.replace("    trial.keep(model=model, optimizer=optimizer)\n", "")
DRIVER_WAITS = "is full: waiting until it can be written, nothing is lost"


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Path]:
    """A folder whose `run` lies on a small disk, `disk`, and can be away."""
    with small_disk(tmp_path / "disk", megabytes=2) as mounted:
        if not mounted:
            pytest.skip("needs the right to mount a small disk, which is to be filled")
        (tmp_path / "run").mkdir()
        attach(tmp_path)
        try:
            yield tmp_path
        finally:
            for child in psutil.Process().children():  # it would wait for ever
                if child.status() != "zombie" and child.cwd() == str(tmp_path):
                    child.kill()
            detach(tmp_path)


def attach(place: Path) -> None:
    subprocess.run(["mount", "--bind", place / "disk", place / "run"], check=True)


def detach(place: Path) -> None:
    subprocess.run(["umount", "--lazy", place / "run"], check=True)


@contextlib.contextmanager
def full(place: Path) -> Iterator[None]:
    """No byte is free meanwhile."""
    filler = place / "disk" / "filler"
    try:
        with filler.open("wb", buffering=0) as file, contextlib.suppress(OSError):
            while True:
                file.write(bytes(1 << 12))
        yield
    finally:
        filler.unlink()


@contextlib.contextmanager
def away(place: Path) -> Iterator[None]:
    """What is mounted is an empty folder meanwhile."""
    detach(place)
    try:
        yield
    finally:
        attach(place)


def until_said(
    words: str, place: Path, process: subprocess.Popen[bytes], *, more_than: int = 0
) -> None:
    def is_said() -> bool:
        assert process.poll() is None, said(place)
        return said(place).count(words) > more_than

    until(is_said)


def trials(place: Path) -> pd.DataFrame:
    return nightsweep.load(place / "run").trials


def unfinished(place: Path) -> list[Path]:
    """Files and folders on their way to their names."""
    return [*place.glob("run/.*"), *place.glob("run/trials/*/.*")]


def test_trials_that_cannot_be_saved_wait_and_come_to_the_undisturbed_result(
    place: Path, expected: pd.DataFrame
) -> None:
    process = driver(write(place), "run", "toy.yaml", "--out", "run")
    until_reports(place, 5, process)
    with full(place):
        until_said("is full", place, process)
        assert reports(place) < 40
    until_reports(place, reports(place) + 1, process)
    before = said(place).count("is full")
    with full(place):
        until_said("is full", place, process, more_than=before)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == RESUME_ME, said(place)
        assert unfinished(place) == []
    process = driver(place, "resume", "run")
    until_reports(place, reports(place) + 2, process)
    with away(place):
        until_said("cannot be written (No such file or directory)", place, process)
        assert list((place / "run").iterdir()) == [], "nothing is written in the wrong place"
    assert process.wait(300) == DONE, said(place)
    assert "Traceback" not in said(place)
    pd.testing.assert_frame_equal(trials(place)[SAME], expected)
    assert unfinished(place) == []


def test_a_driver_waits_for_room_for_its_journal_and_can_be_stopped_meanwhile(
    place: Path,
) -> None:
    write(place, sweep=ALL, train=NO_STATE)
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 2, process)
    with full(place):
        until_said(DRIVER_WAITS, place, process)
    until_said("the run could be written again after", place, process)
    with full(place):
        until_said(DRIVER_WAITS, place, process, more_than=1)
        process.send_signal(signal.SIGTERM)
        assert process.wait(60) == RESUME_ME, said(place)
        assert len(trials(place)) < TRIALS, "what was recorded can be read"
    assert "Traceback" not in said(place)
    assert driver(place, "resume", "run").wait(300) == DONE, said(place)
    assert list(trials(place)["epochs"]) == [9] * TRIALS
    assert set(trials(place)["status"]) == {"completed"}
