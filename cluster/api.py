"""nightsweep from Python: in a script or a notebook."""

from __future__ import annotations

import sys
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any, Literal

from ..search.errors import DataError
from ..search.results import Results
from ..search.sweep import Sweep
from ..trainables.function import TrainingFunction
from .console import Console
from .display import Display, Silent, choose
from .domains import ours
from .joining.address import Address
from .options import cluster
from .run import resume as _resume
from .run import start


def run(
    train: TrainingFunction | str | Mapping[str, Any],
    parameters: Mapping[str, Any] | None = None,
    *,
    metric: str | Sequence[str | Mapping[str, Any]] | None = None,
    goal: Literal["minimize", "maximize"] | None = None,
    out: str | Path | None = None,
    address: str | None = None,
    quiet: bool = False,
    data: Any = (),
    **options: Any,
) -> Results:
    """Search for the parameters with which `train(config, trial)` does best.

    Args:
        train: A function, or a ready-made trainable: "tabular", or with its settings
            {"name": "tabular", "target": "price"}, which brings parameters and a metric.
        parameters: Float, Int and Choice, or the same as mappings; other values are constants.
        metric: What `train` reports, and `goal` whether it is to be small or large: small without
            it, but for accuracies, r2 and scores of ready-made trainables. Or a list as in a sweep
            file, each with its own: `["loss", {"name": "memory_mb", "max": 400}]`.
        out: The run folder; `runs/<name>-<time>` without it.
        address: A Ray cluster to run on: "HOST:PORT", "auto" or "local". Without it the Ray that
            the program has begun, or the cluster that RAY_ADDRESS names, or a Ray of its own.
        quiet: Show nothing while it runs.
        data: What a ready-made trainable learns from, a path or a pandas DataFrame; or paths that
            are looked for on every node.
        options: What else a sweep file may hold: name, constraints, max_epochs, trials,
            replicates, time, gpu_hours, deadline, window, reserve, target, patience, sampler,
            scheduler, resources, slots, retries, timeout, checkpoints, seed, from_ (earlier runs).

    Errors: SweepError (a ValueError) and the other NightsweepErrors, before anything is started.
    Ctrl-C stops cleanly and returns the results so far; `nightsweep.resume` goes on.
    """
    folder, function = Path(out) if out else None, None
    if isinstance(metric, str):
        options["metric"] = {"name": metric} if goal is None else {"name": metric, "goal": goal}
    elif metric is not None:
        options["metric"] = list(metric)
    if parameters is not None:
        options["parameters"] = ours(parameters)
    if isinstance(train, str | Mapping):
        options["trainable"] = train if isinstance(train, str) else dict(train)
    else:
        function = train
    sweep = Sweep(data=_paths(data, folder, own=function is not None), **options)
    return start(
        sweep,
        function,
        out=folder,
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


def _paths(data: Any, folder: Path | None, *, own: bool) -> Any:
    """Where the data lies; a data frame is written beside the run folder, and stays there.

    `own`: a function of the user's is to train. Errors: DataError, RunFolderError.
    """
    several = data if isinstance(data, list | tuple) else [] if data is None else [data]
    other = next((type(one) for one in several if not isinstance(one, str | Path)), None)
    if other is None:
        return data
    pandas = sys.modules.get("pandas")
    if pandas is None or not isinstance(data, pandas.DataFrame):
        within = f"{type(data).__name__} of " if several is data else ""
        raise DataError(
            "data is a path, a list of paths, or one pandas DataFrame, "
            f"not {within}{other.__name__}"
        )
    if own:
        raise DataError(
            "a data frame is for a ready-made trainable; a function of your own reads its data "
            "itself: leave data out"
        )
    from ..trainables.table.frame import stored

    return stored(data, (folder or Path("runs") / "any").absolute().parent)


def _cluster(address: str | None) -> Address | None:
    ray = sys.modules.get("ray")
    if address is None and ray is not None and ray.is_initialized():
        return None  # that one is used, whatever RAY_ADDRESS says
    return cluster(address)


def _display(quiet: bool) -> Display:
    return Silent() if quiet else choose(Console(stderr=True))
