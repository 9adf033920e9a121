"""`run FILE --out RUN --resume`, where the file does not lie where it was: code that travelled."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import yaml

from ..conftest import Command
from .conftest import GRID, Evening


def lying_in(folder: Path, **changes: object) -> Path:
    folder.mkdir()
    file = folder / "grid.yaml"
    file.write_text(yaml.safe_dump(GRID | changes))
    return file


def test_a_run_goes_on_with_its_sweep_file_where_that_lies_now(
    begin: Callable[..., Evening], nightsweep: Command, tmp_path: Path
) -> None:
    file = lying_in(tmp_path / "now", train="fit.py:train")
    (tmp_path / "now" / "fit.py").write_text("def train(config, trial): ...\n")
    evening = begin(train="fit.py:train")
    evening.write_header(folder=str(tmp_path / "gone"), source=str(tmp_path / "gone/grid.yaml"))
    evening.search()
    evening.close()
    assert nightsweep("resume", "run").code == 2
    assert nightsweep("run", file, "--out", "run", "--resume").code == 0
    header = json.loads(evening.folder.resolved.read_text())
    assert (header["folder"], header["source"]) == (str(file.parent), str(file))
    assert nightsweep("resume", "run").code == 0


def test_a_file_that_says_something_else_is_refused_there_too(
    evening: Evening, nightsweep: Command, tmp_path: Path
) -> None:
    evening.search()
    evening.close()
    file = lying_in(tmp_path / "now", seed=7)
    told = nightsweep("run", file, "--out", "run", "--resume")
    assert told.code == 2
    assert "seed" in told.err
    told = nightsweep("run", tmp_path / "now/mistyped.yaml", "--out", "run", "--resume")
    assert (told.code, "no such file" in told.err) == (2, True)
    header = json.loads(evening.folder.resolved.read_text())
    assert header.get("source") != str(file)  # the run is as it was
