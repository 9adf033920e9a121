"""What the tests of samplers share: a function with a known lowest point, and a contest on it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from nightsweep.search import Float, Study, Sweep
from nightsweep.search.simulate import Curve, Worker, simulate
from nightsweep.search.space import Config

LOWEST = {"a": 0.3, "b": 0.7, "c": 0.55, "d": 0.2, "e": 0.81}


@pytest.fixture
def bowl() -> Callable[[Config], float]:
    """A sphere in five dimensions, its middle out of the space's middle."""
    return lambda config: float(sum((config[name] - low) ** 2 for name, low in LOWEST.items()))


@pytest.fixture
def contest(bowl: Callable[[Config], float]) -> Callable[[Any], list[float]]:
    """The lowest value of the bowl that four workers find in 100 trials, for each of 16 seeds."""

    def found(sampler: Any, seed: int) -> float:
        sweep = Sweep(
            metric="m",
            parameters={name: Float(min=0.0, max=1.0) for name in LOWEST},
            max_epochs=1,
            trials=100,
            sampler=sampler,
            seed=seed,
        )
        study = Study(sweep)
        for _ in simulate(
            study, lambda config: Curve(metrics=[{"m": bowl(config)}]), [Worker()] * 4
        ):
            pass
        assert study.best is not None
        return study.best.best

    return lambda sampler: [found(sampler, seed) for seed in range(16)]
