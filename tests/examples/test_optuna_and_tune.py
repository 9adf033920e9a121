"""The examples of an Optuna objective and of a Ray Tune class run as they stand."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import nightsweep

EXAMPLES = Path(__file__).parents[2] / "examples"

pytestmark = [pytest.mark.examples, pytest.mark.timeout(600)]


@pytest.mark.parametrize("name", ["optuna_objective.py", "ray_tune_class.py"])
def test_it_runs_to_its_end_and_finds_what_is_good(name: str, tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, str(EXAMPLES / name)], cwd=tmp_path, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr
    assert "all 20 trials are decided" in done.stdout
    [run] = (tmp_path / "runs").iterdir()
    results = nightsweep.load(run)
    assert results.best is not None
    good = results.best.value > 0.9 if "optuna" in name else results.best.value < 0.4
    assert good, results.summary()
    assert results.trials["status"].isin(["completed", "stopped", "diverged"]).all()
