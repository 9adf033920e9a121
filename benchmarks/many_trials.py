"""A sweep of many short trials, end to end: the driver's memory, and what a trial costs it early
and late.

    python benchmarks/many_trials.py --trials 5000 --slots 2

A real run on this machine's Ray. A trial trains nothing, so what is seen is nightsweep's own cost.
The driver's CPU seconds are what is compared: they depend less on what else the machine does.
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import psutil

SWEEP = {
    "name": "many",
    "train": "short.py:train",
    "metric": {"name": "loss", "goal": "minimize"},
    "parameters": {
        "lr": {"min": 1e-5, "max": 1.0, "log": True},
        "width": {"min": 8, "max": 512, "log": True},
        "momentum": {"min": 0.0, "max": 0.99},
    },
    "max_epochs": 9,
}
TRAIN = """
import math

def train(config, trial):
    for epoch in trial.epochs():
        loss = abs(math.log10(config["lr"]) + 2) + abs(config["momentum"] - 0.9) + 1 / epoch
        trial.report(loss=loss)
"""


@dataclass(frozen=True, slots=True)
class Sample:
    """The driver at a moment: trials begun, its CPU seconds and memory in MB, wall seconds."""

    trials: int
    cpu: float
    memory: float
    wall: float


def watched(place: Path, trials: int, slots: int, sampler: str) -> list[Sample]:
    """Run the sweep in `place`; a sample a second."""
    values = {**SWEEP, "trials": trials, "slots": slots, "sampler": sampler}
    (place / "many.json").write_text(json.dumps(values))
    (place / "short.py").write_text(TRAIN)
    command = [sys.executable, "-m", "nightsweep", "run", "many.json", "--out", "run", "--json"]
    with (place / "out.txt").open("w") as out:
        driver = subprocess.Popen(command, cwd=place, stdout=out, stderr=out)
    process, began, samples = psutil.Process(driver.pid), time.monotonic(), []
    journal, place_in, begun = place / "run" / "journal.jsonl", 0, 0
    while driver.poll() is None:
        time.sleep(1)
        try:
            spent, memory = process.cpu_times(), process.memory_info().rss / 1e6
        except psutil.NoSuchProcess:
            break
        if journal.exists():
            with journal.open("rb") as file:
                file.seek(place_in)
                new = file.read()
            place_in += len(new)
            begun += new.count(b'"config":')
        wall = time.monotonic() - began
        samples.append(Sample(begun, spent.user + spent.system, memory, wall))
    if driver.wait() != 0:
        raise SystemExit((place / "out.txt").read_text()[-2000:])
    return samples


def cost(samples: list[Sample], first: int, last: int) -> float:
    """CPU milliseconds of the driver for each trial between two counts of trials."""
    some = [sample for sample in samples if first <= sample.trials <= last]
    return 1000 * (some[-1].cpu - some[0].cpu) / (some[-1].trials - some[0].trials)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--trials", type=int, default=5000)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--sampler", default="auto")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        samples = watched(Path(folder), options.trials, options.slots, options.sampler)
    tenth = options.trials // 10
    early, late = (cost(samples, n, n + tenth) for n in (tenth, options.trials - tenth))
    print(f"{options.trials} trials, {options.slots} slots, sampler {options.sampler}")
    print(f"wall time            {samples[-1].wall:8.1f} s")
    print(f"driver's CPU time    {samples[-1].cpu:8.1f} s")
    print(f"driver's memory      {max(sample.memory for sample in samples):8.0f} MB at most")
    print(f"CPU a trial, early   {early:8.1f} ms (trials {tenth} to {2 * tenth})")
    print(f"CPU a trial, late    {late:8.1f} ms (the last {tenth})")
    print(f"late / early         {late / early:8.2f}")


if __name__ == "__main__":
    main()
