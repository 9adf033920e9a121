"""From a sweep's settings to what trains: its data, and when it is looked at."""

from __future__ import annotations

from pathlib import Path

import pytest

from nightsweep.search.errors import DataError, TrainingFunctionError
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.ready import ReadyMade, chosen


def test_workers_are_told_whole_paths_since_code_that_travels_lies_elsewhere(
    tmp_path: Path,
) -> None:
    (tmp_path / "my data.csv").write_text("a,target\n" + "1,x\n2,y\n3,x\n4,y\n" * 9)
    made = chosen(Sweep(trainable="tabular", data="my data.csv"), tmp_path)
    assert isinstance(made, ReadyMade)
    assert made.data == [str(tmp_path / "my data.csv")]
    assert made.load(Path("travelled")).data == made.data


def test_a_known_set_is_no_path(tmp_path: Path) -> None:
    made = chosen(Sweep(trainable="tabular", data="sklearn:iris"), tmp_path)
    assert isinstance(made, ReadyMade)
    assert made.data == ["sklearn:iris"]


def test_data_is_looked_at_where_it_is_and_left_to_the_nodes_where_it_is_not(
    tmp_path: Path,
) -> None:
    sweep = Sweep(trainable={"name": "tabular", "target": "price"}, data="my.csv")
    chosen(sweep, tmp_path)
    (tmp_path / "my.csv").write_text("a,b\n1,2\n")
    with pytest.raises(DataError, match="target 'price' is not one of the columns a, b"):
        chosen(sweep, tmp_path)


def test_what_is_ready_made_trains_in_one_process(tmp_path: Path) -> None:
    sweep = Sweep(trainable="tabular", data="sklearn:iris", resources={"processes": 2})
    with pytest.raises(TrainingFunctionError, match="trainable tabular trains in one process"):
        chosen(sweep, tmp_path)
