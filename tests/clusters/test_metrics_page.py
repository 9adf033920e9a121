"""A sweep's progress on the page that Prometheus reads, on a real node."""

from __future__ import annotations

import importlib.util
import re
import subprocess
import sys
import time
import urllib.request
from pathlib import Path

import pytest

from .raynodes import RayNodes, Spec

pytestmark = [pytest.mark.clusters, pytest.mark.ray]

SWEEP = """
name: toy
train: toy.py:train
metric: {name: loss, goal: minimize}
parameters: {x: {min: 0.0, max: 1.0}}
max_epochs: 1000
trials: 4
scheduler: none
slots: 1
"""
TRAIN = """
import time

def train(config, trial):
    for epoch in trial.epochs():
        time.sleep(0.1)
        trial.report(loss=config["x"])
"""


@pytest.mark.skipif(
    importlib.util.find_spec("prometheus_client") is None,
    reason="NOT TESTED: metrics, since ray[default] is not installed here",
)
def test_prometheus_finds_the_sweep_on_its_nodes_page(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    (tmp_path / "toy.py").write_text(TRAIN)
    with RayNodes() as nodes:
        [node] = nodes.start(Spec(cpus=1))
        words = ["run", "sweep.yaml", "--out", "run", "--address", nodes.address]
        driver = subprocess.Popen(
            [sys.executable, "-m", "nightsweep", *words], cwd=tmp_path, env=nodes.environ
        )
        try:
            shown = until_trained(node.metrics)
        finally:
            driver.terminate()
            driver.wait(60)
    running = r'^ray_nightsweep_trials\{.*Run="run".*Status="running".*Sweep="toy".*\} 1\.0$'
    assert re.search(running, shown, re.M), shown
    assert re.search(r"^ray_nightsweep_slots_busy\{.*\} 1\.0$", shown, re.M), shown
    assert re.search(r'^ray_nightsweep_best\{.*Metric="loss".*\} 0\.\d+$', shown, re.M), shown


def until_trained(page: str) -> str:
    """Our lines of the page, once epochs are counted there."""
    ours = ""
    for _ in range(240):
        time.sleep(0.5)
        try:
            with urllib.request.urlopen(page, timeout=5) as answer:
                text = answer.read().decode()
        except OSError:
            continue
        ours = "\n".join(line for line in text.splitlines() if "nightsweep" in line)
        if re.search(r"^ray_nightsweep_epochs\{.*\} [1-9]", ours, re.M):
            return ours
    raise AssertionError(f"no epochs in two minutes: {ours}")
