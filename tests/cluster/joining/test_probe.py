"""What a node answers about itself."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.joining import probe
from nightsweep.cluster.joining.travel import own


@pytest.fixture
def question(tmp_path: Path) -> dict[str, Any]:
    """As a driver asks whose code, data and run folder are all here."""
    run = tmp_path / "run"
    run.mkdir()
    (run / "nonce").touch()
    code = tmp_path / "train.py"
    code.write_text("pass")
    return {
        "files": {str(code): probe.digest(code)}, "package": probe.tree(own()),
        "modules": ["json", "torch"], "data": [str(code)], "run": str(run), "nonce": "nonce",
        "node": "node-1",
    }  # fmt: skip


def lacks(answer: dict[str, Any]) -> dict[str, Any]:
    return {key: answer[key] for key in ("other_files", "modules", "data", "run") if answer[key]}


def test_a_node_that_has_everything_lacks_nothing(question: dict[str, Any]) -> None:
    answer = probe.look(**question)
    assert lacks(answer) == {}
    assert answer["same_package"]
    assert answer["python"] == ".".join(map(str, sys.version_info[:3]))
    assert (Path(question["run"]) / "nonce-node-1").exists()


def test_what_is_missing_or_other_is_told(question: dict[str, Any], tmp_path: Path) -> None:
    (tmp_path / "train.py").write_text("changed")
    gone = str(tmp_path / "gone")
    answer = probe.look(**question | {"modules": ["nonesuch", "no.such"], "data": [gone]})
    assert lacks(answer) == {
        "other_files": [str(tmp_path / "train.py")],
        "modules": ["nonesuch", "no.such"],
        "data": [gone],
    }


def test_another_nightsweep_is_not_the_same(question: dict[str, Any]) -> None:
    assert not probe.look(**question | {"package": "another"})["same_package"]


def test_a_run_folder_that_is_another_or_missing_is_told(
    question: dict[str, Any], tmp_path: Path
) -> None:
    other = probe.look(**question | {"nonce": "another"})
    gone = probe.look(**question | {"run": str(tmp_path / "gone")})
    assert (other["run"], gone["run"]) == ("is another folder there", "is not there")


def test_a_node_needs_nothing_but_python_to_answer(question: dict[str, Any]) -> None:
    """-S: without installed packages; the probe is sent by value."""
    code = f"import json, runpy; look = runpy.run_path({probe.__file__!r})['look']\n"
    code += f"print(json.dumps(look(**{question!r})))"
    bare = [sys.executable, "-I", "-S", "-c", code]
    done = subprocess.run(bare, capture_output=True, text=True, check=True)
    answer = json.loads(done.stdout)
    assert answer["modules"] == ["torch"]
    assert (answer["nightsweep"], answer["ray"], answer["same_package"]) == (None, None, False)
