"""What a sweep will take, before it runs: its Study on a virtual cluster, with generic curves.

Who goes on is decided by ranks. Of random proposals any may be the best, so that how many trials
reach which rung depends on the scheduler and on luck, and hardly on the curves; only the `median`
rule compares values of different epochs, and there it depends on both. A sampler that learns
brings better trials later, and more of them go on: on the curves below tpe and gp trained 17% and
26% more epochs than random search at 60 trials (luck does 20%), 22% and 5% more at 1000. Proposals
are random here all the same: they cost nothing, and what another sampler will learn nobody knows.
"""

from __future__ import annotations

import json
import math
import zlib
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from statistics import fmean

import numpy as np

from .budget import span
from .changing import changed
from .errors import NightsweepError, SweepError
from .samplers.cube import graded, place
from .schedulers import Never
from .simulate import Curve, Worker, simulate
from .space import Config
from .study import Study
from .sweep import Sweep

LARGEST = 300_000  # epochs of one simulation: more would take minutes
ENOUGH = 2_000  # epochs in all the simulations that a forecast is the mean of
MOST = 8  # simulations
PATIENT = 4  # times its patience in trials, which random search has until that is over, about


@dataclass(frozen=True, slots=True, kw_only=True)
class Forecast:
    """One way to run a sweep; counts are the means of some simulations.

    `reached`: how many trials are trained to which epoch, for each rung and the last. `fewest`,
    `most`: epochs in the simulations. `seconds`: from start to end; `first`: until the first trial
    has all its epochs, None where none has. `cpu_hours`, `gpu_hours`: in training.
    """

    variant: str
    simulations: int
    trials: float
    reached: dict[int, float]
    completed: float
    epochs: float
    fewest: int
    most: int
    seconds: float
    cpu_hours: float
    gpu_hours: float
    first: float | None


class PowerLaw:
    """Learning curves that fall as a power law: asymptote + gap × epoch^-rate + noise.

    The most common shape of measured ones (Viering & Loog 2022, "The Shape of Learning Curves: a
    Review"; the pow3 of Domhan et al. 2015). The asymptote is a bowl over the unit cube with its
    optimum at a random place; few parameters matter much (Bergstra & Bengio 2012). Gap, rate and
    noise are each configuration's own, so that curves cross. With goal maximize, all upside down.
    """

    def __init__(self, sweep: Sweep, *, seconds: float = 1.0, noise: float = 0.02) -> None:
        chance = np.random.default_rng([sweep.seed, 0])
        self._parameters = sweep.space.parameters
        self._optimum = {name: chance.random() for name in self._parameters}
        self._weight = {name: chance.exponential() for name in self._parameters}
        self._words = {
            name: chance.random(parameter.count)
            for name, parameter in self._parameters.items()
            if not graded(parameter) and parameter.count is not None
        }
        self._metric = sweep.metric.name
        self._sign = 1.0 if sweep.metric.goal == "minimize" else -1.0
        self._seed, self._seconds, self._noise = sweep.seed, seconds, noise
        self._epochs = np.arange(1, sweep.max_epochs + 1)

    def __call__(self, config: Config) -> Curve:
        """The curve of a configuration; the same one whenever it is asked for."""
        own = zlib.crc32(json.dumps(config, sort_keys=True).encode())
        chance = np.random.default_rng([self._seed, 1, own])
        gap, rate = chance.uniform(0.5, 1.0), chance.uniform(0.5, 1.5)
        noise = chance.normal(0.0, self._noise, len(self._epochs))
        values = self._sign * (self.asymptote(config) + gap * self._epochs**-rate + noise)
        return Curve(
            metrics=[{self._metric: float(value)} for value in values], seconds=self._seconds
        )

    def asymptote(self, config: Config) -> float:
        """What it would come to in the end, without noise: 0 is the best, 1 the worst."""
        used = {name: weight for name, weight in self._weight.items() if name in config}
        off = sum(weight * self._off(name, config[name]) for name, weight in used.items())
        return off / sum(used.values()) if used else 0.0

    def _off(self, name: str, value: object) -> float:
        """How far a value is from its optimum; each word of a choice is as far off as it is."""
        parameter = self._parameters[name]
        if name in self._words:
            return float(self._words[name][parameter.encode(value)])
        return (place(parameter, value) - self._optimum[name]) ** 2


def plan(sweep: Sweep, *, slots: int, epoch_seconds: float, now: float = 0.0) -> list[Forecast]:
    """The sweep as it is written, then with other settings of its scheduler.

    `now`: when it would start, in seconds since 1970; deadlines count from there.
    Errors: NightsweepError where it is too large to be simulated in a while.
    """
    return [
        forecast(other, slots=slots, epoch_seconds=epoch_seconds, variant=name, now=now)
        for name, other in variants(sweep)
    ]


