"""Ray Tune 2.60: `ASHAScheduler` with `OptunaSearch` ("stock"), and with random search.

Both objects hear what `TuneController` would tell them (ray/tune/execution/tune_controller.py,
`_process_trial_result` and `stop_trial`), with a stand-in for the trial, of which they read the
id alone. `ASHAScheduler` is the stopping form: who is worse than the best third of those that
came to the rung before ends there. Its settings are `max_t`, `grace_period` and
`reduction_factor` (its own default is 4); the rest as documented: one bracket
(docs.ray.io, "Tune Trial Schedulers"). A trial is suggested when a worker is free for it, as with
`max_concurrent_trials`. NaN is passed on, and never stopped by it.
"""

from __future__ import annotations

from types import SimpleNamespace
from typing import Any, Protocol

from nightsweep.search import Decision, Float, Int
from nightsweep.search.space import Config

from .problem import EPOCHS, ETA, GRACE, METRIC, Problem, Start


class Search(Protocol):
    """What of `ray.tune.search.Searcher` is called here."""

    def suggest(self, trial_id: str) -> Config | None: ...
    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None: ...
    def on_trial_complete(self, trial_id: str, result: dict[str, Any]) -> None: ...


class RayAsha:
    """Ray's ASHA, and any of its searchers."""

    def __init__(self, search: Search) -> None:
        from ray.tune.schedulers import ASHAScheduler

        self.search = search
        self.scheduler: Any = ASHAScheduler(
            metric=METRIC, mode="min", max_t=EPOCHS, grace_period=GRACE, reduction_factor=ETA
        )
        self.trials: dict[int, Any] = {}

    def ask(self) -> Start | None:
        number = len(self.trials) + 1
        config = self.search.suggest(str(number))
        if config is None:
            return None
        trial = self.trials[number] = SimpleNamespace(trial_id=str(number))
        self.scheduler.on_trial_add(None, trial)
        return Start(id=number, config=config)

    def report(self, trial: int, epoch: int, error: float, seconds: float) -> Decision:
        known, result = self.trials[trial], {"training_iteration": epoch, METRIC: error}
        if self.scheduler.on_trial_result(None, known, result) == "STOP":
            self.scheduler.on_trial_complete(None, known, result)
            self.search.on_trial_complete(str(trial), result)
            return Decision.STOP
        self.search.on_trial_result(str(trial), result)
        return Decision.CONTINUE


class RandomSearch:
    """What Ray's default searcher does, which cannot be asked: to sample each domain."""

    def __init__(self, problem: Problem) -> None:
        self.configs = problem.draws()

    def suggest(self, trial_id: str) -> Config:
        return next(self.configs)

    def on_trial_result(self, trial_id: str, result: dict[str, Any]) -> None: ...
    def on_trial_complete(self, trial_id: str, result: dict[str, Any]) -> None: ...


def stock(problem: Problem) -> RayAsha:
    """`OptunaSearch` as it comes: the `TPESampler` of the Optuna that is installed."""
    from ray.tune.search.optuna import OptunaSearch

    search: Any = OptunaSearch(points_to_evaluate=problem.first, seed=problem.seed)
    domains = {name: domain(parameter) for name, parameter in problem.space.items()}
    search.set_search_properties(METRIC, "min", domains)
    return RayAsha(search)


def random_asha(problem: Problem) -> RayAsha:
    """Random search."""
    return RayAsha(RandomSearch(problem))


def domain(parameter: Float | Int) -> Any:
    """The parameter in Ray Tune's words; its upper ends of integers are exclusive."""
    from ray import tune

    if isinstance(parameter, Int):
        draw = tune.lograndint if parameter.log else tune.randint
        return draw(parameter.min, parameter.max + 1)
    draw = tune.loguniform if parameter.log else tune.uniform
    return draw(parameter.min, parameter.max)
