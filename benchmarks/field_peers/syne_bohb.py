"""Syne Tune 0.16: `BOHB`, its asynchronous successive halving with kernel densities.

Defaults of `syne_tune.optimizer.baselines.BOHB`: stopping form, one bracket, `reduction_factor`
3, `grace_period` 1, every third proposal random, 64 candidates; each trial is modelled by its
last value, whatever its epoch. The scheduler hears what `syne_tune.Tuner` would tell it. Its
random proposals come from numpy's global generator. NaN is passed on.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from nightsweep.search import Decision, Float, Int

from .problem import EPOCHS, ETA, GRACE, METRIC, Problem, Start


class SyneBohb:
    """Syne Tune's scheduler."""

    def __init__(self, problem: Problem) -> None:
        from syne_tune.optimizer.baselines import BOHB

        self.scheduler: Any = BOHB(
            {name: domain(parameter) for name, parameter in problem.space.items()},
            metric=METRIC,
            time_attr="epoch",
            max_t=EPOCHS,
            grace_period=GRACE,
            reduction_factor=ETA,
            points_to_evaluate=problem.first,
            random_seed=problem.seed,
        )
        self.trials: dict[int, Any] = {}

    def ask(self) -> Start | None:
        from syne_tune.backend.trial_status import Trial

        suggestion = self.scheduler.suggest()
        if suggestion is None:
            return None
        number = len(self.trials) + 1
        trial = Trial(number, suggestion.config, datetime.now())
        self.trials[number] = trial
        self.scheduler.on_trial_add(trial)
        return Start(id=number, config=trial.config)

    def report(self, trial: int, epoch: int, error: float, seconds: float) -> Decision:
        known, result = self.trials[trial], {METRIC: error, "epoch": epoch}
        if self.scheduler.on_trial_result(known, result) == "CONTINUE":
            return Decision.CONTINUE
        self.scheduler.on_trial_remove(known)
        return Decision.STOP


def domain(parameter: Float | Int) -> Any:
    """The parameter in Syne Tune's words; its upper ends are inclusive."""
    from syne_tune import config_space

    if isinstance(parameter, Int):
        draw = config_space.lograndint if parameter.log else config_space.randint
    else:
        draw = config_space.loguniform if parameter.log else config_space.uniform
    return draw(parameter.min, parameter.max)
