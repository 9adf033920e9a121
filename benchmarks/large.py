"""A sweep larger than most: how long its decisions take in all, and how much memory they need.

    python benchmarks/large.py [--trials 100000] [--workers 1000] [--sampler auto] [--minutes 60]

The sweep is that of examples/digits.yaml on a virtual cluster, with the generic curves that
`nightsweep plan` uses; nothing is trained, and no journal written.
"""

from __future__ import annotations

import argparse
import resource
import time

from study import DIGITS

from nightsweep.search import Study
from nightsweep.search.plan import PowerLaw
from nightsweep.search.simulate import Worker, simulate
from nightsweep.search.study import Trial
from nightsweep.search.sweepfile import load

NEWS = 30.0  # seconds between lines


class Timed(Study):
    """A study that counts the seconds in which it was asked."""

    asked = 0
    asking = 0.0

    def ask(
        self, *, alone: bool = True, left: float | None = None, leaves: int = 0
    ) -> Trial | None:
        began = time.perf_counter()
        trial = super().ask(alone=alone, left=left, leaves=leaves)
        self.asking += time.perf_counter() - began
        self.asked += 1
        return trial


def memory() -> str:
    """The most that this process has needed so far."""
    return f"{resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:,.0f} MB"


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--trials", type=int, default=100_000)
    parser.add_argument("--workers", type=int, default=1_000)
    parser.add_argument("--sampler", default="auto")
    parser.add_argument("--minutes", type=float, default=60.0, help="give up after these")
    arguments = parser.parse_args()
    sweep = load(DIGITS, trials=arguments.trials, sampler=arguments.sampler, max_epochs=27)
    study = Timed(sweep)
    began = news = time.perf_counter()
    end = 0.0
    for moment in simulate(study, PowerLaw(sweep), [Worker()] * arguments.workers):
        now, end = time.perf_counter(), moment.time
        if now - news > NEWS:
            news = now
            print(f"{now - began:6.0f} s: {len(study.trials):7,} trials, {memory()}", flush=True)
        if now - began > 60 * arguments.minutes:
            break
    took, cpu = time.perf_counter() - began, time.process_time()
    print(f"{len(study.trials):,} trials on {arguments.workers:,} workers, {sweep.sampler.name}:")
    print(f"{study.trained:,} epochs, the last one ends as the {end:,.0f}th in a row")
    print(f"{took:,.0f} s ({cpu:,.0f} s of CPU), {memory()}")
    print(f"ask: {study.asked:,} times, {1e3 * study.asking / study.asked:.2f} ms on average")
    print("reached:", ", ".join(f"{step.arrived:,} epoch {step.epoch}" for step in study.ladder))


if __name__ == "__main__":
    main()
