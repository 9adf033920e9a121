"""Which checkpoints are kept: those that a decision may still need, within a budget of bytes.

Trials in training, and those that wait for a slot, always have theirs; of the others, the best
trial's, those of paused trials that may still go on, and those of the best few that have ended.
"""

from __future__ import annotations

import math
from collections.abc import Mapping
from typing import TYPE_CHECKING, Annotated, Any

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field

from .record import Record, Status
from .units import size, size_text

if TYPE_CHECKING:
    from .study import Study

LEAST = 10**6  # bytes: a smaller budget is a number without its unit


def _bytes(raw: Any) -> Any:
    """Bytes from `20GB`, or from their number as sweep.json has it. Errors: ValueError."""
    if isinstance(raw, str):
        raw = size(raw)
    if isinstance(raw, bool) or not isinstance(raw, int | None):
        raise ValueError(f"{raw!r} is not an amount of data; write 20GB, 500MB or 1.5TB")
    if raw is not None and raw < LEAST:
        raise ValueError(f"{raw} bytes are too few; write 20GB, 500MB or 1.5TB")
    return raw


class Checkpoints(BaseModel):
    """How many checkpoints are kept, and what they may take together."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    keep: int = Field(
        3, ge=1, strict=True, description="of the trials that have ended, the best so many"
    )
    max: Annotated[int | None, BeforeValidator(_bytes)] = Field(
        None, description="what the checkpoints of a sweep may take together: 20GB, 500MB"
    )


def training(study: Study) -> int:
    """How many trials train, or go on first: none of them can do without its checkpoint."""
    return len(study.running) + study.counts[Status.WAITING]


def room(study: Study, sizes: Mapping[int, int], free: float) -> float:
    """The bytes that checkpoints of trials that do not train may take together.

    `sizes`: what each takes now. `free`: bytes on the disk, from which each trial that trains may
    need as much as the largest has, beside the checkpoint that it replaces.
    """
    largest = max(sizes.values(), default=0)
    trained = training(study) * largest
    by_disk = sum(sizes.values()) + free - trained
    most = study.sweep.checkpoints.max
    return by_disk if most is None else min(by_disk, most - trained)


def superfluous(study: Study, sizes: Mapping[int, int], room: float) -> list[int]:
    """The trials, of those in `sizes`, that are to lose their checkpoints.

    First those that no decision needs. Where the others take more than `room`, the paused trials
    that are least likely to go on, then the worst of those that have ended; never the best trial.
    """
    worth = _worth(study, sizes)
    gone = [trial for trial in sizes if trial not in worth]
    kept = sorted(worth, key=lambda trial: worth[trial])
    taken = sum(sizes[trial] for trial in kept)
    if taken <= room:
        return gone
    spared = len(kept) // 20  # so many more, so that it is not due again at each pause
    for trial in kept:
        if taken <= room:
            spared -= 1
        if spared < 0 or (study.best is not None and trial == study.best.id):
            break
        gone.append(trial)
        taken -= sizes[trial]
    return gone


def shortage(study: Study, sizes: Mapping[int, int], free: float) -> str:
    """That the disk, or the budget, is too small for what the sweep is expected to keep at once.

    Empty if it is not, or nothing is known yet.
    """
    if not sizes:
        return ""
    settings, mean, busy = study.sweep.checkpoints, _mean(sizes), training(study)
    if settings.max is not None and busy * mean > settings.max:
        return (
            f"the checkpoints of {busy} trials in training take {size_text(busy * mean)}, more "
            f"than checkpoints: {{max: {size_text(settings.max)}}}: paused trials lose theirs, "
            "and begin again if they go on; give a larger max"
        )
    number = max(_paused(study) + settings.keep, len(sizes)) + 2 * busy
    need = min(number * mean, settings.max or math.inf)
    there = sum(sizes.values()) + busy * mean
    if need - there <= free:
        return ""
    return (
        f"about {size_text(need)} of checkpoints are to be expected ({size_text(mean)} each), "
        f"{size_text(there)} are there and only {size_text(free)} are free: make room. Where it "
        "runs out, paused trials lose theirs, the least likely to go on first, and begin again "
        "if they do"
    )


def too_large(settings: Checkpoints, free: float, folder: object) -> str:
    """Why a sweep cannot begin: the budget that it is given is not there. Empty if it is."""
    if settings.max is None or settings.max <= free:
        return ""
    return (
        f"checkpoints may take {size_text(settings.max)} (checkpoints.max), but only "
        f"{size_text(free)} are free in {folder}: make room, give a smaller max, or name another "
        "folder for the run"
    )


def _mean(sizes: Mapping[int, int]) -> float:
    return sum(sizes.values()) / len(sizes)


def _paused(study: Study) -> float:
    """How many trials are expected to wait at once; 0 where their number has no limit."""
    return study.scheduler.expected_paused(study.limit) if study.limit else 0.0


def _worth(study: Study, sizes: Mapping[int, int]) -> dict[int, tuple[int, float, int]]:
    """What is kept, in an order: what is to go first is the lowest."""
    limit = study.limit if len(study.sweep.objectives) == 1 else None  # ranks in fronts change
    chances = study.scheduler.chances(limit)
    worth = {
        trial: (0, chance, study.trials[trial].epoch)
        for trial in sizes
        if (chance := chances.get(trial, 0.0)) > 0
    }
    ended = [study.trials[trial] for trial in sizes if study.trials[trial].status.ended]
    for place, known in enumerate(_best(study, ended)):
        worth[known.id] = (1, -place, 0)
    if study.best is not None and study.best.id in sizes:
        worth[study.best.id] = (2, 0, 0)
    return worth


def _best(study: Study, ended: list[Record]) -> list[Record]:
    """The best few of them, best first; of several objectives, those of the front first."""
    keep = study.sweep.checkpoints.keep
    found = [known for known in ended if known.best_epoch]
    front = {known.id for known in study.front} if len(found) > keep else set()
    found.sort(key=lambda known: (known.id not in front, known.score, known.id))
    return found[:keep]
