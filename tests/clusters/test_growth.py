"""A cluster that has no node for trials, and starts them when a sweep asks.

Ray's own autoscaler, with its provider for tests: the nodes are processes of this machine.
"""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from nightsweep.cluster.exits import DONE

from .raynodes import RayNodes, Spec

pytestmark = [pytest.mark.clusters, pytest.mark.ray]

SWEEP = """
name: grown
train: toy.py:train
metric: {name: loss, goal: minimize}
parameters: {x: {min: 0.0, max: 1.0}}
max_epochs: 3
trials: 12
sampler: random
scheduler: none
"""
TRAIN = """
import time

import ray

def train(config, trial):
    print("on", ray.get_runtime_context().get_node_id())
    for epoch in trial.epochs():
        time.sleep(1)
        trial.report(loss=config["x"])
"""
REQUESTED = """
import json, sys
import ray
from ray.experimental.internal_kv import _internal_kv_get
ray.init(sys.argv[1], log_to_driver=False, logging_level="ERROR")
print(json.loads(_internal_kv_get("__autoscaling_status"))["load_metrics_report"]["request_demand"])
"""


def test_it_starts_nodes_for_all_slots_and_is_asked_for_none_afterwards(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "toy.py").write_text(TRAIN)
    with RayNodes(grows=2) as nodes:
        nodes.start(Spec(cpus=0))
        words = ["run", "sweep.yaml", "--out", "run", "--address", nodes.address]
        done = subprocess.run(
            [sys.executable, "-m", "nightsweep", *words],
            cwd=tmp_path, env=nodes.environ, capture_output=True, text=True, timeout=240,
            check=False,
        )  # fmt: skip
        asked = subprocess.run(
            [sys.executable, "-c", REQUESTED, nodes.address],
            env=nodes.environ, capture_output=True, text=True, check=True,
        )  # fmt: skip
    assert done.returncode == DONE, done.stderr
    logs = [log.read_text() for log in (tmp_path / "run" / "trials").glob("*/log.txt")]
    assert len({line for log in logs for line in log.splitlines()}) == 2, "not on two nodes"
    assert json.loads(asked.stdout) == []
