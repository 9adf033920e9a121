"""How many trials fit at once, and why not more."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.cluster.doctor.finding import Finding, Level
from nightsweep.cluster.doctor.fit import at_once
from nightsweep.search.sweep import Sweep

from ..conftest import GRID
from .machines import GB


def told(
    cpus: float, gpus: float | str = 0, *, memory: int = 100 * GB, free: int = 8, **more: Any
) -> Finding:
    """On a machine of 16 CPUs and (as a rule) 8 free GPUs."""
    values = GRID | {"trials": None, "resources": {"cpus": cpus, "gpus": gpus}} | more
    return at_once(Sweep(**values), cpus=16, gpus=free, memory=memory)


@pytest.mark.parametrize(
    ("found", "words"),
    [
        (told(1), "16 trials at once, 1 CPU and 0 GPU each; 16 CPUs are enough for no more"),
        (
            told(1, 1),
            "8 trials at once, 1 CPU and 1 GPU each; 8 free GPUs are enough for no more "
            "(16 CPUs would take 16)",
        ),
        (
            told(4, 0.5),
            "4 trials at once, 4 CPU and 0.5 GPU each; 16 CPUs are enough for no more "
            "(8 GPUs would take 16)",
        ),
        (
            told(1, 0.25, free=1),
            "4 trials at once, 1 CPU and 0.25 GPU each; 1 free GPU is enough for no more "
            "(16 CPUs would take 16)",
        ),
        (
            told(1, 2),
            "4 trials at once, 1 CPU and 2 GPU each; 8 free GPUs are enough for no more "
            "(16 CPUs would take 16)",
        ),
        (told(1, slots=3), "3 trials at once, 1 CPU and 0 GPU each; slots in the sweep says so"),
        (told(1, trials=5), "5 trials at once, 1 CPU and 0 GPU each; there are no more"),
    ],
)
def test_what_there_is_least_of_is_said(found: Finding, words: str) -> None:
    assert (found.level, found.said) == (Level.FINE, f"grid: {words}")


def test_gpus_auto_starts_with_one_trial_on_each() -> None:
    found = told(1, "auto")
    assert found.said.startswith("grid: 8 trials at once, 1 CPU and a share of a GPU")
    assert found.said.endswith("; more share a GPU once it is measured that they fit")


def test_not_one_trial_stops_the_sweep() -> None:
    found = told(1, 1, free=0)
    assert found.level is Level.STOPS
    assert found.said == (
        "not one trial fits: each asks for 1 CPU and 1 GPU, and this machine has 16 CPUs and "
        "0 free GPUs"
    )


def test_processes_that_take_all_memory_limit_the_sweep() -> None:
    found = told(1, memory=2 * GB)
    assert found.level is Level.LIMITS
    assert found.said.endswith("Their processes alone take 5.2 GB of memory, and 2 GB are free")
    assert found.advice == "slots: 5 in the sweep"
