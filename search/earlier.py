"""What earlier sweeps have found, as far as it fits this one: `from: [RUN, ...]` in a sweep file.

Their results teach the sampler, and their best configurations are tried again first. They are no
rivals of this sweep's trials, which are ranked among themselves: with other data or other code the
same configuration has other values. Here is read what the journal of the new run will hold; going
on with it needs no earlier run.
"""

from __future__ import annotations

from pathlib import Path

from .errors import JournalError, NightsweepError, RunFolderError
from .events import Learned, Lesson, Metrics
from .fitting import fitted
from .ledger import Page
from .objective import Objective, Score
from .proposer import LEADERS
from .record import Record, Status
from .results import Results
from .study import Study
from .sweep import Sweep
from .units import plural


def lessons(sweep: Sweep, folder: Path) -> list[Learned]:
    """What each earlier sweep teaches; paths are relative to `folder`.

    Errors: NightsweepError where a run cannot be read, or has searched something else.
    """
    return [lesson(sweep, _loaded(folder / run), run) for run in sweep.from_]


def unlearned(study: Study, folder: Path) -> list[Learned]:
    """What a driver that was killed in its first moments had not written down yet."""
    missing = () if study.trials else study.sweep.from_[len(study.proposer.learned) :]
    return lessons(study.sweep.model_copy(update={"from_": missing}), folder)


def lesson(sweep: Sweep, earlier: Results, run: str) -> Learned:
    """What one earlier sweep teaches. Errors: NightsweepError if it had another metric or goal."""
    _compare(sweep, earlier, run)
    space, objective = sweep.space, Objective(sweep.outcomes)
    ladder = sweep.scheduler.build(sweep.max_epochs).ladder()
    rungs = [*(step.epoch for step in ladder), sweep.max_epochs]
    results: list[Lesson] = []
    best: list[tuple[Score, int]] = []
    missed = 0
    for known, page in earlier.rows():
        if not page.epochs:
            continue
        reported = _reported(known, page, objective, rungs[-1], earlier.sweep.max_epochs)
        values = {str(rung): reported[rung] for rung in rungs if rung in reported}
        lost = known.status is Status.DIVERGED
        config = fitted(space, known.config, earlier.sweep.space)
        if config is None or not (values or lost):
            missed += 1
            continue
        results.append(Lesson(trial=known.id, config=config, values=values))
        if lost:
            results[-1]["diverged"] = True
        if reported:
            best.append((min(map(objective.score, reported.values())), known.id))
    leaders = [trial for _, trial in sorted(best)[:LEADERS]]
    return Learned(run=run, results=results, leaders=leaders, missed=missed)


def told(lesson: Learned) -> str:
    """In words, for people."""
    missed = f" ({lesson.missed} did not fit)" if lesson.missed else ""
    return f"takes {plural(len(lesson.results), 'result')} from {lesson.run}{missed}"


def _loaded(run: Path) -> Results:
    try:
        return Results.load(run)
    except (RunFolderError, JournalError) as error:
        raise type(error)(f"from: {error}") from None


def _compare(sweep: Sweep, earlier: Results, run: str) -> None:
    goals = {metric.name: metric.goal for metric in earlier.sweep.objectives}
    for metric in sweep.objectives:
        if goals.get(metric.name) != metric.goal:
            then = " and ".join(f"{goal} {name}" for name, goal in goals.items())
            raise NightsweepError(
                f"from: {run} was to {then}, but this sweep is to {metric.goal} {metric.name}; "
                "take it out, or search for the same"
            )


def _reported(
    known: Record, page: Page, objective: Objective, end: int, ended: int
) -> dict[int, Metrics]:
    """What was reported at each epoch of what this sweep looks at, where all of it was.

    Of a trial that ended by itself, before the last epoch, the latest is that of our last, `end`.
    """
    found = {
        epoch: {name: at.metrics[name] for name in objective.names}
        for epoch, at in page.epochs.items()
        if objective.missing(at.metrics) is None and objective.unusable(at.metrics) is None
    }
    if known.status is Status.COMPLETED and known.epoch < ended and known.epoch in found:
        found[end] = found[known.epoch]
    return found
