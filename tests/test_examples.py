"""The first examples run as they stand, in processes of their own; the others: tests/examples."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nightsweep

EXAMPLES = Path(__file__).parents[1] / "examples"

pytestmark = pytest.mark.ray


@pytest.mark.parametrize("name", ["own_function.py", "ray_tune_function.py"])
def test_a_script_runs_to_its_end(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "all 20 trials are decided" in done.stdout
    [run] = (tmp_path / "runs").iterdir()
    results = nightsweep.load(run)
    assert results.best is not None
    assert results.best.value < 0.01
    assert results.trials["status"].isin(["completed", "stopped", "diverged"]).all()


@pytest.mark.parametrize("name", ["digits.yaml"])
def test_a_sweep_file_runs_to_its_end(name: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightsweep", "run", str(EXAMPLES / name), "--out", "run"]
    done = subprocess.run(
        [*command, "--trials", "12"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "all 12 trials are decided" in done.stdout


def test_what_init_writes_runs_to_its_end(tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightsweep"]
    subprocess.run([*command, "init", "mine"], cwd=tmp_path, check=True, capture_output=True)
    run = [*command, "run", "mine/sweep.yaml", "--out", "run", "--trials", "6"]
    done = subprocess.run(run, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert nightsweep.load(tmp_path / "run").trials["status"].isin(["completed", "stopped"]).all()
