"""Optuna 5: `TPESampler` with `HyperbandPruner`, through `ask`, `report`, `should_prune`, `tell`.

Defaults: TPE is multivariate with the constant liar, 10 random trials first; the pruner deals the
trials out to four brackets, each of them successive halving in the stopping form
(optuna.readthedocs.io, "HyperbandPruner"). A diverged trial goes on to its next rung, where the
pruner ends it; one that ends with NaN is told as it is, and becomes FAIL.
"""

from __future__ import annotations

from typing import Any

from nightsweep.search import Decision

from .problem import EPOCHS, ETA, GRACE, Problem, Start


class OptunaHyperband:
    """An Optuna study; its name is fixed, as it decides which trial goes to which bracket."""

    def __init__(self, problem: Problem) -> None:
        import optuna

        self.study = optuna.create_study(
            study_name=f"field {problem.seed}",
            sampler=optuna.samplers.TPESampler(seed=problem.seed),
            pruner=optuna.pruners.HyperbandPruner(
                min_resource=GRACE, max_resource=EPOCHS, reduction_factor=ETA
            ),
        )
        for config in problem.first:
            self.study.enqueue_trial(config)
        self.distributions = {name: p.distribution() for name, p in problem.space.items()}
        self.trials: dict[int, Any] = {}

    def ask(self) -> Start:
        trial = self.study.ask(self.distributions)
        self.trials[trial.number + 1] = trial
        return Start(id=trial.number + 1, config=trial.params)

    def report(self, trial: int, epoch: int, error: float, seconds: float) -> Decision:
        from optuna.trial import TrialState

        known = self.trials[trial]
        known.report(error, epoch)
        if epoch >= EPOCHS:
            self.study.tell(known, error)
            return Decision.STOP
        if known.should_prune():
            self.study.tell(known, state=TrialState.PRUNED)
            return Decision.STOP
        return Decision.CONTINUE
