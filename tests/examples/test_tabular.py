"""The examples of `trainable: tabular` run as they stand, with fewer trials."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nightsweep

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [pytest.mark.examples, pytest.mark.ray]


def test_a_sweep_of_a_known_set_finds_a_good_network(tmp_path: Path) -> None:
    file = str(EXAMPLES / "digits_tabular.yaml")
    command = [sys.executable, "-m", "nightsweep", "run", file, "--out", "run", "--trials", "4"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    best = nightsweep.load(tmp_path / "run").best
    assert best is not None
    assert best.metrics["test_accuracy"] > 0.9


def test_a_program_with_a_table_of_its_own_runs_to_its_end(tmp_path: Path) -> None:
    short = (EXAMPLES / "tabular.py").read_text().replace("trials=20", "trials=4")
    (tmp_path / "tabular.py").write_text(short)
    done = subprocess.run(
        [sys.executable, "tabular.py"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "all 4 trials are decided" in done.stdout
    assert "best/test_rmse" in done.stdout


def test_a_table_with_a_mistake_is_refused_in_a_sentence(tmp_path: Path) -> None:
    (tmp_path / "my.csv").write_text("area,price\n50,1\n60,2\n")
    (tmp_path / "sweep.yaml").write_text(
        "trainable: {name: tabular, target: prize}\ndata: my.csv\n"
    )
    command = [sys.executable, "-m", "nightsweep", "run", "sweep.yaml"]
    done = subprocess.run(command, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 2
    assert "target 'prize' is not one of the columns area, price. Did you mean \"price\"?" in (
        done.stderr
    )
    assert "Traceback" not in done.stderr
