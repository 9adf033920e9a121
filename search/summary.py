"""What happened in a run, in plain words."""

from __future__ import annotations

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from .audit import audit, sentences
from .events import Cause
from .record import Status
from .units import duration, plural

if TYPE_CHECKING:
    from .results import Results

__all__ = ["WORDS", "duration", "plural", "show", "summary"]

WORDS = {
    Status.COMPLETED: "trained to their end",
    Status.STOPPED: "stopped early",
    Status.PAUSED: "paused at a rung",
    Status.RUNNING: "in training",
    Status.WAITING: "waiting to go on",
    Status.DIVERGED: "diverged",
    Status.FAILED: "failed",
}

FRONT = 10  # lines of a front
TEST = "test_"  # how metrics begin that are for people alone
GAUGES = ("lr", "grad_norm", "step_ms", "rows_per_second", "memory_mb")  # of `fit`: how it went


def summary(results: Results) -> str:
    """A few sentences: how it ended, what was tried, what won, what failed."""
    failed = [*_unfit(results), *_losses(results)]
    course = [*_course(results), *_sharing(results)]
    found = [*course, *_winner(results), *_trust(results), *failed]
    return "\n".join([*found, *(f"Note of {text}" for text in results.notes)])


def _sharing(results: Results) -> list[str]:
    """How many trials share a GPU, where that is measured: what was found last."""
    shared = results.ledger.shared
    if shared is None or not results.sweep.resources.auto:
        return []
    return [f"{shared.reason[0].upper()}{shared.reason[1:]}."]


def _course(results: Results) -> list[str]:
    study, ledger = results.study, results.ledger
    counts = results.counts
    ends = ", ".join(f"{counts[s]} {words}" for s, words in WORDS.items() if counts[s])
    state = "is done" if ledger.done else "is not done"
    because = f": {ledger.ended_because}" if ledger.ended_because else ""
    full = len(study.trials) * study.sweep.max_epochs
    lines = [
        f"{study.sweep.name} {state}{because}.",
        f"{plural(len(study.trials), 'trial')} in {duration(ledger.searched)}: {ends or 'none'}.",
    ]
    if budgets := results.budgets():
        lines.append(f"Left of its budgets: {', '.join(budget.words for budget in budgets)}.")
    if full:
        lines.append(
            f"{plural(study.trained, 'epoch')} trained, {study.trained / full:.0%} of what "
            "training every trial to the end would take."
        )
    return lines


def _winner(results: Results) -> list[str]:
    best, metric = results.best, results.sweep.metric
    if best is None:
        return [f"No trial has reported a finite {metric.name} yet."]
    if len(results.sweep.objectives) > 1:
        return _front(results)
    more = {k: v for k, v in best.metrics.items() if k != metric.name and k not in GAUGES}
    unseen = not any(outcome.name.startswith(TEST) for outcome in results.sweep.outcomes)
    tested = _listed({k: v for k, v in more.items() if unseen and k.startswith(TEST)})
    others = _listed({k: v for k, v in more.items() if not (unseen and k.startswith(TEST))})
    beside = f" ({others})" if others else ""
    config = ", ".join(f"{name} {show(value)}" for name, value in best.config.items())
    return [
        *_unmet(results),
        f"Best: trial {best.trial}, {metric.name} {best.value:.4g} at epoch {best.epoch}{beside},",
        f"with {config}.",
        *([f"On the test part, which no decision saw: {tested}."] if tested else []),
    ]


def _listed(metrics: Mapping[str, float]) -> str:
    return ", ".join(f"{name} {value:.4g}" for name, value in metrics.items())


def _front(results: Results) -> list[str]:
    """The trials that none dominates, as a small table."""
    outcomes, leaders = results.sweep.outcomes, results.leaders
    goals = " and ".join(metric.name for metric in results.sweep.objectives)
    rows = [["trial", *(metric.name for metric in outcomes), "epoch"]]
    for leader in leaders[:FRONT]:
        values = [f"{leader.metrics[metric.name]:.4g}" for metric in outcomes]
        rows.append([str(leader.trial), *values, str(leader.epoch)])
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    lines = ["  ".join(map(str.rjust, row, widths)) for row in rows]
    more = len(leaders) - FRONT
    return [
        *_unmet(results),
        f"{plural(len(leaders), 'trial')} that no other beats in {goals} at once:",
        *(f"  {line}" for line in lines),
        *([f"  and {more} more"] if more > 0 else []),
    ]


def _unmet(results: Results) -> list[str]:
    """Where no trial meets the constraints on metrics."""
    if results.best is None or results.best.feasible:
        return []
    bounds = [m.model_copy(update={"goal": None}) for m in results.sweep.outcomes if m.bounded]
    wanted = ", ".join(metric.describe() for metric in bounds)
    return [f"No trial meets {wanted}; these come nearest."]


def _trust(results: Results) -> list[str]:
    """Whether early stopping did well, where its controls can tell."""
    return sentences(audit(results.study))


def _unfit(results: Results) -> list[str]:
    """The trials that need more memory than there is, and what can be done for them."""
    unfit = [k for k in results.study.trials.values() if k.failed_of == Cause.MEMORY]
    if not unfit:
        return []
    do = "does" if len(unfit) == 1 else "do"
    lines = [f"{plural(len(unfit), 'trial')} {do} not fit into memory."]
    if not any(known.split > 1 for known in unfit):
        lines.append("With trial.parts a training function lets the batches of such be divided.")
    return lines


def _losses(results: Results) -> list[str]:
    lines = []
    for reason, trials in results.failures.items():
        some = ", ".join(str(trial) for trial in trials[:5])
        more = f" and {len(trials) - 5} more" if len(trials) > 5 else ""
        alike = " alike" if len(trials) > 1 else ""
        lines.append(f"Failed{alike}, trial{'s' * bool(alike)} {some}{more}: {reason}")
    return lines


def show(value: Any) -> str:
    """A value of a configuration, short enough for a table."""
    return f"{value:.4g}" if isinstance(value, float) else str(value)
