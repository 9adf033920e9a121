"""nightsweep itself, all defaults, or with another of its samplers."""

from __future__ import annotations

from typing import Any

from nightsweep.search import Decision, Study, Sweep, Trial

from .problem import EPOCHS, METRIC, Problem


class Nightsweep:
    """A Study; the default configuration as each parameter's `default`."""

    def __init__(self, problem: Problem, **options: Any) -> None:
        default = problem.default or {}
        parameters = {
            name: parameter.model_copy(update={"default": default.get(name)})
            for name, parameter in problem.space.items()
        }
        sweep = Sweep(
            metric={"name": METRIC},
            parameters=parameters,
            max_epochs=EPOCHS,
            trials=10**6,
            seed=problem.seed,
            **options,
        )
        self.study = Study(sweep)

    def ask(self) -> Trial | None:
        return self.study.ask()

    def report(self, trial: int, epoch: int, error: float, seconds: float) -> Decision:
        return self.study.report(trial, epoch, {METRIC: error}, seconds=seconds)
