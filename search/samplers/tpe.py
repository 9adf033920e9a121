"""Tree-structured Parzen estimator on Optuna's TPESampler, taught from the rungs as BOHB is.

The model is that of the highest rung with enough results, and compares the trials that have come
there by their values there: never values of different epochs (Falkner et al. 2018, BOHB, section
3.2). Every third proposal is random, which keeps the search from being caught by what only looks
good early (their rho = 1/3). Trials without a result are shown as running, which keeps workers
that ask at the same time apart (constant liar). Parameters are drawn together; those with an
equal `when` form a group of their own.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from ..history import History, Proposal
from ..space import Config, Parameter, Space
from .admissible import admissible
from .random import RandomSampler
from .teaching import Result, modelled, telling

if TYPE_CHECKING:
    from optuna.samplers import TPESampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial

RANDOM = 3  # every third

Shown = tuple[Config, dict[int, float]]  # a trial's configuration, and its value at the rung
Asked = tuple[int, Config]


class Tpe(BaseModel):
    """Settings of TPE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["tpe"] = "tpe"
    startup: int = Field(10, ge=1, description="results that a rung needs to be modelled")

    def problems(self, space: Space) -> Iterator[Problem]:
        yield from ()

    def build(self, space: Space, seed: int) -> TpeSampler:
        return TpeSampler(space=space, seed=seed, startup=self.startup)


@dataclass(slots=True, kw_only=True)
class TpeSampler:
    """Defaults, then chance until a rung has `startup` results, then the model.

    Keeps the translations of what it showed last, to save time; it has no other state.
    """

    space: Space
    seed: int
    startup: int
    _frozen: dict[int, tuple[Shown, FrozenTrial]] = field(default_factory=dict, repr=False)

    def propose(self, number: int, history: History) -> Proposal | None:
        rung = modelled(history.observations, self.startup)
        if number == 1 or rung is None or number % RANDOM == 0:
            return RandomSampler(space=self.space, seed=self.seed).propose(number, history)
        results = telling(history.observations, rung)
        origin = f"tpe from {len(results)} results at epoch {rung}"
        shown = list(history.pending)

        def guess(attempt: int) -> Proposal:
            study, sampler = self._optuna((number, attempt), rung, results, shown)
            config = self._config(study, sampler)
            # If there is a next guess, this one may not be tried. Shown as running it keeps the
            # next away; the model would look there again and again, since it knows so little.
            shown.append((number + attempt, config))
            return Proposal(config=config, origin=origin)

        return admissible(self.space, self.seed, number, history, guess)

    def _config(self, study: Study, sampler: TPESampler) -> Config:
        """A configuration, its values drawn group by group."""
        groups = {name: group for group in self.space.groups for name in group}
        drawn: Config = {}

        def choose(name: str, parameter: Parameter) -> Any:
            if name not in drawn:
                drawn.update(self._draw(groups[name], study, sampler))
            return drawn[name]

        return self.space.build(choose)

    def _draw(self, names: Sequence[str], study: Study, sampler: TPESampler) -> Config:
        """Values for parameters that are active together, drawn together."""
        parameters = {name: self.space.parameters[name] for name in names}
        distributions = {name: p.distribution() for name, p in parameters.items()}
        free = {name: d for name, d in distributions.items() if not d.single()}
        drawn = sampler.sample_relative(study, _asking(), free)
        return {
            name: parameter.decode(drawn[name]) if name in drawn else parameter.at(0.0)
            for name, parameter in parameters.items()
        }

    def _optuna(
        self,
        guess: tuple[int, int],
        rung: int,
        results: Sequence[Result],
        pending: Sequence[Asked],
    ) -> tuple[Study, TPESampler]:
        """Optuna's objects over these results; the seed is that of a trial's n-th guess."""
        import optuna

        from .snapshot import snapshot

        seed = int(np.random.SeedSequence([self.seed, *guess]).generate_state(1)[0])
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=0, n_ei_candidates=24, multivariate=True
        )
        shown: dict[int, Shown] = {o.trial: (o.config, {rung: value}) for o, value in results}
        shown |= {trial: (config, {}) for trial, config in pending}
        # What is not shown any more is forgotten: of a long sweep, most.
        self._frozen = {trial: self._kept(trial, *shown[trial]) for trial in shown}
        return snapshot([frozen for _, frozen in self._frozen.values()], sampler), sampler

    def _kept(
        self, trial: int, config: Config, values: dict[int, float]
    ) -> tuple[Shown, FrozenTrial]:
        """A trial with its translation; the one of the last proposal, if it is as it was."""
        known = self._frozen.get(trial)
        if known is not None and known[0][0] is config and known[0][1] == values:
            return known
        return (config, values), self._translate(trial, config, values)

    def _translate(self, number: int, config: Config, values: dict[int, float]) -> FrozenTrial:
        """A trial as Optuna has it: stopped with a value at an epoch, or running without one."""
        from optuna.trial import TrialState, create_trial

        names = [name for name in self.space.parameters if name in config]
        frozen = create_trial(
            state=TrialState.PRUNED if values else TrialState.RUNNING,
            params={name: self.space.parameters[name].encode(config[name]) for name in names},
            distributions={name: self.space.parameters[name].distribution() for name in names},
            intermediate_values=values,
        )
        frozen.number = number
        return frozen


def _asking() -> FrozenTrial:
    """The trial that values are drawn for; its number must differ from all others."""
    from optuna.trial import TrialState, create_trial

    return create_trial(state=TrialState.RUNNING)
