"""One driver, many workers: how busy it keeps their slots, and where its own time goes.

    python benchmarks/driver.py --workers 8 64 256 1000 4000 --seconds 1 10 60 [--sampler random]
    python benchmarks/driver.py --workers 1000 --seconds 10 --profile

The driver is the real one: Loop, Engine, Ray Tune's controller, Foreman, Study, Keeper with its
journal on the disk. Its workers are simulated (simulated_ray.py), on a clock that runs with the
driver's CPU time, so that a thousand workers need no machines and waiting no time. What Ray costs
it is charged as RAY says, which benchmarks/ray_calls.py measures on a real one. The sweep is that
of examples/digits.yaml with 27 epochs and asha; seconds an epoch are lognormal.
"""

from __future__ import annotations

import argparse
import cProfile
import multiprocessing
import os
import pstats
import random
import shutil
import sys
import tempfile
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path
from typing import Any, cast

sys.path.insert(0, str(Path(__file__).parent))

from simulated_ray import Clock, SimulatedRay, Workers, install, replace_ray

DIGITS = Path(__file__).parents[1] / "examples" / "digits.yaml"
EPOCHS = 12  # of the mean length, that are looked at once all slots are up
AT_LEAST = 20.0  # seconds of the driver's time, or that
AT_MOST = 30.0  # seconds of the driver's CPU: where it is swamped, it stays so

# Microseconds of the driver's own thread, by benchmarks/ray_calls.py. As much again is done by
# Ray's threads beside it, which need another core.
RAY = {"call": 170.0, "get": 17.0, "wait": 6.0, "wait, each": 0.13, "wait all, each": 0.42}


@dataclass(frozen=True, kw_only=True)
class Row:
    """What one driver came to. `busy`: of the slots' time, once all were up, in training."""

    workers: int
    seconds: float
    sampler: str
    up: float  # seconds until all slots were up, of which the driver worked
    up_worked: float
    busy: float
    epochs: float  # a second
    results: float  # that came back from slots, a second
    driver: float  # of its time at work, Ray's and the disk's included
    ray: float  # of its work
    disk: float  # of its work
    each: float  # milliseconds of work for one result


def measure(workers: int, seconds: float, sampler: str, disk: float, profile: bool) -> Row:
    """Run a driver in this process, which is good for one."""
    clock = Clock(disk)
    install(clock)
    from nightsweep.cluster import engine as module
    from nightsweep.cluster.connect import SETTINGS
    from nightsweep.cluster.display import Silent
    from nightsweep.cluster.foreman import Foreman
    from nightsweep.cluster.keeper import Keeper
    from nightsweep.cluster.loop import Loop
    from nightsweep.cluster.stopping import StopRequest
    from nightsweep.search import Study
    from nightsweep.search.ledger import Ledger
    from nightsweep.search.plan import PowerLaw
    from nightsweep.search.runfolder import RunFolder
    from nightsweep.search.sweepfile import load

    os.environ.update(SETTINGS)
    random.seed(0)
    sweep = load(DIGITS, trials=1_000_000, sampler=sampler, max_epochs=27)
    simulated = Workers(clock, seconds, PowerLaw(sweep))
    place = Path(tempfile.mkdtemp(prefix="driver-"))
    replace_ray(SimulatedRay(clock, simulated, RAY), str(place))
    keeper = Keeper(RunFolder.create(place / "run"), Ledger())
    study = Study(sweep, keeper.record)
    request = StopRequest()
    loop = Loop(study, keeper, Silent(), request, before=0.0, clock=clock, wall=clock)
    foreman = Foreman(study, keeper.folder, keeper.record)
    began = clock()
    engine = module.Engine(
        foreman, "digits:train", folder=place, slots=workers, needs=sweep.resources
    )
    seen = Watched(engine, clock, workers, max(EPOCHS * seconds, AT_LEAST), profile)
    try:
        loop.search(cast(module.Engine, seen))
    except EnoughError:
        pass
    finally:
        shutil.rmtree(engine._scratch, ignore_errors=True)
        shutil.rmtree(place, ignore_errors=True)
    if profile:
        seen.profiler.disable()
        pstats.Stats(seen.profiler).sort_stats("cumulative").print_stats("nightsweep|tune", 70)
    first, last = seen.first, seen.mark()
    span, work = last["now"] - first["now"], last["worked"] - first["worked"]
    results = last["results"] - first["results"]
    return Row(
        workers=workers,
        seconds=seconds,
        sampler=sampler,
        up=first["now"] - began,
        up_worked=first["worked"] - began,
        busy=simulated.busy(first["now"], last["now"]) / (span * workers),
        epochs=(last["epochs"] - first["epochs"]) / span,
        results=results / span,
        driver=work / span,
        ray=(last["ray"] - first["ray"]) / work,
        disk=(last["disk"] - first["disk"]) / work,
        each=1e3 * work / max(results, 1),
    )


