"""The same configurations, trained for the same epochs, by nightsweep and its peers.

    python benchmarks/fixed_work.py [--trials 60] [--epochs 9] [--slots 2] [--only nightsweep]

Each runs in a process of its own, one after another. `work` counts from the start of the first
training function to the end of the last; `before` is what came before that (imports, Ray).
"""

from __future__ import annotations

import argparse
import json
import subprocess
import sys
import time
from pathlib import Path

sys.path.insert(0, str(Path(__file__).parent))

from peers import RUNNERS, Config

from nightsweep.search.samplers.random import draw
from nightsweep.search.sweepfile import load

DIGITS = Path(__file__).parents[1] / "examples" / "digits.yaml"


def configurations(count: int) -> list[Config]:
    """Random ones of the digits sweep, without `epochs`: all train as long."""
    space = load(DIGITS).space
    return [
        {name: value for name, value in draw(space, 0, number).items() if name != "epochs"}
        for number in range(1, count + 1)
    ]


def measure(name: str, trials: int, epochs: int, slots: int) -> dict[str, float]:
    """Run one and add up, in this process."""
    called = time.time()
    records = RUNNERS[name](configurations(trials), epochs, slots)
    began = min(record["began"] for record in records)
    ended = max(record["ended"] for record in records)
    losses = sorted(record["val_loss"] for record in records)
    return {
        "trials": len(records),
        "before": began - called,
        "work": ended - began,
        "best": losses[0],
    }


def apart(name: str, arguments: argparse.Namespace) -> dict[str, float]:
    """Run one in a process of its own."""
    command = [sys.executable, __file__, "--only", name, "--json"]
    for key in ("trials", "epochs", "slots"):
        command += [f"--{key}", str(getattr(arguments, key))]
    done = subprocess.run(command, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, check=True)
    found: dict[str, float] = json.loads(done.stdout.splitlines()[-1])
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=60)
    parser.add_argument("--epochs", type=int, default=9)
    parser.add_argument("--slots", type=int, default=2)
    parser.add_argument("--repeat", type=int, default=1, help="times each; the median counts")
    parser.add_argument("--only", choices=RUNNERS)
    parser.add_argument("--json", action="store_true")
    arguments = parser.parse_args()
    if arguments.json:
        size = (arguments.trials, arguments.epochs, arguments.slots)
        print(json.dumps(measure(arguments.only, *size)))
        return
    names = [arguments.only] if arguments.only else list(RUNNERS)
    print(
        f"{arguments.trials} digits trials of {arguments.epochs} epochs, {arguments.slots} slots"
    )
    print(f"{'':28}{'before s':>10}{'work s':>10}{'trials/s':>10}{'nightsweep is':>15}")
    rounds: dict[str, list[dict[str, float]]] = {name: [] for name in names}
    for _ in range(arguments.repeat):
        for name in names:
            rounds[name].append(apart(name, arguments))
    medians = {
        name: sorted(runs, key=lambda run: run["work"])[len(runs) // 2]
        for name, runs in rounds.items()
    }
    ours = medians.get("nightsweep", {}).get("work")
    for name, found in medians.items():
        ratio = f"{found['work'] / ours:.2f} x" if ours else ""
        pace = found["trials"] / found["work"]
        print(f"{name:28}{found['before']:10.1f}{found['work']:10.1f}{pace:10.2f}{ratio:>15}")


if __name__ == "__main__":
    main()
