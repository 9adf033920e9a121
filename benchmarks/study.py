"""What a decision costs: `ask` and `report` at a given number of finished trials; the import.

python benchmarks/study.py [--trials 1000 10000]
"""

from __future__ import annotations

import argparse
import math
import statistics
import subprocess
import sys
import time
from pathlib import Path

from nightsweep.search import Study, Sweep
from nightsweep.search.study import Decision
from nightsweep.search.sweepfile import load

DIGITS = Path(__file__).parents[1] / "examples" / "digits.yaml"
SAMPLES = 100


def toy(study: Study, trial: int, epoch: int) -> float:
    """A smooth error with a noise of its own; the best learning rate is 0.01."""
    config = study.trials[trial].config
    noise = math.sin(trial * 12.9898) * 0.05
    return abs(math.log10(config["lr"]) + 2) + 1 / epoch + noise


def train(study: Study, reports: list[float]) -> float | None:
    """One ask and the reports that follow; the seconds that the ask took."""
    began = time.perf_counter()
    trial = study.ask()
    took = time.perf_counter() - began
    if trial is None:
        return None
    epoch, decision = trial.epoch, Decision.CONTINUE
    while decision is Decision.CONTINUE:
        epoch += 1
        metrics = {"val_loss": toy(study, trial.id, epoch)}
        began = time.perf_counter()
        decision = study.report(trial.id, epoch, metrics)
        reports.append(time.perf_counter() - began)
    return took if trial.epoch == 0 else None


def measure(trials: int) -> tuple[list[float], list[float]]:
    """Seconds of `ask` (new trials only) and of `report`, around this many trials."""
    sweep = Sweep(**{**dict(load(DIGITS)), "trials": trials + SAMPLES})
    study = Study(sweep)
    asks: list[float] = []
    reports: list[float] = []
    while len(study.trials) < trials + SAMPLES:
        took = train(study, reports)
        if took is not None:
            asks.append(took)
    return asks[-SAMPLES:], reports[-SAMPLES * 3 :]


def import_seconds(module: str) -> float:
    """The median of five imports in fresh processes, without the interpreter's own start."""
    code = f"import time; t = time.perf_counter(); import {module}; print(time.perf_counter() - t)"
    runs = [subprocess.check_output([sys.executable, "-c", code]) for _ in range(5)]
    return statistics.median(float(run) for run in runs)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, nargs="+", default=[1000])
    for trials in parser.parse_args().trials:
        asks, reports = measure(trials)
        print(
            f"at {trials} trials: ask {statistics.median(asks) * 1e3:.1f} ms (worst of "
            f"{len(asks)}: {max(asks) * 1e3:.1f}), report {statistics.median(reports) * 1e3:.3f} "
            f"ms (worst of {len(reports)}: {max(reports) * 1e3:.3f})"
        )
    print(f"import nightsweep: {import_seconds('nightsweep') * 1e3:.0f} ms")


if __name__ == "__main__":
    main()
