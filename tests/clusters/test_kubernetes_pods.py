"""What a job's pods run in Kubernetes, on a real Ray cluster: a head without CPUs, and a worker.

Kubernetes itself cannot run here; its part, to run `stop.sh` before a pod goes, is the test's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nightsweep.cluster.jobs.kubernetes.scripts import scripts
from nightsweep.cluster.jobs.site import Job
from nightsweep.search.sweepfile import load

from .rayjobs import missing
from .raynodes import RayNodes, Spec

pytestmark = [pytest.mark.clusters, pytest.mark.ray]

SWEEP = """
name: digits
train: fit.py:train
metric: loss
parameters: {lr: {min: 0.0, max: 1.0}}
max_epochs: 9
trials: 4
scheduler: none
submit: {kubernetes: {image: "team/digits:1", runs: RUNS, folder: APP, volumes: {runs: RUNS}}}
"""
TRAIN = """
import time

class Weights:
    def __init__(self):
        self.epochs = 0
    def state_dict(self):
        return {"epochs": self.epochs}
    def load_state_dict(self, state):
        self.epochs = state["epochs"]

def train(config, trial):
    weights = Weights()
    trial.keep(weights=weights)
    for epoch in trial.epochs():
        time.sleep(0.5)
        weights.epochs += 1
        assert weights.epochs == epoch, "begun again"
        trial.report(loss=config["lr"] + 1 / epoch)
"""


class Pods:
    """The pods of one job: a folder for the head's /tmp, and the scripts."""

    def __init__(self, folder: Path, nodes: RayNodes) -> None:
        self.folder, self._jobs = folder, nodes.jobs
        self.run = folder / "runs" / "digits-1"
        file = folder / "app" / "digits.yaml"
        file.parent.mkdir()
        (folder / "runs").mkdir()
        text = SWEEP.replace("RUNS", str(folder / "runs")).replace("APP", str(file.parent))
        file.write_text(text)
        (file.parent / "fit.py").write_text(TRAIN)
        (folder / "bin").mkdir()
        python = folder / "bin" / "python"
        python.write_text(f'#!/bin/sh\nexec {sys.executable} "$@"\n')
        python.chmod(0o755)
        sweep = load(file)
        job = Job(sweep=sweep, file=file, run=self.run, asked=sweep.submit)
        made = scripts(job, sweep.submit.kubernetes, "digits-1", str(self.run))
        self._scripts = {
            name: text.replace("/tmp/nightsweep", f"{folder}/nightsweep").replace(
                "http://127.0.0.1:8265", nodes.jobs
            )
            for name, text in made.items()
        }
        path = f"{folder / 'bin'}:{Path(sys.executable).parent}:{os.environ['PATH']}"
        # As Ray's jobs server gives it to the command of a job.
        self._environ = nodes.environ | {"PATH": path, "RAY_ADDRESS": nodes.address}

    def start(self, name: str) -> subprocess.Popen[bytes]:
        """Begin one of the scripts."""
        return subprocess.Popen(["bash", "-c", self._scripts[name]], env=self._environ)

    def ray(self, *words: str) -> str:
        """What `ray job` says."""
        command = ["ray", "job", words[0], "--address", self._jobs, *words[1:]]
        told = subprocess.run(command, env=self._environ, capture_output=True, text=True)
        return told.stdout + told.stderr

    def submit(self, driver: str) -> None:
        """Submit `start.sh` as KubeRay does; `driver`: a shell script in the place of Python's."""
        python = self.folder / "bin" / "python"
        python.write_text(f"#!/bin/bash\n{driver}\n")
        script = self.folder / "start.sh"
        path = f'export PATH="{self.folder}/bin:$PATH"\n'
        script.write_text(path + self._scripts["start.sh"])
        words = ["--no-wait", "--submission-id", "digits-1", "--", "bash", str(script)]
        there = ("submitted successfully", "already exists")  # the latter: its answer was late

        def submitted() -> bool:
            said = self.ray("submit", *words)
            return any(text in said for text in there)

        wait_for(submitted)

    def events(self, kind: str) -> list[dict[str, object]]:
        """Of the journal, so far."""
        journal = self.run / "journal.jsonl"
        lines = journal.read_text().splitlines() if journal.exists() else []
        found = [json.loads(line) for line in lines if line.endswith("}")]
        return [event for event in found if event["event"] == kind]


def wait_for(seen: Callable[[], object], seconds: float = 240) -> None:
    deadline = time.monotonic() + seconds
    while not seen():
        assert time.monotonic() < deadline, "it did not come"
        time.sleep(0.1)


def test_a_head_that_goes_saves_what_trains_and_the_next_goes_on(tmp_path: Path) -> None:
    with RayNodes() as nodes:
        nodes.start(Spec(cpus=0), Spec(cpus=2))
        pods = Pods(tmp_path, nodes)
        start = pods.start("start.sh")
        wait_for(lambda: len(pods.events("reported")) >= 4 or start.poll() is not None)
        assert start.poll() is None
        leave = pods.start("leave.sh")
        assert pods.start("stop.sh").wait(60) == 0
        assert start.wait(60) == 75
        closed = pods.events("closed")
        assert [event["done"] for event in closed] == [False]
        assert leave.wait(60) == 0

        before = len(pods.events("reported"))
        for mark in tmp_path.glob("nightsweep.*"):  # another pod, another /tmp
            mark.unlink()
        assert pods.start("start.sh").wait(240) == 0
        assert pods.events("closed")[-1]["done"] is True
        assert len(pods.events("reported")) == 4 * 9, f"{before} before: some were trained again"


@pytest.mark.skipif(bool(missing()), reason=missing())
@pytest.mark.parametrize(
    ("leaving", "status"), [(False, "was stopped"), (True, "failed")], ids=["by hand", "evicted"]
)
def test_only_a_sweep_that_its_pod_had_to_leave_is_a_failure_that_comes_back(
    tmp_path: Path, leaving: bool, status: str
) -> None:
    with RayNodes(dashboard=True) as nodes:
        nodes.environ["PATH"] = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
        nodes.start(Spec(cpus=0))
        pods = Pods(tmp_path, nodes)
        if leaving:
            (tmp_path / "nightsweep.leaving").touch()
        pods.submit("exit 75")
        wait_for(lambda: f"'digits-1' {status}" in pods.ray("status", "digits-1"))
