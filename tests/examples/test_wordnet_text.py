"""WordNet's glosses, as a table that the text trainable learns from."""

from __future__ import annotations

import csv
import subprocess
import sys
from pathlib import Path

import pytest

EXAMPLE = Path(__file__).parents[2] / "examples" / "wordnet_text.py"
WORDNET = Path("/usr/share/wordnet")

pytestmark = [
    pytest.mark.examples,
    pytest.mark.skipif(not (WORDNET / "data.noun").exists(), reason="needs wordnet-base"),
]


def test_glosses_become_a_table_of_which_the_text_trainable_learns(tmp_path: Path) -> None:
    write = [sys.executable, str(EXAMPLE), str(WORDNET), "--rows", "60"]
    subprocess.run(write, cwd=tmp_path, check=True)
    with (tmp_path / "glosses.csv").open(newline="") as file:
        rows = list(csv.DictReader(file))
    assert len(rows) == 600
    assert len({row["label"] for row in rows}) == 10
    sweep = [
        sys.executable, "-m", "nightsweep", "run", "--trainable", "text", "--data", "glosses.csv",
        "--target", "label", "--trials", "3", "--out", "run",
    ]  # fmt: skip
    done = subprocess.run(sweep, cwd=tmp_path, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert "all 3 trials are decided" in done.stdout
    assert "test_accuracy" in done.stdout
