"""Slots and devices on a real Ray cluster of three nodes with four logical GPUs each.

    python benchmarks/nodes.py [--trials 600] [--epoch 2.0]

Trials sleep for their epochs, with half a GPU each: 24 at once. What the trials saw of devices
comes from their own logs, how busy the slots were from the journal's times. On a machine with few
cores the 24 workers come up one after another, which takes longer than on three machines.
"""

from __future__ import annotations

import argparse
import os
import subprocess
import sys
import tempfile
from collections import Counter, defaultdict
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import NamedTuple

sys.path.insert(0, str(Path(__file__).parents[1]))

from tests.clusters.raynodes import RayNodes, Spec

from nightsweep.search.events import (
    Asked,
    Failed,
    Finished,
    Interrupted,
    Reported,
    Stopped,
)
from nightsweep.search.journal import Entry, read

NODES, GPUS, SHARE = 3, 4, 0.5
SLOTS = int(NODES * GPUS / SHARE)
SWEEP = """
name: nodes
train: train.py:train
metric: {{name: loss, goal: minimize}}
parameters:
  x: {{min: 0.0, max: 1.0}}
  seconds: {seconds}
max_epochs: 9
trials: {trials}
sampler: random
resources: {{cpus: 1, gpus: 0.5}}
"""
TRAIN = """
import os
import time

import ray
import torch

def train(config, trial):
    trial.keep(model=torch.nn.Linear(1, 1))
    device = f"{ray.util.get_node_ip_address()}/{os.environ['CUDA_VISIBLE_DEVICES']}"
    for epoch in trial.epochs():
        begin = time.time()
        time.sleep(config["seconds"])
        print("epoch", begin, time.time(), device, flush=True)
        trial.report(loss=config["x"] + 2.0 ** -epoch)
"""


class Span(NamedTuple):
    """Something that took from `begin` to `end`, somewhere."""

    begin: float
    end: float
    where: str


def main(trials: int, seconds: float) -> None:
    with tempfile.TemporaryDirectory() as name, RayNodes() as nodes:
        place = Path(name)
        (place / "sweep.yaml").write_text(SWEEP.format(trials=trials, seconds=seconds))
        (place / "train.py").write_text(TRAIN)
        nodes.start(*[Spec(cpus=int(GPUS / SHARE), gpus=GPUS)] * NODES)
        words = ["run", "sweep.yaml", "--address", nodes.address, "--out", "run"]
        nightsweep = [sys.executable, "-m", "nightsweep", *words]
        subprocess.run(nightsweep, cwd=place, env=nodes.environ, check=True)
        trained = list(epochs(place / "run" / "trials"))
        devices(trained)
        slots(list(read(place / "run" / "journal.jsonl")), trained)
    print(f"load of this machine at the end: {os.getloadavg()[1]:.1f}, {os.cpu_count()} CPUs")


def epochs(trials: Path) -> Iterator[Span]:
    """What the trials have printed, one epoch a line."""
    for log in trials.glob("*/log.txt"):
        for line in log.read_text().splitlines():
            if line.startswith("epoch "):
                _, begin, end, where = line.split()
                yield Span(float(begin), float(end), where)


def devices(found: list[Span]) -> None:
    """How many trained at once: in all, and on each device."""
    by_device = defaultdict(list)
    for span in found:
        by_device[span.where].append(span)
    most = {device: at_once(spans) for device, spans in sorted(by_device.items())}
    print(f"\n{len(found)} epochs on {len(most)} devices; at most {at_once(found)} at once")
    print(f"the most at once on a device: {dict(Counter(most.values()))} (so many: devices)")
    print("devices:", " ".join(most))


def at_once(spans: Iterable[Span]) -> int:
    """The most that overlap."""
    steps = sorted([(s.begin, 1) for s in spans] + [(s.end, -1) for s in spans])
    now = most = 0
    for _, step in steps:
        now += step
        most = max(most, now)
    return most


def slots(journal: list[Entry], trained: list[Span]) -> None:
    """How busy the slots were, from several first moments on to the last promotion."""
    spans, since = list[Span](), dict[int, float]()
    promotions = []
    for entry in journal:
        match entry.event:
            case Asked(trial=trial, epoch=epoch):
                since[trial] = entry.time
                promotions += [entry.time] if epoch else []
            case Reported(decision="continue"):
                pass
            case Reported(trial=trial) | Finished(trial=trial) | Stopped(trial=trial):
                close(spans, since, trial, entry.time)
            case Failed(trial=trial) | Interrupted(trial=trial):
                close(spans, since, trial, entry.time)
    print(
        "\nof the time of all slots: given to a trial (by the journal), slept through (by trials)"
    )
    for words, begin in [
        ("the first start", min(span.begin for span in trained)),
        ("the first promotion", promotions[0]),
        (f"the start in the last of {SLOTS} slots", all_up(trained)),
    ]:
        end = promotions[-1]
        print(f"  {busy(spans, begin, end):.3f}  {busy(trained, begin, end):.3f}  "
              f"from {words} to the last promotion, {end - begin:.0f} s")  # fmt: skip


def all_up(trained: list[Span]) -> float:
    """When so many had begun as there are slots, at once."""
    steps = sorted([(s.begin, 1) for s in trained] + [(s.end, -1) for s in trained])
    now = 0
    for moment, step in steps:
        now += step
        if now == SLOTS:
            return moment
    return steps[-1][0]


def close(spans: list[Span], since: dict[int, float], trial: int, now: float) -> None:
    if trial in since:
        spans.append(Span(since.pop(trial), now, str(trial)))


def busy(spans: list[Span], begin: float, end: float) -> float:
    """The part of all slots' time that was used between two moments."""
    used = sum(max(0.0, min(span.end, end) - max(span.begin, begin)) for span in spans)
    return used / (SLOTS * (end - begin))


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=600)
    parser.add_argument("--epoch", type=float, default=2.0)
    given = parser.parse_args()
    main(given.trials, given.epoch)
