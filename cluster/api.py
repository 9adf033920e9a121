"""nightsweep from Python: in a script or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..search.results import Results
from ..search.sweep import Sweep
from ..trainables.function import TrainingFunction
from .console import Console
from .display import Display, Silent, choose
from .joining.address import Address
from .options import cluster
from .run import resume as _resume
from .run import start


def run(
    train: TrainingFunction,
    parameters: Mapping[str, Any],
    *,
    metric: str | Sequence[str | Mapping[str, Any]],
    goal: Literal["minimize", "maximize"] = "minimize",
    out: str | Path | None = None,
    address: str | None = None,
    quiet: bool = False,
    **options: Any,
) -> Results:
    """Search for the parameters with which `train(config, trial)` does best.

    Args:
        parameters: Float, Int and Choice, or the same as mappings; other values are constants.
        metric: What `train` reports, and `goal` whether it is to be small or large; or a list as
            in a sweep file, each with its own: `["loss", {"name": "memory_mb", "max": 400}]`.
        out: The run folder; `runs/<name>-<time>` without it.
        address: A Ray cluster to run on: "HOST:PORT", "auto" or "local". Without it the Ray that
            the program has begun, or the cluster that RAY_ADDRESS names, or a Ray of its own.
        quiet: Show nothing while it runs.
        options: What else a sweep file may hold: name, constraints, max_epochs, trials,
            replicates, time, gpu_hours, deadline, window, reserve, target, patience, sampler,
            scheduler, resources, slots, retries, timeout, checkpoints, seed, data, from_ (earlier
            runs).

    Errors: SweepError (a ValueError) and the other NightsweepErrors, before anything is started.
    Ctrl-C stops cleanly and returns the results so far; `nightsweep.resume` goes on.
    """
    metrics = {"name": metric, "goal": goal} if isinstance(metric, str) else list(metric)
    sweep = Sweep(metric=metrics, parameters=dict(parameters), **options)
    return start(
        sweep,
        train,
        out=Path(out) if out else None,
        display=_display(quiet),
        address=_cluster(address),
    )


def resume(
    run: str | Path,
    train: TrainingFunction | None = None,
    *,
    address: str | None = None,
    quiet: bool = False,
    **changes: Any,
) -> Results:
    """Go on with a run after any end; `trials=100` or `time="2h"` extend a finished one.

    `train` is needed where it cannot be imported by name, as in a notebook; `address` is `run`'s.
    """
    on = _cluster(address)
    return _resume(Path(run), train, changes=changes, display=_display(quiet), address=on)


def load(run: str | Path) -> Results:
    """The results of a run, finished or not. Errors: RunFolderError, JournalError."""
    return Results.load(run)


def _cluster(address: str | None) -> Address | None:
    ray = sys.modules.get("ray")
    if address is None and ray is not None and ray.is_initialized():
        return None  # that one is used, whatever RAY_ADDRESS says
    return cluster(address)


def _display(quiet: bool) -> Display:
    return Silent() if quiet else choose(Console(stderr=True))
