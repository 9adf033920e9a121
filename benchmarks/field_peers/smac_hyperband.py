"""SMAC 2.4: `MultiFidelityFacade`, a random forest in Hyperband's brackets, by `ask` and `tell`.

Defaults of the facade (automl.github.io/SMAC3, "Multi-Fidelity"): `eta` 3, 10 random
configurations a parameter first, one seed each. Its budgets are 50 / 3^k, rounded to whole epochs
here. A default configuration is given by `use_default_config`, which puts it behind the random
ones. `n_trials` (100) only limits its own loop and is raised.
"""

from __future__ import annotations

from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from nightsweep.search import Float, Int
from nightsweep.search.space import Config

from .fidelity import ByFidelity, Job
from .problem import EPOCHS, ETA, GRACE, Problem


class Smac:
    """The facade; its target function is never called."""

    def __init__(self, problem: Problem) -> None:
        from ConfigSpace import ConfigurationSpace
        from smac import MultiFidelityFacade, Scenario

        centre = problem.centre()
        space = ConfigurationSpace(seed=problem.seed)
        space.add([translate(name, p, centre) for name, p in problem.space.items()])
        self.folder = TemporaryDirectory(prefix="field-smac-")
        scenario = Scenario(
            space,
            output_directory=Path(self.folder.name),
            deterministic=True,
            min_budget=GRACE,
            max_budget=EPOCHS,
            n_trials=10**6,
            use_default_config=problem.default is not None,
            seed=problem.seed,
        )
        self.names = list(problem.space)
        self.facade: Any = MultiFidelityFacade(
            scenario,
            _never,
            intensifier=MultiFidelityFacade.get_intensifier(scenario, eta=ETA),
            overwrite=True,
            logging_level=False,
        )

    def next(self) -> Job:
        ticket = self.facade.ask()
        config = {name: ticket.config[name] for name in self.names}
        return Job(config=config, epochs=round(ticket.budget), ticket=ticket)

    def tell(self, ticket: Any, error: float) -> None:
        from smac.runhistory import TrialValue

        self.facade.tell(ticket, TrialValue(cost=error), save=False)


def smac(problem: Problem) -> ByFidelity:
    return ByFidelity(Smac(problem), problem.worst)


def translate(name: str, parameter: Float | Int, default: Config) -> Any:
    """The parameter in ConfigSpace's words."""
    import ConfigSpace

    kind: Any = ConfigSpace.Integer if isinstance(parameter, Int) else ConfigSpace.Float
    bounds = (parameter.min, parameter.max)
    return kind(name, bounds, log=parameter.log, default=default[name])


def _never(config: Any, seed: int, budget: float) -> float:
    raise NotImplementedError("asked and told, never run")
