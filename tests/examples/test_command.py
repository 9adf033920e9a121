"""The example of a command: a script that is tuned by its own command line."""

from __future__ import annotations

import difflib
import os
import subprocess
import sys
from pathlib import Path

import pytest

import nightsweep

EXAMPLE = Path(__file__).parents[2] / "examples" / "command"

pytestmark = pytest.mark.examples


def test_three_changed_lines_are_enough() -> None:
    before, after = (
        (EXAMPLE / name).read_text().splitlines() for name in ("before.py", "train.py")
    )
    changed = [line for line in difflib.ndiff(before, after) if line[0] == "+"]
    assert [line[2:].strip() for line in changed] == [
        "",
        "from nightsweep_report import report",
        "report(epoch=epoch, val_loss=val_loss, val_accuracy=val_accuracy)",
    ]


@pytest.mark.parametrize("name", ["before.py", "train.py"])
def test_the_script_runs_alone_too(name: str, tmp_path: Path) -> None:
    command = [sys.executable, str(EXAMPLE / name), "--epochs", "2"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert len(done.stdout.splitlines()) == 2
    assert "val_loss" in done.stdout


@pytest.mark.ray
def test_the_sweep_runs_to_its_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightsweep", "run", str(EXAMPLE / "sweep.yaml")]
    path = f"{Path(sys.executable).parent}{os.pathsep}{os.environ['PATH']}"
    done = subprocess.run(
        [*command, "--out", "run", "--trials", "6"],
        cwd=tmp_path, env={**os.environ, "PATH": path}, capture_output=True, text=True,
    )  # fmt: skip
    assert done.returncode == 0, done.stderr
    assert "all 6 trials are decided" in done.stdout
    results = nightsweep.load(tmp_path / "run")
    assert results.best is not None
    assert results.best.value < 0.5
    assert results.trials["status"].isin(["completed", "stopped"]).all()
    assert (tmp_path / "run" / "best" / "checkpoint" / "digits.pt").exists()
