"""Fast and slow GPUs in one sweep, simulated: what leaving long rungs to the fast ones brings.

    .venv/bin/python benchmarks/unequal.py [--seeds 40]

Each mix and night twice: slots that are all treated alike, and as the driver does it, which learns
how slow each kind is from the seconds of epochs. Made-up learning curves (search/plan.py).
"""

from __future__ import annotations

import argparse
from dataclasses import dataclass, field
from statistics import fmean
from typing import NamedTuple

import numpy as np

from nightsweep.cluster.devices.pace import Kinds
from nightsweep.search import Study, Sweep
from nightsweep.search.plan import PowerLaw
from nightsweep.search.simulate import Moment, Task, Worker, _Cluster

EPOCH = 60.0  # seconds on a fast one
MIXES = [(1, 1, 2.0), (1, 3, 2.0), (2, 6, 3.0), (4, 4, 2.0), (6, 2, 3.0)]  # fast, slow, how slow


@dataclass(slots=True)
class Driven(_Cluster):
    """Slots on devices of several kinds. `told`: the driver asks by what it knows of them."""

    told: bool = True
    kinds: Kinds = field(default_factory=Kinds)

    def _ask(self, time: float) -> Task | None:
        slot, left = str(self.idle[-1]), self.ends - time
        self.kinds.sits(slot, f"speed {self.workers[self.idle[-1]].speed:.2f}")
        assert isinstance(self.searcher, Study)
        if not self.told:
            return self.searcher.ask(left=left)
        leaves = self.kinds.leaves(slot)
        return self.searcher.ask(left=left / self.kinds.slower(slot), leaves=leaves)

    def heard(self, moment: Moment) -> None:
        """An epoch has been trained."""
        seconds = EPOCH / self.workers[moment.worker].speed
        self.kinds.trained(str(moment.worker), moment.trial, seconds)


class Night(NamedTuple):
    """What came of one; `first`: hours until a trial was trained to its end."""

    best: float
    trials: float
    epochs: float
    first: float


def night(seed: int, mix: tuple[int, int, float], hours: float, *, told: bool) -> Night:
    fast, slow, ratio = mix
    sweep = Sweep(
        metric="loss", parameters={"x": {"min": 0.0, "max": 1.0}}, max_epochs=27, time="9h",
        sampler="random", scheduler={"name": "asha", "audit": 0}, seed=seed,
    )  # fmt: skip
    study, ends, first = Study(sweep), hours * 3600, float("nan")
    workers = [Worker()] * fast + [Worker(speed=1 / ratio)] * slow
    curves = PowerLaw(sweep, seconds=EPOCH)
    cluster = Driven(study, curves, workers, np.random.default_rng(0), ends, told=told)
    for moment in cluster.run(ends):
        cluster.heard(moment)
        if moment.epoch == sweep.max_epochs and np.isnan(first):
            first = moment.time / 3600
    assert study.best is not None
    return Night(study.best.best, len(study.trials), study.trained, first)


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    seeds = range(parser.parse_args().seeds)

    def nights(mix: tuple[int, int, float], hours: float, told: bool) -> list[Night]:
        return [night(seed, mix, hours, told=told) for seed in seeds]

    print("fast slow times hours | first to its end, h |    best loss    | trials    | epochs")
    for mix in MIXES:
        for hours in (3.0, 9.0):
            alike, driven = (
                Night(*map(fmean, zip(*nights(mix, hours, told), strict=True)))
                for told in (False, True)
            )
            print(
                f"{mix[0]:4} {mix[1]:4} {mix[2]:5g} {hours:5g} | {alike.first:.2f} -> "
                f"{driven.first:.2f}        | {alike.best:.4f} -> {driven.best:.4f} | "
                f"{alike.trials:.0f} -> {driven.trials:.0f} | {alike.epochs:.0f} -> "
                f"{driven.epochs:.0f}",
                flush=True,
            )


if __name__ == "__main__":
    main()
