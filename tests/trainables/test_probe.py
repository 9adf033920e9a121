"""Looking at an objective in a process of its own."""

from __future__ import annotations

import os
import pickle
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import pytest
from ray import cloudpickle

from nightsweep.search.errors import TrainingFunctionError
from nightsweep.trainables import probe
from nightsweep.trainables.probe import looked, probed


def look(objective: Any) -> list[probe.Seen]:
    return probed(cloudpickle.dumps(objective))


def test_it_runs_elsewhere_and_says_what_it_was_asked(tmp_path: Path) -> None:
    mark, here = tmp_path / "mark", os.getpid()

    def objective(trial: Any) -> None:
        mark.write_text(str(os.getpid() != here))
        print("what it prints is nowhere")
        trial.suggest_categorical("a", ["x", "y"])
        trial.report(1.0, 0)

    seen = look(objective)
    assert [(run.answers, run.end) for run in seen] == [
        ({"a": "x"}, "reported"),
        ({"a": "y"}, "reported"),
    ]
    assert mark.read_text() == "True"


def test_one_that_trains_for_long_is_ended_with_what_it_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(probe, "QUIET", 2.0)
    child = tmp_path / "child"

    def objective(trial: Any) -> None:
        import subprocess

        trial.suggest_float("lr", 0.0, 1.0)
        started = subprocess.Popen(["sleep", "600"])
        child.with_suffix(".new").write_text(str(started.pid))
        child.with_suffix(".new").rename(child)
        time.sleep(600)

    seen = look(objective)
    assert [(list(run.questions), run.end) for run in seen] == [(["lr"], "quiet")]
    status = Path("/proc", child.read_text(), "stat")
    assert not status.exists() or status.read_text().split()[2] == "Z"


def test_it_does_not_outlive_who_looks(tmp_path: Path) -> None:
    (tmp_path / "own.py").write_text(
        "import os, pathlib, time\n"
        "def objective(trial):\n"
        f"    mark = pathlib.Path({str(tmp_path)!r}, 'child')\n"
        "    mark.with_suffix('.new').write_text(str(os.getpid()))\n"
        "    mark.with_suffix('.new').rename(mark)\n"
        "    time.sleep(600)\n"
    )
    code = (
        "import pickle, own\n"
        "from nightsweep.trainables.probe import probed\n"
        "probed(pickle.dumps(own.objective))"
    )
    watcher = subprocess.Popen([sys.executable, "-c", code], cwd=tmp_path)
    until = time.monotonic() + 60
    while not (tmp_path / "child").exists():
        assert time.monotonic() < until
        time.sleep(0.05)
    child = Path("/proc", (tmp_path / "child").read_text(), "stat")
    watcher.kill()
    watcher.wait()
    while child.exists() and child.read_text().split()[2] != "Z":
        assert time.monotonic() < until
        time.sleep(0.05)


def test_one_that_ends_its_process_is_one_sentence() -> None:
    def objective(trial: Any) -> None:
        os._exit(3)

    with pytest.raises(TrainingFunctionError) as caught:
        look(objective)
    assert str(caught.value) == "the objective ended its process with exit code 3"


class Unreadable:
    """It can be pickled, but not read again."""

    def __reduce__(self) -> Any:
        return int, ("x",)


def test_one_that_cannot_be_loaded_elsewhere_is_one_sentence() -> None:
    with pytest.raises(TrainingFunctionError) as caught:
        probed(pickle.dumps(Unreadable()))
    assert str(caught.value) == (
        "the objective, loaded in another process, raised ValueError: invalid literal for int() "
        "with base 10: 'x'"
    )


def raising(trial: Any) -> None:
    raise FileNotFoundError("data.csv")


def asking_the_study(trial: Any) -> None:
    trial.study.direction  # noqa: B018


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (raising, "the objective raised FileNotFoundError: data.csv"),
        (asking_the_study, "trial.study is not there on nightsweep"),
        (lambda trial: 1.0, "the objective has asked for no parameter"),
        (
            lambda trial: trial.suggest_categorical("a", [1, 1]),
            "the objective cannot be searched: a: 1 is listed twice",
        ),
    ],
)
def test_one_that_tells_nothing_is_one_sentence(objective: Any, words: str) -> None:
    seen = probe.Seen()
    _, seen.end, seen.error = probe.ended(objective, probe.Recording({}, lambda message: None))
    with pytest.raises(TrainingFunctionError, match=words):
        looked([seen])
