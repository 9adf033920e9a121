"""The three sweeps of tumours, from the command line, with few trials each."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nightsweep

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [pytest.mark.ray, pytest.mark.examples]


@pytest.mark.parametrize(
    ("name", "tested"),
    [
        ("breast_cancer.yaml", "test_score"),
        ("breast_cancer_linear.yaml", "test_score"),
        ("breast_cancer_boosting.yaml", "test_accuracy"),
    ],
)
def test_a_sweep_by_folds_runs_to_its_end(name: str, tested: str, tmp_path: Path) -> None:
    command = [sys.executable, "-m", "nightsweep", "run", str(EXAMPLES / name), "--out", "run"]
    done = subprocess.run(
        [*command, "--trials", "8"], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    results = nightsweep.load(tmp_path / "run")
    assert results.best is not None
    assert results.best.epoch == 5  # judged by all folds, not by a lucky few
    assert results.best.metrics[tested] > 0.88
    stopped = results.trials["status"] == "stopped"
    assert (results.trials.loc[stopped, "epochs"] >= 2).all()
