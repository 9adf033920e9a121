"""What strangers' run folders and sweep files cannot do. docs/security.md promises it."""

import json
import os
import pickle
import stat
import sys
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nightsweep.search.results import Results

from ..conftest import Command
from .conftest import Evening

READERS = (
    ("status",), ("report",), ("best",), ("why", 3),
    ("status", "--json"), ("report", "--json"), ("best", "--json"), ("why", 3, "--json"),
)  # fmt: skip
TRAIN = "def train(config, trial): ...\n"
UNPICKLED: list[str] = []  # what has been looked up by an unpickler, in Python or C
sys.addaudithook(
    lambda event, args: UNPICKLED.append(str(args)) if event == "pickle.find_class" else None
)


class Bomb:
    """Unpickled, it makes a folder."""

    def __init__(self, sentinel: Path) -> None:
        self.sentinel = sentinel

    def __reduce__(self) -> Any:
        return os.mkdir, (str(self.sentinel),)


@pytest.fixture
def sentinel(tmp_path: Path) -> Path:
    """A folder that nobody but an attack makes."""
    return tmp_path / "sentinel"


@pytest.fixture
def hostile(finished: Evening, sentinel: Path) -> Evening:
    """A finished run in which everything that could be executed would make the sentinel."""
    bomb, folder = pickle.dumps(Bomb(sentinel)), finished.folder
    names = (
        "trials.csv", "trials.parquet", "curves.csv", "curves.parquet", "best/best.json",
        "best/checkpoint/state.pt", "best/checkpoint/.manifest.json", "driver.lock", "tuner.pkl",
        "sampler.pkl", "report.html", "trials/3/log.txt",
    )  # fmt: skip
    checkpoints = [
        str(path.relative_to(folder.path)) for path in folder.trials.glob("*/epoch-*/*")
    ]
    assert checkpoints
    for name in (*names, *checkpoints):
        path = folder.path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(bomb)
    code = f"import os\nos.mkdir({str(sentinel)!r})\ndef train(config, trial): ...\n"
    for module in ("fit", "conftest", "torch", "sitecustomize"):
        (folder.path / f"{module}.py").write_text(code)
    sweep = f"name: !!python/object/apply:os.mkdir [{sentinel}]\n"
    (folder.path / "sweep.yaml").write_text(sweep)
    finished.header["sweep"]["train"] = "fit:train"
    finished.write_header(
        folder=str(folder.path), copy="sweep.yaml", source=str(folder.path / "sweep.yaml")
    )
    return finished


