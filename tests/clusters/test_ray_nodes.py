"""Sweeps on a Ray cluster of three real nodes: joined by address, with code that travels."""

from __future__ import annotations

import os
import re
import signal
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nightsweep
from nightsweep.cluster.exits import BAD_INPUT, CLUSTER_DOWN, DONE

from .raynodes import RayNodes, Spec, can_hide, free_port

pytestmark = [pytest.mark.clusters, pytest.mark.ray]

SRC = Path(nightsweep.__file__).parents[1]
DIGITS = """
name: digits
train: training/digits.py:train
metric: {name: val_loss, goal: minimize}
parameters:
  lr: {min: 1e-4, max: 1e-1, log: true, default: 1e-3}
  units: {min: 16, max: 64, log: true, step: 2}
  batch_size: 64
  epochs: 3
max_epochs: 3
trials: 6
sampler: random
seed: 1
"""
TRAIN = """
import os
import time

from nightsweep.trainables import digits
from training.place import place

def train(config, trial):
    print("at", place(), "in", os.getcwd())
    if config.get("slow"):
        for epoch in trial.epochs():
            time.sleep(1)
            trial.report(val_loss=1 / epoch)
    else:
        digits.train(config, trial)
"""
PLACE = """
import ray

def place():
    return ray.util.get_node_ip_address()
"""


class Project:
    """A folder that only the head's node sees, and drivers that are started in it."""

    def __init__(self, place: Path, nodes: RayNodes) -> None:
        self.folder, self.runs, self.nodes = place / "project", place / "runs", nodes
        (self.folder / "training").mkdir(parents=True)
        self.runs.mkdir()
        (self.folder / "sweep.yaml").write_text(DIGITS)
        (self.folder / "training" / "digits.py").write_text(TRAIN)
        (self.folder / "training" / "place.py").write_text(PLACE)

    def start(self, *words: str, **environ: str) -> subprocess.Popen[str]:
        """A nightsweep command; its output comes by `communicate`."""
        return subprocess.Popen(
            [sys.executable, "-m", "nightsweep", *words],
            cwd=self.folder,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            env=self.nodes.environ | environ,
        )

    def run(self, out: str, *words: str, **environ: str) -> tuple[int, str]:
        """Run the sweep; how that ended, and what it said."""
        process = self.start("run", "sweep.yaml", "--out", str(self.runs / out), *words, **environ)
        said, _ = process.communicate(timeout=240)
        return process.returncode, said

    def places(self, out: str) -> list[tuple[str, str]]:
        """Where each attempt of a run's trials was trained: the node, and its folder there."""
        logs = (self.runs / out / "trials").glob("*/log.txt")
        return [
            found for log in logs for found in re.findall(r"at (\S+) in (\S+)", log.read_text())
        ]

    def lines(self, out: str, *words: str) -> int:
        """How many lines of a run's journal hold all these words."""
        journal = self.runs / out / "journal.jsonl"
        lines = journal.read_text().splitlines() if journal.exists() else []
        return sum(all(word in line for word in words) for line in lines)


@pytest.fixture(scope="module")
def project(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Project]:
    """Three nodes; only the head's sees the project, and nightsweep itself."""
    if not can_hide():
        pytest.skip("NOT TESTED: nodes without the code, since `unshare --mount` may not be used")
    with RayNodes() as nodes:
        place = tmp_path_factory.mktemp("cluster")
        project = Project(place, nodes)
        bare = Spec(cpus=2, hidden=[SRC, project.folder])
        nodes.start(Spec(cpus=2), bare, bare)
        yield project


def until(true: Callable[[], object], process: subprocess.Popen[str]) -> None:
    for _ in range(1200):
        if true():
            return
        assert process.poll() is None, process.communicate()[0]
        time.sleep(0.1)
    raise AssertionError("it did not come to that in two minutes")


def test_code_travels_to_nodes_that_have_neither_the_project_nor_nightsweep(
    project: Project,
) -> None:
    code, said = project.run("travelled", "--address", project.nodes.address)
    assert code == DONE, said
    assert f"joins the Ray cluster at {project.nodes.address} (--address)" in said
    assert f"sends {project.folder} (3 files" in said
    assert "and nightsweep to the nodes" in said
    places = project.places("travelled")
    assert len({node for node, _ in places}) > 1, "all trials were trained on one node"
    assert all("working_dir_files" in folder for _, folder in places)
    assert nightsweep.load(project.runs / "travelled").trials["status"].isin(
        ["completed", "stopped"]
    ).all()  # fmt: skip


