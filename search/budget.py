"""What a sweep may spend, and what is left: time, a deadline, GPU-hours, trials, patience."""

from __future__ import annotations

import math
from collections.abc import Iterator
from dataclasses import dataclass
from typing import TYPE_CHECKING

from .deadline import due
from .errors import Problem
from .units import duration, plural

if TYPE_CHECKING:
    from .study import Study
    from .sweep import Sweep

HOUR = 3600.0


@dataclass(frozen=True, slots=True, kw_only=True)
class Spent:
    """What has been used up, in seconds: of searching by all drivers, of GPUs by all slots.

    `now`, and `due` where there is a deadline: since 1970. `busy`: how many slots train; `each`:
    with so many GPUs, where that is not what the sweep says.
    """

    searched: float
    gpu: float
    now: float
    due: float | None = None
    busy: int = 1
    each: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Budget:
    """One of them. `left`: in its own unit (seconds, GPU-hours, trials), and in `words`.

    `seconds`: of searching until it is used up, if as many slots train until then as do now; inf
    where that cannot be said. `over`, `nearly`: how the end of the search is told.
    """

    key: str
    left: float
    words: str
    seconds: float = math.inf
    over: str = ""
    nearly: str = ""


def clocked(sweep: Sweep, spent: Spent) -> list[Budget]:
    """The budgets that a clock uses up, the first to be so first."""
    found = [*_time(sweep, spent), *_deadline(sweep, spent), *_gpu_hours(sweep, spent)]
    return sorted(found, key=lambda budget: budget.seconds)


def budgets(study: Study, spent: Spent) -> list[Budget]:
    """All of a sweep's; none where it has but a number of trials, which everybody counts."""
    sweep = study.sweep
    found = [*clocked(sweep, spent), *_patience(study)]
    if not found and sweep.target is None:
        return []
    return [*found, *_trials(study)]


def span(sweep: Sweep, *, slots: int, now: float) -> float:
    """Seconds for which a sweep that starts `now` may search with all slots busy; inf: no end."""
    ends = None if sweep.deadline is None else due(sweep.deadline, now)
    spent = Spent(searched=0.0, gpu=0.0, now=now, due=ends, busy=slots)
    return min((budget.seconds for budget in clocked(sweep, spent)), default=math.inf)


def too_late(sweep: Sweep, now: float) -> Iterator[Problem]:
    """A deadline that leaves a sweep which starts `now` no time."""
    if sweep.deadline is None or span(sweep, slots=1, now=now) > 0:
        return
    ends = due(sweep.deadline, now)
    if ends <= now:
        message = f"{sweep.deadline} has passed; give a later one"
    else:
        message = (
            f"{sweep.deadline} comes in {duration(ends - now)}, and {duration(sweep.reserve)} of "
            "that are kept in reserve; give a later one, or a smaller reserve"
        )
    yield Problem(key=("deadline",), message=message)


def out_of_time(sweep: Sweep, reason: str) -> bool:
    """Whether a sweep ended for its deadline alone: with a later one it goes on."""
    return sweep.deadline is not None and reason.startswith(_until(sweep))


def problems(sweep: Sweep) -> Iterator[Problem]:
    """Budgets that make no sense beside the other keys."""
    if sweep.gpu_hours is not None and not sweep.resources.gpus:
        message = (
            "counts what trials use of GPUs, but resources.gpus is 0; write resources: {gpus: 1}, "
            "or time: instead"
        )
        yield Problem(key=("gpu_hours",), message=message)
    if sweep.reserve and sweep.time is None and sweep.deadline is None:
        message = "is kept from the end of time or deadline, and neither is given; give one"
        yield Problem(key=("reserve",), message=message)
    if sweep.time is not None and sweep.reserve >= sweep.time:
        message = (
            f"{duration(sweep.reserve)} leave nothing of a time of {duration(sweep.time)}; give a "
            "smaller reserve, or more time"
        )
        yield Problem(key=("reserve",), message=message)
    if len(sweep.objectives) > 1:
        names = " and ".join(metric.name for metric in sweep.objectives)
        for key in ("target", "patience"):
            if getattr(sweep, key) is not None:
                message = (
                    f"needs one goal, since of {names} no trial need be the best; give trials, "
                    "time or deadline instead"
                )
                yield Problem(key=(key,), message=message)


