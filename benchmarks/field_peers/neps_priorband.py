"""NePS 0.17: what its "auto" takes, through `AskAndTell`.

Without a default configuration that is `hyperband`, with one `priorband` around it, the default
first (automl.github.io/neps, "Choosing an optimizer"). `eta` 3, the prior's confidence "low", no
Bayesian optimisation. Its fidelities are 1, 5, 16 and 50 epochs. It draws from the global
generators of Python, numpy and torch.
"""

from __future__ import annotations

from typing import Any

from nightsweep.search import Int

from .fidelity import ByFidelity, Job
from .problem import EPOCHS, ETA, GRACE, Problem

FIDELITY = "epochs"


class Neps:
    """NePS's optimizer, asked and told."""

    def __init__(self, problem: Problem) -> None:
        import neps
        import torch

        torch.manual_seed(problem.seed)
        space: Any = neps.SearchSpace(
            {
                **translate(problem),
                FIDELITY: neps.HPOInteger(GRACE, EPOCHS, is_fidelity=True),
            }
        )
        optimizer: Any
        if problem.default is None:
            optimizer = neps.algorithms.hyperband(space, eta=ETA)
        else:
            optimizer = neps.algorithms.priorband(space, eta=ETA, sample_prior_first=True)
        self.names = list(problem.space)
        self.neps: Any = neps.AskAndTell(optimizer)

    def next(self) -> Job:
        ticket = self.neps.ask()
        config = {name: ticket.config[name] for name in self.names}
        return Job(config=config, epochs=int(ticket.config[FIDELITY]), ticket=ticket)

    def tell(self, ticket: Any, error: float) -> None:
        self.neps.tell(ticket, error)


def neps(problem: Problem) -> ByFidelity:
    return ByFidelity(Neps(problem), problem.worst)


def translate(problem: Problem) -> dict[str, Any]:
    """The parameters in NePS's words, each with its default as the prior."""
    import neps

    default = problem.default or {}
    found = {}
    for name, parameter in problem.space.items():
        kind: Any = neps.HPOInteger if isinstance(parameter, Int) else neps.HPOFloat
        bounds = (parameter.min, parameter.max)
        found[name] = kind(*bounds, log=parameter.log, prior=default.get(name))
    return found
