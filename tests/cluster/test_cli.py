from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightsweep.search.events import FORMAT
from nightsweep.search.lock import Lock

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


def refused(message: str) -> tuple[int, str, str]:
    """One message on stderr, nothing else, and exit code 2."""
    return (2, "", f"nightsweep: {message}\n")


@pytest.mark.parametrize("command", ["check", "run"])
def test_a_missing_file_is_refused(nightsweep: Command, command: str) -> None:
    assert nightsweep(command, "digits.yaml") == refused(
        "digits.yaml: no such file; `nightsweep init` writes one to start from"
    )


@pytest.mark.parametrize("command", ["check", "run"])
def test_an_earlier_run_that_is_not_there_is_refused(
    nightsweep: Command, file: Path, command: str
) -> None:
    write(file.parent, GOOD + "from: [runs/gone]\n")
    assert nightsweep(command, str(file)) == refused(
        f"from: {file.parent / 'runs/gone'} is not a folder; name the folder of a run"
    )
    assert not (file.parent / "runs").exists()


def test_a_file_of_another_kind_is_refused(nightsweep: Command) -> None:
    assert nightsweep("check", "train.py") == refused(
        "train.py: a sweep file ends in .yaml, .yml, .toml, .json"
    )


@pytest.mark.parametrize("command", ["check", "run"])
def test_every_mistake_in_a_file_is_shown_with_its_line(
    nightsweep: Command, tmp_path: Path, command: str
) -> None:
    write(tmp_path, GOOD.replace("trials: 20", "trials: 0\nshceduler: asha"))
    told = nightsweep(command, "sweep.yaml")
    first, second = told.err.splitlines()
    assert (told.code, told.out) == (2, "")
    assert first == "nightsweep: sweep.yaml:6: trials: must be at least 1, not 0"
    assert second.startswith("sweep.yaml:7: shceduler: unknown key; allowed: name, train, ")
    assert second.endswith('Did you mean "scheduler"?')


@pytest.mark.parametrize("value", [".inf", "[1.0, -.inf]", "{values: [1.0, .nan]}"])
def test_a_value_that_the_journal_could_not_hold_is_refused(
    nightsweep: Command, file: Path, value: str
) -> None:
    write(file.parent, GOOD.replace("parameters:", f"parameters:\n  clip: {value}"))
    told = nightsweep("check", file.name)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("nightsweep: sweep.yaml:4: parameters.clip")


def test_a_file_that_is_no_yaml_is_refused_with_its_line(
    nightsweep: Command, tmp_path: Path
) -> None:
    write(tmp_path, "metric: loss\nparameters: {lr: [\n")
    told = nightsweep("check", "sweep.yaml")
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("nightsweep: sweep.yaml:3: ")


def test_a_file_without_a_training_function_is_refused(
    nightsweep: Command, tmp_path: Path
) -> None:
    write(tmp_path, GOOD.replace("train: fit.py:train\n", ""))
    for command in ("check", "run"):
        assert nightsweep(command, "sweep.yaml") == refused(
            "train is missing; write train: module:function or file.py:function, or trainable: "
            "tabular, image, text, sklearn or boosting, or command: python train.py --lr {lr}"
        )


@pytest.mark.parametrize("command", ["check", "run"])
@pytest.mark.parametrize(
    ("train", "message"),
    [
        ("fit.py:trian", "fit.py holds no 'trian'; did you mean \"fit.py:train\"?"),
        ("fit.py:LR", "fit.py:LR is a float, not a function"),
        (
            "fit.py:plain",
            "fit.py:plain() cannot be called; it must take (config, trial), or (config) if it "
            "reports through ray.tune.report, or (trial) if it is an objective of Optuna's",
        ),
        ("fit.py", "'fit.py' names no function; write module:function or file.py:function"),
        (
            "no_lab:train",
            "there is no module 'no_lab' here; is its folder the current one, and is its "
            "package installed?",
        ),
    ],
    ids=["misspelt", "no function", "arguments", "no colon", "no module"],
)
def test_a_training_function_that_cannot_be_called_is_refused(
    nightsweep: Command, tmp_path: Path, command: str, train: str, message: str
) -> None:
    (tmp_path / "fit.py").write_text("LR = 0.1\ndef train(config, trial): ...\ndef plain(): ...\n")
    write(tmp_path, GOOD.replace("fit.py:train", train))
    assert nightsweep(command, "sweep.yaml") == refused(f"train: {message}")
    assert not (tmp_path / "runs").exists()


def test_a_training_function_that_cannot_be_imported_is_shown_with_its_own_lines(
    nightsweep: Command, tmp_path: Path
) -> None:
    (tmp_path / "fit.py").write_text("import no_lab\n")
    write(tmp_path, GOOD)
    assert nightsweep("run", "sweep.yaml") == refused(
        f"train: {tmp_path / 'fit.py'} cannot be imported:\n"
        f'  File "{tmp_path / "fit.py"}", line 1, in <module>\n'
        "    import no_lab\n"
        "ModuleNotFoundError: No module named 'no_lab'"
    )


def test_a_folder_that_holds_a_run_is_not_run_into(
    nightsweep: Command, finished: Evening, file: Path
) -> None:
    before = finished.folder.journal.read_bytes()
    assert nightsweep("run", file, "--out", "run") == refused(
        "run holds a run already; go on with it by `nightsweep resume run`, or name another folder"
    )
    assert finished.folder.journal.read_bytes() == before