def promised(sweep: Sweep, now: float) -> list[str]:
    """`9 h 0 min at most`, `40 GPU-hours at most`: what ends a sweep that starts `now`."""
    told = []
    if sweep.time is not None:
        told.append(f"{duration(sweep.time)} at most")
    if sweep.deadline is not None:
        ends = due(sweep.deadline, now)
        told.append(f"until {sweep.deadline} (in {duration(max(ends - now, 0.0))})")
    if sweep.reserve:
        told.append(f"{duration(sweep.reserve)} of that in reserve")
    if sweep.gpu_hours is not None:
        told.append(f"{_gpus(sweep.gpu_hours)} at most")
    if sweep.target is not None:
        told.append(f"until {sweep.metric.name} is {sweep.target:g}")
    if sweep.patience is not None:
        told.append(f"until {plural(sweep.patience, 'trial')} in a row are no better")
    return told


def _time(sweep: Sweep, spent: Spent) -> Iterator[Budget]:
    if sweep.time is not None:
        left = sweep.time - sweep.reserve - spent.searched
        words = f"{_rest(left)} of {duration(sweep.time)}"
        yield _clock("time", left, words, f"its time of {duration(sweep.time)} is", sweep)


def _deadline(sweep: Sweep, spent: Spent) -> Iterator[Budget]:
    if sweep.deadline is not None and spent.due is not None:
        left = spent.due - sweep.reserve - spent.now
        words = f"{_rest(left)} until {sweep.deadline}"
        yield _clock("deadline", left, words, _until(sweep), sweep)


def _until(sweep: Sweep) -> str:
    return f"its time until {sweep.deadline} is"


def _clock(key: str, left: float, words: str, what: str, sweep: Sweep) -> Budget:
    but = f", but for the reserve of {duration(sweep.reserve)}" if sweep.reserve else ""
    return Budget(
        key=key,
        left=max(left, 0.0),
        words=words,
        seconds=left,
        over=f"{what} over{but}",
        nearly=f"{what} nearly over{but}",
    )


def _gpu_hours(sweep: Sweep, spent: Spent) -> Iterator[Budget]:
    if sweep.gpu_hours is not None:
        left = sweep.gpu_hours - spent.gpu / HOUR
        what = f"its {_gpus(sweep.gpu_hours)} {'is' if sweep.gpu_hours == 1 else 'are'}"
        each = spent.each or sweep.resources.most_gpus
        yield Budget(
            key="gpu_hours",
            left=max(left, 0.0),
            words=f"{max(left, 0.0):.3g} of {_gpus(sweep.gpu_hours)}",
            seconds=left * HOUR / (each * max(spent.busy, 1)),
            over=f"{what} used up",
            nearly=f"{what} nearly used up",
        )


def _patience(study: Study) -> Iterator[Budget]:
    if (patience := study.sweep.patience) is not None:
        left = max(patience - study.state.beaten, 0)
        words = f"{left} of {plural(patience, 'trial')} of patience"
        yield Budget(key="patience", left=left, words=words)


def _trials(study: Study) -> Iterator[Budget]:
    if study.limit is not None:
        left = max(study.limit - len(study.trials), 0)
        yield Budget(key="trials", left=left, words=f"{left} of {plural(study.limit, 'trial')}")


def _gpus(hours: float) -> str:
    return f"{hours:g} GPU-hour{'' if hours == 1 else 's'}"


def _rest(seconds: float) -> str:
    return duration(seconds) if seconds > 0 else "nothing"
