"""Real drivers of a small sweep, and what may be done to them: for tests, and for `make chaos`.

A run that was disturbed must come to what an undisturbed one came to: `same` compares them, and
`Watched` holds on to every line that the journal ever had.
"""

from __future__ import annotations

import os
import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import pandas as pd
import psutil

import nightsweep

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
DONE = 0


def write(place: Path, *, sweep: str = SWEEP, train: str = TRAIN) -> Path:
    """Put the sweep and its training function into a folder."""
    place.mkdir(parents=True, exist_ok=True)
    (place / "toy.yaml").write_text(sweep)
    (place / "toy.py").write_text(train)
    return place


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


def undisturbed(place: Path) -> pd.DataFrame:
    """What a driver that nobody disturbs comes to: one row a trial."""
    assert driver(place, "run", "toy.yaml", "--out", "run").wait(300) == DONE, said(place)
    return nightsweep.load(place / "run").trials[SAME]


def until_reports(place: Path, count: int, process: subprocess.Popen[bytes]) -> None:
    """Wait until the journal holds this many reports, or the driver has ended with 0."""
    for _ in range(1200):
        if reports(place) >= count or process.poll() == DONE:
            return
        assert process.poll() is None, said(place)
        time.sleep(0.05)
    raise AssertionError(f"no progress in a minute:\n{said(place)}")


def until(true: Callable[[], bool]) -> None:
    """Wait for something, a minute at most."""
    for _ in range(1200):
        if true():
            return
        time.sleep(0.05)
    raise AssertionError("it did not come to that in a minute")


def reports(place: Path) -> int:
    """How many reports the journal holds."""
    journal = place / "run" / "journal.jsonl"
    return journal.read_bytes().count(b'"reported"') if journal.exists() else 0


def said(place: Path) -> str:
    """All that the drivers have printed."""
    return (place / "out.txt").read_text(errors="replace")


def offspring(process: subprocess.Popen[bytes]) -> list[psutil.Process]:
    """All that a driver has started: Ray's processes, and those that train."""
    return psutil.Process(process.pid).children(recursive=True)


def kill_driver(process: subprocess.Popen[bytes]) -> None:
    """-9 for the driver alone. All that trained must end with it."""
    # Ray's two agents go too, but only after a minute of looking for their dead raylet.
    training = [child for child in offspring(process) if "Agent" not in child.name()]
    process.kill()
    process.wait()
    _, alive = psutil.wait_procs(training, timeout=20)
    assert not alive, "Ray outlived the driver that had started it"


def kill_machine(process: subprocess.Popen[bytes]) -> None:
    """-9 for the driver and all that it has started, as when the power goes."""
    everything = [psutil.Process(process.pid), *offspring(process)]
    for one in everything:
        one.suspend()  # so that nothing sees another go, as in a power cut
    for one in everything:
        one.kill()
    process.wait()
    psutil.wait_procs(everything, timeout=20)


@dataclass(slots=True)
class Watched:
    """A journal between drivers: what was whole in it once must be in it ever after."""

    place: Path
    lines: bytes = b""

    def look(self) -> None:
        """Compare with what was there at the last look. Errors: AssertionError."""
        journal = (self.place / "run" / "journal.jsonl").read_bytes()
        assert journal.startswith(self.lines), "a line of the journal was lost or changed"
        self.lines = journal[: journal.rfind(b"\n") + 1]  # a cut last line counts for nothing


def killed_on_and_on(
    place: Path,
    *,
    times: int,
    chance: random.Random,
    every: int,
    kill: Callable[[subprocess.Popen[bytes]], None] = kill_driver,
) -> int:
    """Run the sweep; kill its driver after 1 to `every` more reports, so many times.

    Each time the next driver resumes. Returns how often it came to that before the sweep was
    done; the journal was watched meanwhile.
    """
    watched, kills = Watched(place), 0
    process = driver(place, "run", "toy.yaml", "--out", "run")
    while kills < times:
        until_reports(place, reports(place) + chance.randint(1, every), process)
        time.sleep(chance.random() * 0.2)  # anywhere between two reports
        if process.poll() is not None:
            break
        kill(process)
        kills += 1
        watched.look()
        process = driver(place, "resume", "run")
    assert process.wait(300) == DONE, said(place)
    watched.look()
    return kills
