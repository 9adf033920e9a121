"""DEHB 0.1.2: differential evolution in Hyperband's brackets, through `ask` and `tell`.

Defaults of `dehb.DEHB` (automl.github.io/DEHB): `eta` 3, mutation factor and crossover
probability 0.5, "rand1_bin", the immediate asynchronous form. Its fidelities are 50 / 3^k:
1.85, 5.6, 16.7 and 50, rounded to whole epochs here. It searches the unit cube: what it makes of
a ConfigSpace is the same, but calls what ConfigSpace has removed. It takes no default
configuration.
"""

from __future__ import annotations

from tempfile import TemporaryDirectory
from typing import Any

from .fidelity import ByFidelity, Job
from .problem import EPOCHS, ETA, GRACE, Problem


class Dehb:
    """A DEHB object, which writes nothing before its end."""

    def __init__(self, problem: Problem) -> None:
        from dehb import DEHB

        self.problem = problem
        self.folder = TemporaryDirectory(prefix="field-dehb-")
        self.dehb: Any = DEHB(
            dimensions=len(problem.space),
            min_fidelity=GRACE,
            max_fidelity=EPOCHS,
            eta=ETA,
            n_workers=1,  # more would start Dask, which ask and tell do without
            seed=problem.seed,
            save_freq="end",
            output_path=self.folder.name,
            log_level="ERROR",
        )

    def next(self) -> Job:
        ticket = self.dehb.ask()
        config = self.problem.at(ticket["config"])
        return Job(config=config, epochs=round(ticket["fidelity"]), ticket=ticket)

    def tell(self, ticket: Any, error: float) -> None:
        self.dehb.tell(ticket, {"fitness": error, "cost": ticket["fidelity"]})


def dehb(problem: Problem) -> ByFidelity:
    return ByFidelity(Dehb(problem), problem.worst)
