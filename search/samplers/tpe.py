"""Tree-structured Parzen estimator on Optuna's TPESampler, taught from the rungs as BOHB is.

The model is that of the highest rung with enough results, and compares the trials that have come
there by their values there: never values of different epochs (Falkner et al. 2018, BOHB, section
3.2). Every third proposal is random, which keeps the search from being caught by what only looks
good early (their rho = 1/3). Trials without a result are shown as running, which keeps workers
that ask at the same time apart (constant liar). Parameters are drawn together; those with an
equal `when` form a group of their own.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from ..history import History, Observation, Proposal
from ..space import Config, Parameter, Space
from .random import RandomSampler

if TYPE_CHECKING:
    from optuna.samplers import TPESampler
    from optuna.study import Study
    from optuna.trial import FrozenTrial

# TPE's "good" set is at most 25 trials (Optuna's default_gamma), so a few hundred results tell it
# as much as all of them do, and a proposal takes as long at 10 000 trials as at 300.
LEADERS = 50
RECENT = 200
RANDOM = 3  # every third


Result = tuple[Observation, float]  # a trial, and its value at the modelled rung
Shown = tuple[int, float]  # a rung, and the value there
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

    Keeps a translation of each observation, to save time; it has no other state.
    """

    space: Space
    seed: int
    startup: int
    _frozen: dict[int, tuple[Shown, FrozenTrial]] = field(default_factory=dict, repr=False)

    @property
    def count(self) -> None:
        return None

    def propose(self, number: int, history: History) -> Proposal:
        rung = modelled(history.observations, self.startup)
        if number == 1 or rung is None or number % RANDOM == 0:
            return RandomSampler(space=self.space, seed=self.seed).propose(number, history)
        results = telling(history.observations, rung)
        study, sampler = self._optuna(number, rung, results, history.pending)
        groups = {name: group for group in self.space.groups for name in group}
        drawn: Config = {}

        def choose(name: str, parameter: Parameter) -> Any:
            if name not in drawn:
                drawn.update(self._draw(groups[name], study, sampler))
            return drawn[name]

        config = self.space.build(choose)
        return Proposal(config=config, origin=f"tpe from {len(results)} results at epoch {rung}")

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
        self, number: int, rung: int, results: Sequence[Result], pending: Sequence[Asked]
    ) -> tuple[Study, TPESampler]:
        """Optuna's objects over these results; the seed is the trial's own."""
        import optuna

        from .snapshot import snapshot

        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=0, n_ei_candidates=24, multivariate=True
        )
        shown = [self._finished(o, rung, value) for o, value in results]
        shown += [self._translate(trial, config, {}) for trial, config in pending]
        return snapshot(shown, sampler), sampler

    def _finished(self, observation: Observation, rung: int, value: float) -> FrozenTrial:
        known = self._frozen.get(observation.trial)
        if known is not None and known[0] == (rung, value):
            return known[1]
        frozen = self._translate(observation.trial, observation.config, {rung: value})
        self._frozen[observation.trial] = ((rung, value), frozen)
        return frozen

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


def modelled(observations: Sequence[Observation], enough: int) -> int | None:
    """The highest rung at which at least `enough` trials have a value; None if there is none."""
    counts = Counter(rung for observation in observations for rung in observation.values)
    return max((rung for rung, count in counts.items() if count >= enough), default=None)


def telling(observations: Sequence[Observation], rung: int) -> list[Result]:
    """The results at a rung that teach most: the leaders, and the latest of the others."""
    there = [(o, value) for o in observations if (value := o.at(rung)) is not None]
    if len(there) <= LEADERS + RECENT:
        return there
    ranked = sorted(there, key=lambda result: result[1])
    others = sorted(ranked[LEADERS:], key=lambda result: result[0].trial)
    return ranked[:LEADERS] + others[-RECENT:]


def _asking() -> FrozenTrial:
    """The trial that values are drawn for; its number must differ from all others."""
    from optuna.trial import TrialState, create_trial

    return create_trial(state=TrialState.RUNNING)
