"""`nightsweep import`, as a user sees it."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightsweep.search.sweepfile import load

if TYPE_CHECKING:
    from tests.conftest import Command

FILES = Path(__file__).parents[1] / "search" / "imports" / "files"


def given(name: str, to: str) -> None:
    shutil.copy(FILES / name, to)


def test_it_writes_a_sweep_file_beside_the_other_and_says_what_changes(
    nightsweep: Command, tmp_path: Path
) -> None:
    given("wandb.yaml", "sweep.yaml")
    told = nightsweep("import", "sweep.yaml")
    assert told.code == 0
    assert told.out == "wrote nightsweep.yaml; what it means: nightsweep check nightsweep.yaml\n"
    lines = told.err.splitlines()
    assert "no counterpart: project, entity" in lines
    assert any(line.startswith("parameters.dropout: was normal(0.3, 0.1)") for line in lines)
    assert load(tmp_path / "nightsweep.yaml").name == "sweepdemo"


def test_what_it_writes_is_right_to_check(nightsweep: Command, tmp_path: Path) -> None:
    given("wandb.yaml", "sweep.yaml")
    (tmp_path / "train.py").touch()
    nightsweep("import", "sweep.yaml")
    told = nightsweep("check", "nightsweep.yaml")
    assert (told.code, told.err) == (0, "")
    assert "40 trials of trainable command" in told.out


def test_a_file_beside_it_is_read_too(nightsweep: Command, tmp_path: Path) -> None:
    given("nni-config.yml", "config.yml")
    given("nni-search-space.json", "nni-search-space.json")
    assert nightsweep("import", "config.yml", "--out", "mine.yaml").code == 0
    assert load(tmp_path / "mine.yaml").parameters["epochs"] == 9


def test_a_sweep_without_a_name_is_called_as_its_file(nightsweep: Command, tmp_path: Path) -> None:
    given("nni-search-space.json", "search space.json")
    told = nightsweep("import", "search space.json")
    assert "put in what trains there" in told.out
    assert load(tmp_path / "nightsweep.yaml").name == "search-space"


def test_a_format_that_cannot_be_told_can_be_named(nightsweep: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text("parameters: {x: {min: 0.0, max: 1.0}}\n")
    told = nightsweep("import", "a.yaml")
    assert told.code == 2
    assert told.err == (
        "nightsweep: a.yaml: looks like no sweep that is known here; name its format: --format "
        "determined, hydra, katib, nni, syne-tune or wandb\n"
    )
    assert nightsweep("import", "a.yaml", "--format", "wandb").code == 0


def test_a_mistake_in_it_is_shown_with_its_line(nightsweep: Command, tmp_path: Path) -> None:
    (tmp_path / "a.yaml").write_text(
        "method: random\nparameters:\n  lr:\n    distribution: zipf\n    min: 0\n"
    )
    told = nightsweep("import", "a.yaml")
    assert (told.code, told.out) == (2, "")
    assert told.err == (
        "nightsweep: a.yaml:4: parameters.lr.distribution: zipf is none that is known here; "
        "write min and max, or values\n"
    )


@pytest.mark.parametrize(
    ("name", "text", "message"),
    [
        ("a.yaml", "method: [", "a.yaml:1:"),
        ("a.yaml", "", "a.yaml:1: is empty"),
        ("a.yaml", "method: random\nparameters: {}\n", "a.yaml: holds no parameters to search"),
        ("a.yaml", "method: random\nparameters: {x: {min: 2, max: 1}}\n", "min 2 is not below"),
        ("a.yaml", "x" * 600_000, "holds 600,000 bytes"),
        ("a.json", "{", "a.json:1:"),
        ("a.py", "print(1)\n", "a.py: holds no config_space of Syne Tune's"),
        ("a.py", "(", "a.py: is no Python"),
        ("a.txt", "", "a.txt: a sweep file ends in"),
        ("a.yaml", "searchSpaceFile: gone.json\ntrialCommand: a\n", "gone.json: no such file"),
    ],
)
def test_what_cannot_be_imported_is_one_sentence_and_nothing_is_written(
    nightsweep: Command, tmp_path: Path, name: str, text: str, message: str
) -> None:
    (tmp_path / name).write_text(text)
    told = nightsweep("import", name)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("nightsweep: ")
    assert message in told.err
    assert told.err.count("\n") == 1
    assert [path.name for path in tmp_path.iterdir()] == [name]


def test_a_file_that_is_not_there_is_refused(nightsweep: Command) -> None:
    told = nightsweep("import", "gone.yaml")
    assert told.code == 2
    assert told.err.startswith("nightsweep: gone.yaml: no such file")


def test_what_is_there_is_not_written_over(nightsweep: Command, tmp_path: Path) -> None:
    given("wandb.yaml", "sweep.yaml")
    (tmp_path / "nightsweep.yaml").write_text("mine\n")
    told = nightsweep("import", "sweep.yaml")
    assert told.code == 2
    assert told.err == (
        "nightsweep: nightsweep.yaml exists already; name another file: --out mine.yaml\n"
    )
    assert (tmp_path / "nightsweep.yaml").read_text() == "mine\n"


def test_a_file_that_could_not_be_read_again_is_refused(nightsweep: Command) -> None:
    given("wandb.yaml", "sweep.yaml")
    told = nightsweep("import", "sweep.yaml", "--out", "mine.txt")
    assert told.code == 2
    assert told.err == "nightsweep: mine.txt is to be YAML; name it so: --out mine.yaml\n"


def test_a_folder_that_is_not_there_is_refused(nightsweep: Command) -> None:
    given("wandb.yaml", "sweep.yaml")
    told = nightsweep("import", "sweep.yaml", "--out", "gone/mine.yaml")
    assert (told.code, told.err) == (2, "nightsweep: gone is no folder; make it first\n")


def test_commands_that_are_written_elsewhere_say_where_their_paths_begin(
    nightsweep: Command, tmp_path: Path
) -> None:
    given("wandb.yaml", "sweep.yaml")
    (tmp_path / "mine").mkdir()
    told = nightsweep("import", "sweep.yaml", "--out", "mine/sweep.yaml")
    assert "command: paths in it are relative to mine, where it is written to" in told.err


def test_an_objective_becomes_a_sweep_file_of_what_it_asks_for(
    nightsweep: Command, tmp_path: Path
) -> None:
    (tmp_path / "tried.py").write_text(
        "def objective(trial):\n"
        "    lr = trial.suggest_float('lr', 1e-5, 0.1, log=True)\n"
        "    if trial.suggest_categorical('optimizer', ['sgd', 'adam']) == 'sgd':\n"
        "        trial.suggest_float('momentum', 0.0, 0.99)\n"
        "    return lr\n"
    )
    told = nightsweep("import", "tried.py:objective")
    assert told.code == 0
    sweep = load(tmp_path / "nightsweep.yaml")
    assert sweep.name == "tried"
    assert sweep.train == "tried.py:objective"
    assert sweep.max_epochs == 1
    assert list(sweep.parameters) == ["lr", "optimizer", "momentum"]
    assert sweep.parameters["momentum"].when == {"optimizer": "sgd"}


def test_a_file_may_be_called_as_a_module_of_pythons(nightsweep: Command, tmp_path: Path) -> None:
    (tmp_path / "test.py").write_text(
        "def objective(trial):\n    return trial.suggest_float('x', 0.0, 1.0)\n"
    )
    assert nightsweep("import", "test.py:objective").code == 0
    assert list(load(tmp_path / "nightsweep.yaml").parameters) == ["x"]


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("gone.py:objective", "there is no file"),
        ("tried.py:objektive", 'did you mean "tried.py:objective"?'),
        ("tried.py:other", "tried.py:other is no objective: its only parameter must be trial"),
    ],
)
def test_what_is_no_objective_is_refused(
    nightsweep: Command, tmp_path: Path, name: str, message: str
) -> None:
    (tmp_path / "tried.py").write_text(
        "def objective(trial): ...\ndef other(config, trial): ...\n"
    )
    told = nightsweep("import", name)
    assert (told.code, told.out) == (2, "")
    assert message in told.err
    assert not (tmp_path / "nightsweep.yaml").exists()
