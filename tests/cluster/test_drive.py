"""run, resume and extend: on which cluster, and with which data."""

from __future__ import annotations

import os
import socket
import subprocess
import sys
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightsweep.cluster.drive import words_again
from nightsweep.cluster.exits import CLUSTER_DOWN

from .disturb import SWEEP, write

if TYPE_CHECKING:
    from tests.conftest import Command

FOLDER = Path("runs/a")


def test_a_driver_that_is_started_again_joins_the_same_cluster() -> None:
    first = ["run", "--out", "runs/a", "toy.yaml", "--address", "auto"]
    assert words_again(first, FOLDER, address="auto", as_json=True) == [
        "resume", "runs/a", "--address", "auto", "--json",
    ]  # fmt: skip
    assert words_again(first, FOLDER, address=None, as_json=False) == ["resume", "runs/a"]
    resumed = ["resume", "runs/a", "--address", "local"]
    assert words_again(resumed, FOLDER, address="local", as_json=False) == resumed


@pytest.mark.parametrize("command", ["run", "resume", "extend"])
def test_an_address_that_is_none_is_refused_before_anything_is_written(
    nightsweep: Command, tmp_path: Path, command: str
) -> None:
    write(tmp_path)
    run = tmp_path / "run"
    words = {
        "run": [str(tmp_path / "toy.yaml"), "--out", str(run)],
        "resume": [str(run)],
        "extend": [str(run)],
    }[command]
    code, out, said = nightsweep(command, *words, "--address", "head")
    assert (code, out) == (2, "")
    if command != "extend":  # which reads the run first
        assert said == (
            "nightsweep: --address: 'head' is no address; write HOST:PORT of a cluster's head, "
            "auto, or local\n"
        )
    assert not run.exists()


def test_a_cluster_that_does_not_answer_is_no_reason_to_start_another_ray(tmp_path: Path) -> None:
    write(tmp_path)
    with socket.socket() as taken:  # bound, and not listening
        taken.bind(("127.0.0.1", 0))
        address = f"127.0.0.1:{taken.getsockname()[1]}"
        done = subprocess.run(
            [sys.executable, "-m", "nightsweep", "run", "toy.yaml", "--out", "run"],
            cwd=tmp_path, env=os.environ | {"RAY_ADDRESS": address}, capture_output=True,
            text=True, check=False,
        )  # fmt: skip
    assert done.returncode == CLUSTER_DOWN
    assert f"nobody answers at {address} (RAY_ADDRESS): Connection refused" in done.stderr
    assert not (tmp_path / "run").exists()


def test_an_earlier_run_of_the_command_line_is_looked_for(
    nightsweep: Command, tmp_path: Path
) -> None:
    write(tmp_path)
    code, _, said = nightsweep("run", str(tmp_path / "toy.yaml"), "--from", "runs/gone")
    assert code == 2
    assert str(tmp_path / "runs" / "gone") in said


@pytest.mark.parametrize("command", ["check", "run"])
def test_data_that_is_not_there_is_refused(
    nightsweep: Command, tmp_path: Path, command: str
) -> None:
    write(tmp_path, sweep=f"{SWEEP}data: [toy.py, images]\n")
    file = tmp_path / "toy.yaml"
    code, _, said = nightsweep(command, str(file))
    assert (code, said) == (2, f"nightsweep: {file}: data: there is no {tmp_path}/images\n")
