from __future__ import annotations

import json
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest

from nightsweep.cluster.changes import changes_on_disk, differences
from nightsweep.search.errors import SweepError
from nightsweep.search.results import Results
from nightsweep.search.sweep import Sweep

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening

X = {"values": [1, 2, 3, 4, 5, 6]}
HINT = "Put {key} back, start a new run, or add --as-begun to go on without the changes"
ANEW = "start a new run with from: this one, which takes its results over where they fit"


@pytest.fixture
def file(tmp_path: Path, evening: Evening) -> Path:
    """The sweep file that the run was started from."""
    path = tmp_path / "grid.yaml"
    evening.write_header(source=str(path), copy="sweep.yaml", given={})
    edit(path)
    edit(evening.folder.path / "sweep.yaml")
    return path


def edit(path: Path, **changes: Any) -> None:
    """Write the sweep file that the run began with, with changes. JSON is YAML."""
    values: dict[str, Any] = {
        "train": "nightsweep.trainables.digits:train",
        "metric": "loss",
        "parameters": {"x": X, "depth": 2},
        "sampler": "grid",
        "scheduler": {"name": "asha", "audit": 0},
        "trials": 6,
        "max_epochs": 3,
    }
    path.write_text(json.dumps(values | changes, indent=0))


def found(evening: Evening) -> dict[str, Any]:
    return changes_on_disk(evening.keeper.results(evening.study))


def refusal(evening: Evening) -> list[str]:
    with pytest.raises(SweepError) as caught:
        found(evening)
    return str(caught.value).splitlines()


@pytest.mark.usefixtures("file")
def test_a_file_that_is_as_it_was_changes_nothing(evening: Evening) -> None:
    assert found(evening) == {}


def test_a_run_without_a_file_changes_nothing(evening: Evening) -> None:
    assert found(evening) == {}


def test_a_file_that_is_gone_changes_nothing(evening: Evening, file: Path) -> None:
    file.unlink()
    (evening.folder.path / "sweep.yaml").unlink()
    assert found(evening) == {}


def test_more_trials_are_a_change_that_a_run_can_go_on_with(evening: Evening, file: Path) -> None:
    edit(file, trials=60)
    assert found(evening) == {"trials": 60}


def test_trials_time_slots_and_resources_may_change(evening: Evening, file: Path) -> None:
    edit(file, trials=60, time="2h", slots=4, resources={"gpus": 0.5})
    assert found(evening) == {
        "trials": 60,
        "time": 7200.0,
        "slots": 4,
        "resources": {"cpus": 1.0, "gpus": 0.5, "processes": 1},
    }


def test_what_was_found_can_be_changed_in_the_run_and_read_again(
    evening: Evening, file: Path
) -> None:
    edit(file, trials=60, time="2h", slots=4, resources={"gpus": 0.5})
    evening.study.change(**found(evening))
    assert evening.study.sweep.resources.gpus == 0.5
    assert Results.load(evening.folder.path).study.sweep == evening.study.sweep


@pytest.mark.usefixtures("file")
def test_the_copy_in_the_run_folder_may_be_edited_too(evening: Evening) -> None:
    edit(evening.folder.path / "sweep.yaml", trials=60)
    assert found(evening) == {"trials": 60}


def test_a_change_that_the_run_has_taken_over_is_none_any_more(
    evening: Evening, file: Path
) -> None:
    edit(file, trials=60)
    evening.study.change(trials=60)
    assert found(evening) == {}


def test_an_edit_from_before_another_change_does_not_undo_it(evening: Evening, file: Path) -> None:
    edit(file, trials=60)
    os.utime(file, (0, 0))
    evening.study.change(trials=100)
    assert found(evening) == {}


def test_what_the_command_line_gave_is_no_edit_of_the_file(evening: Evening, file: Path) -> None:
    edit(file, trials=99)
    evening.write_header(given={"trials": 6})
    assert found(evening) == {}


def test_name_and_training_function_may_be_written_otherwise(evening: Evening, file: Path) -> None:
    edit(file, name="renamed", train="elsewhere:train")
    assert found(evening) == {}


def test_another_range_and_more_epochs_are_changes_that_a_run_can_go_on_with(
    evening: Evening, file: Path
) -> None:
    edit(file, parameters={"x": {"values": [1, 2]}, "depth": 2}, max_epochs=9)
    evening.study.change(**found(evening))
    assert evening.study.sweep.max_epochs == 9
    assert evening.study.sweep.space.parameters["x"].contains(2)
    assert not evening.study.sweep.space.parameters["x"].contains(3)
    assert Results.load(evening.folder.path).study.sweep == evening.study.sweep


def test_a_parameter_more_or_less_is_refused(evening: Evening, file: Path) -> None:
    edit(file, parameters={"x": X, "width": 8})
    assert refusal(evening) == [
        f"{evening.folder.path}: parameters.depth: changed since the run began, in {file}: "
        f"2 became nothing; depth cannot be taken out of a run; {ANEW}. "
        + HINT.format(key="parameters.depth"),
        f"{evening.folder.path}: parameters.width: changed since the run began, in {file}: "
        f"nothing became 8; width cannot be added to a run; {ANEW}. "
        + HINT.format(key="parameters.width"),
    ]


def test_every_change_that_cannot_be_is_listed_beside_those_that_can(
    evening: Evening, file: Path
) -> None:
    edit(file, trials=60, seed=7, max_epochs=2)
    lines = refusal(evening)
    assert [line.split(": ")[1] for line in lines] == ["max_epochs", "seed"]
    assert "3 became 2; max_epochs can only grow" in lines[0]
    assert "0 became 7; a run can go on with other trials, time, " in lines[1]


def test_a_file_that_is_wrong_now_is_refused_with_its_line(evening: Evening, file: Path) -> None:
    edit(file, trials=0)
    (line,) = refusal(evening)
    assert line.startswith(f"{file}:")
    assert line.endswith(": trials: must be at least 1, not 0")


def test_differences_are_named_by_key_and_parameter() -> None:
    def sweep(**changes: Any) -> Sweep:
        return Sweep(**{"metric": "loss", "parameters": {"x": X, "y": 1}} | changes)

    assert differences(sweep(), sweep()) == []
    assert differences(sweep(), sweep(parameters={"x": X, "z": 1}, scheduler="none")) == [
        "parameters.y",
        "parameters.z",
        "scheduler",
    ]
