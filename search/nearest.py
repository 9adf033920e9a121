"""The nearest right word, for messages about a wrong one."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import get_close_matches

# Words of other tools, for what is named otherwise here (W&B, Ray Tune, Optuna, Determined, NNI).
ELSEWHERE = {
    "method": "sampler",
    "search_alg": "sampler",
    "tuner": "sampler",
    "pruner": "scheduler",
    "assessor": "scheduler",
    "early_terminate": "scheduler",
    "program": "train",
    "entrypoint": "train",
    "command": "train",
    "hyperparameters": "parameters",
    "search_space": "parameters",
    "space": "parameters",
    "param_space": "parameters",
    "params": "parameters",
    "objective": "metric",
    "mode": "goal",
    "direction": "goal",
    "max": "maximize",
    "min": "minimize",
    "num_samples": "trials",
    "n_trials": "trials",
    "max_trials": "trials",
    "run_cap": "trials",
    "max_t": "max_epochs",
    "max_iter": "max_epochs",
    "epochs": "max_epochs",
    "concurrency": "slots",
    "n_jobs": "slots",
    "max_concurrent_trials": "slots",
    "time_budget_s": "time",
    "gpu": "gpus",
    "cpu": "cpus",
    "reduction_factor": "eta",
    "divisor": "eta",
    "grace_period": "grace",
    "min_iter": "grace",
    "choices": "values",
    "vals": "values",
    "low": "min",
    "high": "max",
    "minval": "min",
    "maxval": "max",
    "q": "step",
    "bayes": "tpe",
    "bayesian": "tpe",
    "optuna": "tpe",
    "async_hyperband": "hyperband",
    "medianstop": "median",
    "median_stopping": "median",
    "min_samples_required": "min_trials",
    "min_trials_required": "min_trials",
    "interval_steps": "every",
    "evaluation_interval": "every",
    "delay_evaluation": "grace",
    "start_step": "grace",
}


def nearest(word: object, allowed: Sequence[str]) -> str | None:
    """The allowed word that was most likely meant; None where nothing is near."""
    text = str(word)
    if ELSEWHERE.get(text.lower()) in allowed:
        return ELSEWHERE[text.lower()]
    lower = {name.lower(): name for name in allowed}
    found = get_close_matches(text.lower(), list(lower), n=1, cutoff=0.55)
    return lower[found[0]] if found else None


def did_you_mean(word: object, allowed: Sequence[str]) -> str:
    """The allowed words, and the nearest of them: `min, max. Did you mean "min"?`"""
    found = nearest(word, allowed)
    return ", ".join(allowed) + (f'. Did you mean "{found}"?' if found else "")