@pytest.fixture
def unpickled(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What is unpickled meanwhile, by whatever means."""

    def refuse(*args: Any, **more: Any) -> None:
        UNPICKLED.append("pickle")
        raise AssertionError("a pickle is read")

    class Refusing(pickle.Unpickler):
        load = refuse

    monkeypatch.setattr(pickle, "load", refuse)
    monkeypatch.setattr(pickle, "loads", refuse)
    monkeypatch.setattr(pickle, "Unpickler", Refusing)
    if "torch" in sys.modules:
        monkeypatch.setattr("torch.load", refuse)
    UNPICKLED.clear()
    yield UNPICKLED
    UNPICKLED.clear()


def test_the_bomb_of_these_tests_goes_off(sentinel: Path) -> None:
    pickle.loads(pickle.dumps(Bomb(sentinel)))
    assert sentinel.exists()
    assert UNPICKLED


@pytest.mark.parametrize("command", READERS, ids=lambda command: " ".join(map(str, command)))
def test_reading_a_run_folder_runs_nothing_that_lies_in_it(
    hostile: Evening,
    sentinel: Path,
    unpickled: list[str],
    nightsweep: Command,
    monkeypatch: pytest.MonkeyPatch,
    command: tuple[Any, ...],
) -> None:
    monkeypatch.chdir(hostile.folder.path)
    name, *rest = command
    told = nightsweep(name, hostile.folder.path, *rest)
    assert (told.code, told.err) == (0, "")
    assert told.out
    assert "fit" not in sys.modules
    assert not unpickled
    assert not sentinel.exists()


def test_reading_it_from_python_runs_nothing_either(
    hostile: Evening, sentinel: Path, unpickled: list[str]
) -> None:
    results = Results.load(hostile.folder.path)
    assert len(results.trials) == 6
    assert len(results.curves) > 6
    assert results.best is not None
    assert "2 trained to their end" in results.summary()
    assert not unpickled
    assert not sentinel.exists()


def test_an_earlier_run_that_a_sweep_learns_from_is_only_read(
    hostile: Evening, sentinel: Path, unpickled: list[str], tmp_path: Path, nightsweep: Command
) -> None:
    (tmp_path / "mine.py").write_text(TRAIN)
    sweep = hostile.header["sweep"] | {"train": "mine.py:train", "from": ["run"]}
    (tmp_path / "next.json").write_text(json.dumps(sweep))
    assert "It takes 6 results from" in nightsweep("check", tmp_path / "next.json").out
    assert not unpickled
    assert not sentinel.exists()


@pytest.mark.parametrize(
    "text",
    [
        "name: !!python/object/apply:os.mkdir [{sentinel}]",
        "name: !!python/object/new:os.mkdir [{sentinel}]",
        "? !!python/object/apply:os.mkdir [{sentinel}]\n: x",
        "parameters: {{x: !!python/name:os.mkdir }}",
        "{good}\nconstraints: [\"__import__('os').mkdir('{sentinel}')\"]",
        "{good}\nconstraints: ['x.__class__']",
        "{good}\nconstraints: ['(lambda: 1)() == x']",
        "{good}\nconstraints: ['[x for x in (1,)] == x']",
    ],
)
@pytest.mark.parametrize("command", ["check", "plan", "run"])
def test_a_sweep_file_executes_nothing(
    text: str, command: str, sentinel: Path, tmp_path: Path, nightsweep: Command
) -> None:
    good = "metric: loss\nparameters: {x: {min: 0.0, max: 1.0}}\ntrain: fit:train"
    file = tmp_path / "sweep.yaml"
    file.write_text(text.format(sentinel=sentinel, good=good))
    told = nightsweep(command, file)
    assert told.code == 2
    assert told.err.startswith(f"nightsweep: {file}:")
    assert "Traceback" not in told.err
    assert not sentinel.exists()


def test_planning_a_sweep_does_not_import_its_training_function(
    tmp_path: Path, sentinel: Path, nightsweep: Command
) -> None:
    (tmp_path / "fit.py").write_text(f"import os\nos.mkdir({str(sentinel)!r})\n")
    (tmp_path / "sweep.yaml").write_text(
        "metric: loss\nparameters: {x: {min: 0.0, max: 1.0}}\ntrain: fit.py:train\nmax_epochs: 3"
    )
    assert nightsweep("plan", tmp_path / "sweep.yaml").code == 0
    assert not sentinel.exists()
    nightsweep("check", tmp_path / "sweep.yaml")
    assert sentinel.exists()  # as docs/security.md says


@pytest.mark.parametrize(
    "name", ["../out", "/tmp/out", "..", ".", "a/b", "a\\b", "a\n", "", ".ssh", "-rf", "x" * 61]
)
def test_a_sweep_s_name_is_a_plain_word(name: str, tmp_path: Path, nightsweep: Command) -> None:
    sweep = {"name": name, "metric": "loss", "parameters": {"x": {"min": 0, "max": 1}}}
    (tmp_path / "sweep.json").write_text(json.dumps(sweep))
    told = nightsweep("check", tmp_path / "sweep.json")
    assert told.code == 2
    assert "name: " in told.err
    assert [path.name for path in tmp_path.iterdir()] == ["sweep.json"]


def test_a_long_file_name_makes_a_sweep_s_name_that_a_folder_can_have(
    tmp_path: Path, nightsweep: Command
) -> None:
    (tmp_path / f"{'x' * 200}.yaml").write_text(
        "metric: loss\nparameters: {x: {min: 0.0, max: 1.0}}\ntrain: mine.py:train"
    )
    (tmp_path / "mine.py").write_text(TRAIN)
    told = nightsweep("check", tmp_path / f"{'x' * 200}.yaml", "--json")
    assert json.loads(told.out)["name"] == "x" * 60


NASTY = (
    "../../out",
    "/tmp/out",
    "a/b",
    "a\\b",
    "..",
    "\x1b[31m",
    "a\nb",
    "=1+1",
    "%s{0}$HOME`id`",
)


def test_names_and_values_of_users_make_no_files(
    begin: Callable[..., Evening], tmp_path: Path, nightsweep: Command
) -> None:
    parameters = {name: name for name in NASTY} | {"x": {"values": list(NASTY)}}
    evening = begin(parameters=parameters, trials=len(NASTY))
    more: dict[str, Any] = dict.fromkeys(NASTY, 1.0)
    evening.search(**more)
    evening.close()
    evening.keeper.write(evening.study)
    assert nightsweep("report", evening.folder.path).code == 0
    assert nightsweep("best", evening.folder.path).code == 0
    assert [path.name for path in tmp_path.iterdir()] == ["run"]
    found = {path.name for path in evening.folder.path.iterdir()}
    assert found == {
        "sweep.json", "journal.jsonl", "trials", "best",
        "trials.csv", "trials.parquet", "curves.csv", "curves.parquet",
    }  # fmt: skip
    trials = {str(number) for number in evening.study.trials}
    assert {path.name for path in evening.folder.trials.iterdir()} == trials


@pytest.mark.parametrize("trial", ["../../../out", "1/../..", -1, 1.5, None, [1], True])
def test_a_trial_s_number_is_a_number(finished: Evening, trial: Any, nightsweep: Command) -> None:
    line = {"time": 1.0, "event": "asked", "trial": trial, "epoch": 0, "reason": "", "config": {}}
    finished.folder.journal.write_text(json.dumps(line) + "\n")
    for command in ("status", "best", "report"):
        told = nightsweep(command, finished.folder.path)
        assert told.code == 2
        assert "journal.jsonl:1" in told.err


@pytest.mark.parametrize(
    ("copy", "message"),
    [
        ("../other.yaml", "there is no module 'nowhere'"),
        ("{tmp}/other.yaml", "there is no module 'nowhere'"),
        ("trials/x.yaml", "there is no module 'nowhere'"),
        (5, "copy cannot be 5"),
        (["x"], "copy cannot be ['x']"),
    ],
)
def test_the_copy_of_a_sweep_file_is_looked_for_in_the_run_folder_alone(
    finished: Evening, tmp_path: Path, nightsweep: Command, copy: Any, message: str
) -> None:
    other = "not a sweep: [of mine"
    (tmp_path / "other.yaml").write_text(other)
    (finished.folder.trials / "x.yaml").write_text(other)
    copy = copy.format(tmp=tmp_path) if isinstance(copy, str) else copy
    finished.header["sweep"]["train"] = "nowhere:train"  # so that it ends before it starts Ray
    finished.write_header(copy=copy)
    told = nightsweep("resume", finished.folder.path)
    assert told.code == 2
    assert message in told.err


@pytest.mark.parametrize("name", ["driver.lock", "journal.jsonl", "best", "trials", "trials/2"])
def test_nothing_is_written_through_a_link_in_a_run_folder(
    finished: Evening, tmp_path: Path, nightsweep: Command, name: str
) -> None:
    path, mine = finished.folder.path / name, tmp_path / "mine"
    if path.exists():
        path.rename(mine)
    else:
        mine.write_text("mine\n")
    before = {file: file.read_bytes() for file in [mine, *mine.rglob("*")] if file.is_file()}
    path.symlink_to(mine)
    told = nightsweep("resume", finished.folder.path)
    assert told.code == 2
    assert f"{path} is a link to {mine}" in told.err
    after = {file: file.read_bytes() for file in [mine, *mine.rglob("*")] if file.is_file()}
    assert after == before


def test_tables_take_the_place_of_links_and_do_not_follow_them(
    finished: Evening, tmp_path: Path, nightsweep: Command
) -> None:
    (tmp_path / "mine").write_text("mine\n")
    (finished.folder.path / "trials.csv").symlink_to(tmp_path / "mine")
    assert nightsweep("report", finished.folder.path).code == 0
    assert (tmp_path / "mine").read_text() == "mine\n"
    assert (finished.folder.path / "trials.csv").read_text().startswith("trial,")


@pytest.mark.parametrize("command", [("status",), ("report",), ("best",), ("why", 3)])
def test_what_strangers_have_named_does_not_steer_the_terminal(
    begin: Callable[..., Evening], nightsweep: Command, command: tuple[Any, ...]
) -> None:
    steering = "\x1b]52;c;bWluZQ==\x07"
    evening = begin(parameters={"x": {"values": [steering, 1, 2]}, steering: 3}, trials=3)
    more: dict[str, Any] = {steering: 1.0}
    evening.search(**more)
    evening.close()
    name, *rest = command
    told = nightsweep(name, evening.folder.path, *rest)
    assert told.code == 0
    assert not set(told.out) & {"\x1b", "\x07"}


def test_a_checkpoint_that_is_a_link_is_not_copied_into_best(
    finished: Evening, tmp_path: Path
) -> None:
    (tmp_path / "mine").mkdir()
    (tmp_path / "mine" / "key").write_text("mine")
    best = Results.load(finished.folder.path).best
    assert best is not None
    assert best.checkpoint is not None
    (best.checkpoint / "state.pt").unlink()
    (best.checkpoint / "state.pt").symlink_to(tmp_path / "mine" / "key")
    (best.checkpoint / "more").symlink_to(tmp_path / "mine")
    finished.keeper.write(finished.study)
    copied = finished.folder.best / "checkpoint"
    assert all(path.is_symlink() for path in copied.iterdir())
    best.checkpoint.rename(best.checkpoint.with_name("aside"))
    best.checkpoint.symlink_to(tmp_path / "mine")
    again = Results.load(finished.folder.path).best
    assert again is not None
    assert again.checkpoint is None


def test_the_files_of_a_run_have_the_modes_that_the_umask_leaves(
    begin: Callable[..., Evening],
) -> None:
    before = os.umask(0o077)
    try:
        evening = begin()
        evening.search()
        evening.close()
        evening.keeper.write(evening.study)
    finally:
        os.umask(before)
    paths = [evening.folder.path, *evening.folder.path.rglob("*")]
    assert len(paths) > 20
    assert [path for path in paths if path.stat().st_mode & 0o077] == []


def test_the_journal_is_never_for_everyone_to_write(begin: Callable[..., Evening]) -> None:
    before = os.umask(0)
    try:
        evening = begin()
    finally:
        os.umask(before)
    assert stat.S_IMODE(evening.folder.journal.stat().st_mode) == 0o644


def test_secrets_that_an_error_names_are_in_no_file(
    evening: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("DB_PASSWORD", "hunter-2222")
    trial = evening.study.ask()
    assert trial is not None
    evening.study.interrupt(trial.id, "its worker died: hunter-2222")
    evening.study.fail(trial.id, "raised Error: hunter-2222", "line 1\nError: hunter-2222")
    evening.close(done=False, reason="its driver failed: hunter-2222")
    for file in evening.folder.path.rglob("*.*"):
        assert "hunter-2222" not in file.read_text()
    results = Results.load(evening.folder.path)
    assert results.ledger.ended_because == "its driver failed: ***"
    assert list(results.failures) == ["raised Error: ***"]