def test_what_keeps_a_sweep_from_nodes_names_them_and_leaves_nothing(project: Project) -> None:
    (project.folder / "data.npz").touch()
    file = project.folder / "sweep.yaml"
    file.write_text(f"{DIGITS}data: data.npz\n")
    code, said = project.run("refused", RAY_ADDRESS=project.nodes.address)
    file.write_text(DIGITS)
    assert code == BAD_INPUT
    assert said.splitlines()[-1] == (
        f"nightsweep: {project.folder}/data.npz (of data) cannot be read on 127.0.0.3 and "
        "127.0.0.4; put it on storage they share"
    )
    assert f"joins the Ray cluster at {project.nodes.address} (RAY_ADDRESS)" in said
    assert not (project.runs / "refused").exists()


def test_a_run_folder_that_the_nodes_do_not_see_is_refused(project: Project) -> None:
    code, said = project.run("../project/run", "--address", project.nodes.address)
    assert code == BAD_INPUT
    assert "is not there on 127.0.0.3 and 127.0.0.4; put it on storage that all nodes" in said


def test_another_token_is_refused_at_once_and_without_rays_own_words(
    project: Project, tmp_path: Path
) -> None:
    token = tmp_path / "token"
    token.write_text("0" * 64)
    code, said = project.run(
        "refused", "--address", project.nodes.address, RAY_AUTH_TOKEN_PATH=str(token)
    )
    assert code == BAD_INPUT
    assert "has a token and lets nobody in with another token" in said
    assert len(said.splitlines()) == 2, said


def test_an_address_that_nobody_answers_is_said_so(project: Project) -> None:
    code, said = project.run("refused", "--address", f"127.0.0.2:{free_port()}")
    assert code == CLUSTER_DOWN
    assert "nobody answers at 127.0.0.2:" in said
    assert "Traceback" not in said


def test_a_driver_of_another_ray_is_told_both_versions(project: Project) -> None:
    script = (
        "import ray; ray.__version__ = '2.9.0'; from nightsweep.cluster.cli import main; main()"
    )
    out = str(project.runs / "refused")
    done = subprocess.run(
        [sys.executable, "-c", script, "run", "sweep.yaml", "--out", out, "--address",
         project.nodes.address],
        cwd=project.folder, env=project.nodes.environ, capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == BAD_INPUT
    assert re.search(r"runs Ray 2\.60\.0 and Python \S+, and here are Ray 2\.9\.0", done.stderr)


def test_nodes_leave_and_come_and_at_last_the_head_goes(tmp_path: Path) -> None:
    """Everything is where all nodes see it, so nothing is sent."""
    with RayNodes() as nodes:
        project = Project(tmp_path, nodes)
        (project.folder / "sweep.yaml").write_text(DIGITS.replace("epochs: 3", "slow: true", 1))
        _, _, third = nodes.start(Spec(cpus=1), Spec(cpus=1), Spec(cpus=1))
        words = ["run", "sweep.yaml", "--address", nodes.address, "--trials", "60"]
        process = project.start(*words, "--out", str(project.runs / "a"))
        until(lambda: any(node == third.host for node, _ in project.places("a")), process)
        nodes.kill(third)
        until(lambda: project.lines("a", "interrupted"), process)
        [fourth] = nodes.start(Spec(cpus=1))
        until(lambda: any(node == fourth.host for node, _ in project.places("a")), process)
        head = next(one for one in nodes.nodes[0].offspring() if one.name() == "gcs_server")
        os.kill(head.pid, signal.SIGKILL)
        said, _ = process.communicate(timeout=100)
        assert process.returncode == CLUSTER_DOWN, said
        assert "sends" not in said
        assert re.search(r"1 node lost \(\S+\): 2 slots now", said), said
        assert re.search(r"1 node came \(\S+\): 3 slots now", said), said
        assert "nightsweep: the head of the Ray cluster has not answered for " in said
        assert said.endswith(f"nightsweep resume {project.runs / 'a'}\n"), said
        assert "Traceback" not in said
