from __future__ import annotations

import json
import math
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening
    from tests.conftest import Command

GOOD = """\
train: fit.py:train
metric: loss
parameters:
  lr: {min: 1e-5, max: 1.0, log: true}
max_epochs: 9
trials: 20
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sweep file that is right, beside its training function."""
    (tmp_path / "fit.py").write_text("def train(config, trial): ...\n")
    return write(tmp_path, GOOD)


def write(folder: Path, text: str) -> Path:
    path = folder / "sweep.yaml"
    path.write_text(text)
    return path


def strictly(text: str) -> Any:
    """JSON as other programs read it: without NaN."""

    def refuse(word: str) -> float:
        raise AssertionError(f"{word} is not JSON")

    return json.loads(text, parse_constant=refuse)


def test_init_writes_files_and_does_not_overwrite_them(
    nightsweep: Command, tmp_path: Path
) -> None:
    assert nightsweep("init", "lab") == (
        0,
        "wrote lab/sweep.yaml\nwrote lab/train.py\nwrote lab/sweep.schema.json\n"
        "try it: nightsweep run lab/sweep.yaml\n",
        "",
    )
    (tmp_path / "lab" / "train.py").write_text("mine")
    assert nightsweep("init", "lab") == (
        2,
        "",
        "nightsweep: lab/sweep.yaml, lab/train.py, lab/sweep.schema.json exists already; "
        "name another folder\n",
    )
    assert (tmp_path / "lab" / "train.py").read_text() == "mine"


def test_check_says_that_a_file_is_right(nightsweep: Command, file: Path) -> None:
    told = nightsweep("check", file.name)
    assert (told.code, told.err) == (0, "")
    assert told.out.startswith("sweep.yaml is right.\n20 trials of fit.py:train, up to 9 epochs")


def test_check_prints_the_resolved_sweep_as_json(nightsweep: Command, file: Path) -> None:
    told = nightsweep("check", file, "--json")
    sweep = strictly(told.out)
    assert (told.code, told.err) == (0, "")
    assert (sweep["trials"], sweep["scheduler"]["name"]) == (20, "asha")


def test_status_prints_json(nightsweep: Command, finished: Evening) -> None:
    status = strictly(nightsweep("status", "run", "--json").out)
    assert (status["driver"], status["done"]) == ("ended", True)
    assert status["trials"] == {"completed": 2, "stopped": 4}
    assert status["best"]["config"] == {"x": 2, "depth": 2}


def test_report_writes_the_tables_anew_and_prints_json(
    nightsweep: Command, finished: Evening
) -> None:
    report = strictly(nightsweep("report", "run", "--json").out)
    names = ["trials.csv", "trials.parquet", "curves.csv", "curves.parquet"]
    assert report["tables"] == [str(finished.folder.path / name) for name in names]
    assert all((finished.folder.path / name).is_file() for name in names)


def test_best_prints_yaml_or_json(nightsweep: Command, finished: Evening) -> None:
    assert yaml.safe_load(nightsweep("best", "run").out) == {"x": 2, "depth": 2}
    best = strictly(nightsweep("best", "run", "--json").out)
    assert best == {
        "trial": 2,
        "epoch": 3,
        "value": 0.125,
        "config": {"x": 2, "depth": 2},
        "metrics": {"loss": 0.125},
        "checkpoint": str(finished.folder.path / "trials" / "2" / "epoch-3"),
    }


@pytest.mark.parametrize("command", ["status", "report", "best"])
def test_json_is_json_where_a_metric_is_not_a_number(
    nightsweep: Command, evening: Evening, command: str
) -> None:
    evening.search(f1=math.nan)
    evening.close()
    told = nightsweep(command, "run", "--json")
    assert told.code == 0
    assert (
        "f1"
        in (strictly(told.out) if command == "best" else strictly(told.out)["best"])["metrics"]
    )


def test_a_cut_last_line_of_the_journal_is_left_out(
    nightsweep: Command, finished: Evening
) -> None:
    with finished.folder.journal.open("a") as journal:
        journal.write('{"time": 1, "eve')
    assert strictly(nightsweep("status", "run", "--json").out)["done"] is True


def test_the_schema_is_printed_as_json(nightsweep: Command) -> None:
    schema = strictly(nightsweep("schema").out)
    assert schema["title"] == "nightsweep sweep file"


def test_the_version_is_printed(nightsweep: Command) -> None:
    told = nightsweep("--version")
    assert (told.code, told.out.split()[0]) == (0, "nightsweep")
