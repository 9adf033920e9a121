"""A sweep on a Ray cluster of several nodes that die and come: the program of test_nodes.py.

One Ray of its own with a head that has no CPUs, each node with processes of its own. Prints what
came of it as JSON. Ray sees a dead node within two seconds here; by itself it takes some fifteen.
"""

from __future__ import annotations

import json
import logging
import os
import signal
import sys
import threading
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import ray
from ray.cluster_utils import Cluster

import nightsweep
from nightsweep.cluster.display import Silent
from nightsweep.cluster.run import start
from nightsweep.search.results import Results
from nightsweep.search.sweep import Sweep

QUICK = {
    "health_check_initial_delay_ms": 500,
    "health_check_period_ms": 300,
    "health_check_timeout_ms": 1000,
    "health_check_failure_threshold": 3,
}
SMALL: dict[str, Any] = {"object_store_memory": 100 * 1024**2}


class Heard(Silent):
    """Keeps what it is told."""

    def __init__(self) -> None:
        self.notes: list[str] = []
        self.notices: set[str] = set()

    def note(self, text: str) -> None:
        self.notes.append(text)

    def update(self, busy: int, notice: str, searched: float, ends: float = float("inf")) -> None:
        self.notices.add(notice)


def sweep(**changes: Any) -> Sweep:
    values: dict[str, Any] = {
        "metric": "loss", "parameters": {"lr": {"min": 0.01, "max": 0.5, "log": True}},
        "max_epochs": 8, "trials": 6, "sampler": "random", "scheduler": "none", "seed": 1,
    }  # fmt: skip
    return Sweep(**values | changes)


def training(pause: float) -> Callable[[dict[str, Any], nightsweep.Trial], None]:
    """A function that saves itself after its first two epochs, and then no more."""

    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import torch

        import nightsweep.trainables.trial as module

        model = torch.nn.Sequential(torch.nn.Linear(2, 4), torch.nn.Dropout(0.5))
        optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
        trial.keep(model=model, optimizer=optimizer)
        for epoch in trial.epochs():
            module.SAVE_EVERY = 0.0 if epoch <= 2 else 1e9
            loss = (model(torch.randn(16, 2)) - 1).square().mean()
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
            time.sleep(pause)
            trial.report(loss=loss)

    return train


def until(true: Callable[[], bool]) -> None:
    for _ in range(900):
        if true():
            return
        time.sleep(0.1)
    raise AssertionError("it did not come to that in 90 seconds")


def kill(node: Any) -> None:
    """-9 for the node's raylet; its workers end with it."""
    os.kill(node.all_processes["raylet"][0].process.pid, signal.SIGKILL)


def main(place: Path) -> dict[str, Any]:
    head = {"num_cpus": 0, "include_dashboard": False, "_system_config": QUICK, **SMALL}
    cluster = Cluster(initialize_head=True, head_node_args=head)
    nodes = [cluster.add_node(num_cpus=1, **SMALL) for _ in range(2)]
    ray.init(address=cluster.address, log_to_driver=False, logging_level=logging.ERROR)
    calm = start(sweep(slots=1), training(0.0), out=place / "calm")

    heard, found, journal = Heard(), list[Results](), place / "wild" / "journal.jsonl"
    wild = threading.Thread(
        target=lambda: found.append(
            start(sweep(), training(0.5), out=place / "wild", display=heard)
        )
    )

    def lines(*words: str) -> int:
        """How many lines of the journal hold all these words."""
        text = journal.read_text().splitlines() if journal.exists() else []
        return sum(all(word in line for word in words) for line in text)

    wild.start()
    until(lambda: all(lines(f'"trial":{one},', '"checkpoint":true') for one in (1, 2)))
    kill(nodes[0])
    until(lambda: len(heard.notes) == 1)
    kill(nodes[1])
    until(lambda: len(heard.notes) == 2)
    lost = lines("interrupted", "its node was lost")
    for _ in range(2):
        cluster.add_node(num_cpus=1, **SMALL)
    wild.join()
    left = [group["state"] for group in ray.util.placement_group_table().values()]
    ray.shutdown()
    cluster.shutdown()
    rows = found[0].trials
    return {
        "notes": heard.notes,
        "notices": sorted(heard.notices),
        "lost": lost,
        "went on": lines("asked", "its node was lost") - lines("asked", '"epoch":0', "its node"),
        "slots": heard.slots,
        "status": rows["status"].tolist(),
        "same": found[0]
        .curves[["trial", "epoch", "loss"]]
        .equals(calm.curves[["trial", "epoch", "loss"]]),
        "placement groups": sorted(set(left)),
    }


if __name__ == "__main__":
    print(json.dumps(main(Path(sys.argv[1]))))