def variants(sweep: Sweep) -> Iterator[tuple[str, Sweep]]:
    """As written; with eta 2, 3 and 4; with three times the grace; never stopping, or by asha."""
    settings = sweep.scheduler.model_dump()
    yield "as written", sweep
    changes = [("eta", eta) for eta in (2, 3, 4)] + [("grace", 3 * settings.get("grace", 0))]
    for key, value in changes:
        if settings.get(key, value) != value:
            try:
                yield f"{key} {value}", changed(sweep, {"scheduler": {**settings, key: value}})
            except SweepError:
                continue  # a grace beyond the last epoch
    if isinstance(sweep.scheduler, Never):
        yield "asha", changed(sweep, {"scheduler": "asha"})
    else:
        yield "no early stopping", changed(sweep, {"scheduler": "none"})


def forecast(
    sweep: Sweep,
    *,
    slots: int,
    epoch_seconds: float,
    variant: str = "as written",
    now: float = 0.0,
) -> Forecast:
    """What one sweep will take. Errors: NightsweepError where it is too large to be simulated."""
    sweep, ends = _quick(sweep), span(sweep, slots=slots, now=now)
    size = min(_size(sweep), ends * slots / epoch_seconds)
    if size > LARGEST:
        raise NightsweepError(
            f"about {size:,.0f} epochs would have to be simulated, more than {LARGEST:,}; plan "
            "for fewer slots, trials or hours, and multiply"
        )
    count = max(min(MOST, int(ENOUGH // max(size, 1))), 1)
    courses = [
        _course(_reseeded(sweep, number), slots, epoch_seconds, ends) for number in range(count)
    ]
    epochs = [course.epochs for course in courses]
    hours = fmean(epochs) * epoch_seconds / 3600
    firsts = [course.first for course in courses if course.first is not None]
    return Forecast(
        variant=variant,
        simulations=count,
        trials=fmean(course.trials for course in courses),
        reached={e: fmean(c.reached[e] for c in courses) for e in courses[0].reached},
        completed=fmean(course.reached[sweep.max_epochs] for course in courses),
        epochs=fmean(epochs),
        fewest=min(epochs),
        most=max(epochs),
        seconds=fmean(course.seconds for course in courses),
        cpu_hours=hours * sweep.resources.cpus,
        gpu_hours=hours * sweep.resources.most_gpus,
        first=fmean(firsts) if firsts else None,
    )


def _reseeded(sweep: Sweep, number: int) -> Sweep:
    return changed(sweep, {"seed": (sweep.seed + number) % 2**63})


@dataclass(frozen=True, slots=True, kw_only=True)
class _Course:
    """How one simulation went."""

    trials: int
    reached: dict[int, int]
    epochs: int
    seconds: float
    first: float | None


def _course(sweep: Sweep, slots: int, epoch_seconds: float, ends: float) -> _Course:
    study = Study(sweep)
    curves = PowerLaw(sweep, seconds=epoch_seconds)
    trained: Counter[int] = Counter()  # epochs of each trial
    now, first = 0.0, None
    for moment in simulate(study, curves, [Worker()] * slots, ends=ends):
        now = moment.time
        trained[moment.trial] = moment.epoch
        if first is None and moment.epoch == sweep.max_epochs:
            first = now
    return _Course(
        trials=len(study.trials),
        reached=_reached([step.epoch for step in study.ladder], list(trained.values())),
        epochs=study.trained,
        seconds=now,
        first=first,
    )


def _reached(rungs: Sequence[int], trained: Sequence[int]) -> dict[int, int]:
    return {rung: sum(epochs >= rung for epochs in trained) for rung in rungs}


def _size(sweep: Sweep) -> float:
    """How many epochs there are to simulate, about, if it is not time that ends it."""
    study = Study(sweep)
    if study.limit is None and sweep.patience is None:
        return math.inf
    trials = study.limit or PATIENT * (sweep.patience or 0)
    return study.scheduler.expected_epochs(trials)


def _quick(sweep: Sweep) -> Sweep:
    """The same with one objective, since ranks decide who goes on, and with random proposals.

    A target is a value of real curves, so it is left out.
    """
    goal = {"name": sweep.metric.name, "goal": sweep.metric.goal}
    sampler = sweep.sampler if sweep.sampler.name == "grid" else "random"
    return Sweep(**{**sweep.model_dump(), "metric": goal, "sampler": sampler, "target": None})