def test_a_folder_that_holds_something_else_is_not_run_into(
    nightsweep: Command, tmp_path: Path, file: Path
) -> None:
    (tmp_path / "thesis").mkdir()
    (tmp_path / "thesis" / "chapter.tex").write_text("all of it")
    assert nightsweep("run", file, "--out", "thesis") == refused(
        "thesis exists and is not empty; name another folder"
    )
    assert (tmp_path / "thesis" / "chapter.tex").read_text() == "all of it"


READERS = ["status", "report", "best", "resume"]


@pytest.mark.parametrize("command", READERS)
def test_a_folder_that_is_not_there_is_refused(nightsweep: Command, command: str) -> None:
    assert nightsweep(command, "runs/x") == refused(
        "runs/x is not a folder; name the folder of a run"
    )


@pytest.mark.parametrize("command", READERS)
def test_a_folder_that_is_no_run_is_refused(
    nightsweep: Command, tmp_path: Path, command: str
) -> None:
    (tmp_path / "photos").mkdir()
    assert nightsweep(command, "photos") == refused(
        "photos is not a run folder: it holds no journal.jsonl and sweep.json"
    )
    assert list((tmp_path / "photos").iterdir()) == []


@pytest.mark.parametrize("command", READERS)
def test_a_run_of_a_newer_version_is_refused(
    nightsweep: Command, finished: Evening, command: str
) -> None:
    finished.write_header(format=99)
    assert nightsweep(command, "run") == refused(
        "run was written by a newer nightsweep "
        f"(format 99, this one reads {FORMAT}); upgrade to read it"
    )


@pytest.mark.parametrize("command", READERS)
def test_a_journal_that_cannot_be_read_is_refused_with_its_line(
    nightsweep: Command, finished: Evening, command: str
) -> None:
    finished.folder.journal.write_text('{"time": 1, "event": "promised"}\n')
    told = nightsweep(command, "run")
    assert (told.code, told.out) == (2, "")
    assert told.err == (
        f"nightsweep: {finished.folder.journal}:1: not a line of a journal "
        "(unknown event 'promised'); put a copy of the file back, or keep the 0 lines before it "
        "(head -n 0), which are whole, and resume\n"
    )


def test_a_run_that_another_driver_writes_is_not_resumed_but_can_be_looked_at(
    nightsweep: Command, evening: Evening
) -> None:
    lock = Lock(evening.folder.lock)
    who = f"process {os.getpid()} on {socket.gethostname()}"
    assert nightsweep("resume", "run") == refused(
        f"{evening.folder.path} is being written by {who}; wait for it, or stop it first"
    )
    told = nightsweep("status", "run")
    assert (told.code, told.err) == (0, "")
    assert told.out.splitlines()[0] == f"grid: running, as {who}"
    lock.release()


def test_a_function_that_has_no_name_is_needed_again_to_resume(
    nightsweep: Command, begin: Callable[..., Evening]
) -> None:
    begin(train=None)
    assert nightsweep("resume", "run") == refused(
        "run was started with a function that no other process can import; go on from Python: "
        "nightsweep.resume(run, train)"
    )


def test_a_sweep_file_that_was_changed_too_much_is_not_resumed(
    nightsweep: Command, evening: Evening, tmp_path: Path
) -> None:
    evening.write_header(source=str(tmp_path / "sweep.yaml"))
    write(tmp_path, GOOD.replace("max_epochs: 9", "max_epochs: 3"))
    told = nightsweep("resume", "run")
    assert (told.code, told.out) == (2, "")
    lines = told.err.splitlines()
    assert lines[0].startswith(
        f"nightsweep: {evening.folder.path}: parameters.x: changed since the run began, in "
        f"{tmp_path / 'sweep.yaml'}: {{'values': [1, 2, 3, 4, 5, 6]}} became nothing; "
    )
    assert [line.split(": ")[1] for line in lines[1:]] == [
        "parameters.depth",
        "parameters.lr",
        "sampler",
        "scheduler",
    ]


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (["run", "sweep.yaml", "--trails", "3"], "No such option: --trails"),
        (["run", "sweep.yaml", "--trials", "0"], "Invalid value for '--trials'"),
        (["run", "sweep.yaml", "--trials", "many"], "Invalid value for '--trials'"),
        (["check"], "Missing argument 'file'"),
        (["start", "sweep.yaml"], "No such command 'start'"),
    ],
)
def test_a_wrong_command_line_is_refused_with_its_usage(
    nightsweep: Command, arguments: list[str], message: str
) -> None:
    told = nightsweep(*arguments)
    assert (told.code, told.out) == (2, "")
    assert told.err.startswith("Usage: ")
    assert message in told.err


def test_a_time_that_is_none_is_refused(nightsweep: Command, file: Path, evening: Evening) -> None:
    told = nightsweep("run", file.name, "--time", "soon")
    assert told.code == 2
    assert told.err.endswith("time: 'soon' is not a duration; write 9h, 90m, 1h30m or 45s\n")
    assert "sweep.yaml:1" not in told.err  # it does not stand in the file
    assert nightsweep("resume", "run", "--time", "soon") == refused(
        "--time: 'soon' is not a duration; write 9h, 90m, 1h30m or 45s"
    )


def test_a_run_without_results_has_no_best(nightsweep: Command, evening: Evening) -> None:
    evening.close(done=False, reason="stopped by SIGINT")
    assert nightsweep("best", "run") == (1, "", "no trial has reported a finite loss yet\n")
    assert nightsweep("best", "run", "--json").code == 1


def test_the_module_refuses_like_the_command(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "nightsweep", "run", "digits.yaml"],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert (done.returncode, done.stdout, done.stderr) == refused(
        "digits.yaml: no such file; `nightsweep init` writes one to start from"
    )
    assert list(tmp_path.iterdir()) == []