class EnoughError(Exception):
    """It has been looked at for long enough."""


class Watched:
    """An engine, and what has happened since all its slots are up."""

    def __init__(
        self, engine: Any, clock: Clock, workers: int, span: float, profile: bool
    ) -> None:
        self._engine, self._clock, self._workers, self._span = engine, clock, workers, span
        self._profile = profile
        self.profiler = cProfile.Profile()
        self.results = 0
        heard = engine.foreman.heard

        def counted(*given: Any) -> Any:
            self.results += 1
            return heard(*given)

        engine.foreman.heard = counted
        self.first: dict[str, float] = {}

    def __getattr__(self, name: str) -> Any:
        return getattr(self._engine, name)

    def step(self) -> None:
        self._engine.step()
        with self._clock.free():
            if not self.first:
                if self._engine.ready >= self._workers:
                    self.first = self.mark()
                    if self._profile:
                        self.profiler.enable()
                return
            worked = self._clock.worked - self.first["worked"]
            if self._clock() - self.first["now"] >= self._span or worked >= AT_MOST:
                raise EnoughError

    def mark(self) -> dict[str, float]:
        with self._clock.free():
            return {
                "now": self._clock(),
                "worked": self._clock.worked,
                "results": self.results,
                "epochs": self._engine.foreman.study.trained,
                "ray": self._clock.ray,
                "disk": self._clock.disk,
            }


def in_process(*given: Any) -> Row:
    """Measure in a process of its own."""
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(1, mp_context=context) as pool:
        return pool.submit(measure, *given).result()


HEAD = (
    "| workers | s an epoch | sampler | slots busy | epochs/s | results/s | driver at work | "
    "ms a result | of it Ray | of it disk | all up after |"
)


def line(row: Row) -> str:
    return (
        f"| {row.workers} | {row.seconds:g} | {row.sampler} | {row.busy:.3f} | {row.epochs:.0f} | "
        f"{row.results:.0f} | {row.driver:.0%} | {row.each:.2f} | {row.ray:.0%} | "
        f"{row.disk:.0%} | {row.up:.0f} s ({row.up_worked:.1f} s at work) |"
    )


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--workers", type=int, nargs="+", default=[8, 64, 256, 1000, 4000])
    parser.add_argument("--seconds", type=float, nargs="+", default=[1.0, 10.0, 60.0])
    parser.add_argument("--sampler", nargs="+", default=["auto"])
    parser.add_argument("--disk", type=float, default=0.3, help="ms for a decision to be on it")
    parser.add_argument("--profile", action="store_true")
    options = parser.parse_args()
    print(HEAD, "| --: " * HEAD.count(" |") + "|", sep="\n", flush=True)
    for sampler in options.sampler:
        for seconds in options.seconds:
            for workers in options.workers:
                run = measure if options.profile else in_process
                given = (workers, seconds, sampler, options.disk * 1e-3, options.profile)
                print(line(run(*given)), flush=True)


if __name__ == "__main__":
    main()
