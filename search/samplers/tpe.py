"""Tree-structured Parzen estimator, on Optuna's TPESampler, taught from the rungs.

Optuna ranks trials that were stopped early by the epoch they reached first and by their value
second (Optuna 5, `_split_pruned_trials`), so each trial is shown to it as stopped at its highest
rung: values of different epochs are never compared, and a paused trial counts as soon as its
first rung has a result. Trials without a result are shown as running, which keeps workers that
ask at the same time apart (constant liar). Several parameters are drawn together (Falkner 2018,
BOHB); those with an equal `when` form a group of their own.
"""

from __future__ import annotations

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


class Tpe(BaseModel):
    """Settings of TPE."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["tpe"] = "tpe"
    startup: int = Field(10, ge=1, description="results before the model is used")

    def problems(self, space: Space) -> Iterator[Problem]:
        yield from ()

    def build(self, space: Space, seed: int) -> TpeSampler:
        return TpeSampler(space=space, seed=seed, startup=self.startup)


@dataclass(slots=True, kw_only=True)
class TpeSampler:
    """Defaults, then chance until `startup` results are in, then the model.

    Keeps a translation of each observation, to save time; it has no other state.
    """

    space: Space
    seed: int
    startup: int
    _frozen: dict[int, tuple[int, FrozenTrial]] = field(default_factory=dict, repr=False)

    def propose(self, number: int, history: History) -> Proposal:
        if number == 1 or len(history.observations) < self.startup:
            return RandomSampler(space=self.space, seed=self.seed).propose(number, history)
        study, sampler = self._optuna(number, history)
        groups = {name: group for group in self.space.groups for name in group}
        drawn: Config = {}

        def choose(name: str, parameter: Parameter) -> Any:
            if name not in drawn:
                drawn.update(self._draw(groups[name], study, sampler))
            return drawn[name]

        config = self.space.build(choose)
        return Proposal(config=config, origin=f"tpe from {len(history.observations)} results")

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

    def _optuna(self, number: int, history: History) -> tuple[Study, TPESampler]:
        """Optuna's objects over this history; the seed is the trial's own."""
        import optuna

        from .snapshot import snapshot

        seed = int(np.random.SeedSequence([self.seed, number]).generate_state(1)[0])
        sampler = optuna.samplers.TPESampler(
            seed=seed, n_startup_trials=0, n_ei_candidates=24, multivariate=True
        )
        shown = [self._finished(observation) for observation in telling(history.observations)]
        shown += [self._running(trial, config) for trial, config in history.pending]
        return snapshot(shown, sampler), sampler

    def _finished(self, observation: Observation) -> FrozenTrial:
        known = self._frozen.get(observation.trial)
        if known is not None and known[0] == observation.epoch:
            return known[1]
        frozen = self._translate(observation.trial, observation.config, observation)
        self._frozen[observation.trial] = (observation.epoch, frozen)
        return frozen

    def _running(self, trial: int, config: Config) -> FrozenTrial:
        return self._translate(trial, config, None)

    def _translate(
        self, number: int, config: Config, observation: Observation | None
    ) -> FrozenTrial:
        from optuna.trial import TrialState, create_trial

        names = [name for name in self.space.parameters if name in config]
        frozen = create_trial(
            state=TrialState.RUNNING if observation is None else TrialState.PRUNED,
            params={name: self.space.parameters[name].encode(config[name]) for name in names},
            distributions={name: self.space.parameters[name].distribution() for name in names},
            intermediate_values={observation.epoch: observation.value} if observation else {},
        )
        frozen.number = number
        return frozen


def telling(observations: Sequence[Observation]) -> list[Observation]:
    """The observations that teach most: the leaders, and the latest of the others."""
    if len(observations) <= LEADERS + RECENT:
        return list(observations)
    ranked = sorted(observations, key=lambda o: (-o.epoch, o.value))
    others = sorted(ranked[LEADERS:], key=lambda o: o.trial)
    return ranked[:LEADERS] + others[-RECENT:]


def _asking() -> FrozenTrial:
    """The trial that values are drawn for; its number must differ from all others."""
    from optuna.trial import TrialState, create_trial

    return create_trial(state=TrialState.RUNNING)
