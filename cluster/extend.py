"""`nightsweep extend`: more of what a run had."""

from __future__ import annotations

from typing import Any

from ..search.errors import NightsweepError
from ..search.results import Results


def extended(
    results: Results,
    *,
    trials: int | None = None,
    time: float | None = None,
    gpu_hours: float | None = None,
    max_epochs: int | None = None,
) -> dict[str, Any]:
    """The changes that make so much more of a run; `time` in seconds, `max_epochs` as a whole.

    A budget that a run had not becomes what it has used plus the more. Errors: NightsweepError
    where nothing is given.
    """
    study, ledger = results.study, results.ledger
    changes: dict[str, Any] = {}
    if trials is not None:
        changes["trials"] = (study.limit or len(study.trials)) + trials
    if time is not None:
        changes["time"] = max(study.sweep.time or 0.0, ledger.searched) + time
    if gpu_hours is not None:
        used = ledger.spent().gpu / 3600
        changes["gpu_hours"] = max(study.sweep.gpu_hours or 0.0, used) + gpu_hours
    if max_epochs is not None:
        changes["max_epochs"] = max_epochs
    if not changes:
        raise NightsweepError(
            "nothing to extend by; give --trials 40 (more), --time 2h (more), --gpu-hours 8 "
            "(more) or --max-epochs 81 (the new last epoch)"
        )
    return changes
