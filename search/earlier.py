"""What earlier sweeps have found, as far as it fits this one: `from: [RUN, ...]` in a sweep file.

Their results teach the sampler, and their best configurations are tried again first. They are no
rivals of this sweep's trials, which are ranked among themselves: with other data or other code the
same configuration has other values. Here is read what the journal of the new run will hold; going
on with it needs no earlier run.
"""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

from .elsewhere import experiment
from .elsewhere import study as optuna_study
from .elsewhere.past import Past, PastTrial
from .errors import JournalError, NightsweepError, RunFolderError
from .events import Learned, Lesson, Metrics
from .fitting import fitted
from .nearest import did_you_mean
from .objective import Objective, Score
from .proposer import LEADERS
from .record import Status
from .results import Results
from .study import Study
from .sweep import Sweep
from .units import plural


def lessons(sweep: Sweep, folder: Path) -> list[Learned]:
    """What each earlier sweep teaches; paths are relative to `folder`.

    Errors: NightsweepError where a run cannot be read, or has searched something else.
    """
    return [lesson(sweep, _loaded(sweep, folder, run), run) for run in sweep.from_]


def place(run: str) -> str:
    """The path in an entry of `from`. Errors: NightsweepError if it names no file."""
    return optuna_study.parts(run)[0] if run.startswith(optuna_study.SCHEME) else run


def absolute(run: str) -> str:
    """An entry of `from`, as it can be read from any folder. Errors: NightsweepError."""
    path = place(run)
    whole = str(Path(path).expanduser().absolute())
    if not run.startswith(optuna_study.SCHEME):
        return whole
    said, mark, study = run.partition("#")
    return f"{said.removesuffix(path)}{whole}{mark}{study}"


def unlearned(study: Study, folder: Path) -> list[Learned]:
    """What a driver that was killed in its first moments had not written down yet."""
    missing = () if study.trials else study.sweep.from_[len(study.proposer.learned) :]
    return lessons(study.sweep.model_copy(update={"from_": missing}), folder)


def lesson(sweep: Sweep, earlier: Results | Past, run: str) -> Learned:
    """What one earlier sweep teaches. Errors: NightsweepError if it had another metric or goal."""
    past = earlier if isinstance(earlier, Past) else _past(earlier, sweep.folds)
    _compare(sweep, past, run)
    space, objective = sweep.space, Objective(sweep.outcomes)
    ladder = sweep.scheduler.build(sweep.max_epochs).ladder()
    rungs = [*(step.epoch for step in ladder), sweep.max_epochs]
    results: list[Lesson] = []
    best: list[tuple[Score, int]] = []
    missed = 0
    for known in past.trials:
        reported = _reported(known, objective, rungs[-1])
        values = {str(rung): reported[rung] for rung in rungs if rung in reported}
        config = fitted(space, known.config, past.space)
        if config is None or not (values or known.diverged):
            missed += 1
            continue
        results.append(Lesson(trial=known.id, config=config, values=values))
        if known.diverged:
            results[-1]["diverged"] = True
        if reported:
            best.append((_score(reported, objective, sweep.folds), known.id))
    leaders = [trial for _, trial in sorted(best)[:LEADERS]]
    return Learned(run=run, results=results, leaders=leaders, missed=missed)


def _score(reported: dict[int, Metrics], objective: Objective, folds: int | None) -> Score:
    """What a trial counts with: its best epoch, or the mean over all its folds (leaders.py)."""
    if not folds:
        return min(map(objective.score, reported.values()))
    last = max(reported)
    return replace(objective.score(reported[last]), folds_left=max(folds - last, 0))


def told(lesson: Learned) -> str:
    """In words, for people."""
    missed = f" ({lesson.missed} did not fit)" if lesson.missed else ""
    return f"takes {plural(len(lesson.results), 'result')} from {lesson.run}{missed}"


def _loaded(sweep: Sweep, folder: Path, run: str) -> Results | Past:
    metrics = [metric.name for metric in sweep.objectives]
    path = folder / Path(place(run)).expanduser()
    if run.startswith(optuna_study.SCHEME):
        return optuna_study.past(path, optuna_study.parts(run)[1], metrics)
    if run.startswith(optuna_study.SQLITE) or path.is_file():
        raise NightsweepError(
            f"from: {run} is no folder; name that of a run, or a study: {optuna_study.SCHEME}{run}"
        )
    if experiment.is_one(path):
        return experiment.past(path, metrics)
    if inside := sorted(found.name for found in path.glob("*/") if experiment.is_one(found)):
        raise NightsweepError(
            f"from: {path} holds experiments of Ray Tune's; name one: {', '.join(inside[:9])}"
        )
    try:
        return Results.load(path)
    except (RunFolderError, JournalError) as error:
        raise type(error)(f"from: {error}") from None


def _past(earlier: Results, folds: int | None) -> Past:
    """A run of our own. Where its epochs are not `folds` as ours are, or are and ours are not,
    its curves say nothing of ours: only what trials came to in the end counts."""
    last, alike = earlier.sweep.max_epochs, earlier.sweep.folds == folds
    trials = []
    for known, page in earlier.rows():
        if not page.epochs:
            continue
        reported = {epoch: at.metrics for epoch, at in page.epochs.items()}
        ended = known.status is Status.COMPLETED and (known.epoch < last or not alike)
        trials.append(
            PastTrial(
                id=known.id,
                config=known.config,
                epochs=known.epoch,
                reported=reported if alike else {},
                final=reported.get(known.epoch) if ended else None,
                diverged=known.status is Status.DIVERGED,
            )
        )
    goals = {metric.name: metric.goal for metric in earlier.sweep.objectives}
    return Past(goals=goals, space=earlier.sweep.space, trials=tuple(trials))


def _compare(sweep: Sweep, past: Past, run: str) -> None:
    for metric in sweep.objectives:
        if metric.name in past.goals and past.goals[metric.name] in (metric.goal, None):
            continue
        if all(goal is None for goal in past.goals.values()):
            raise NightsweepError(
                f"from: {run} has reported no {metric.name}, the metric of this sweep; it has "
                f"{did_you_mean(metric.name, list(past.goals))}"
            )
        then = " and ".join(f"{goal} {name}" for name, goal in past.goals.items())
        raise NightsweepError(
            f"from: {run} was to {then}, but this sweep is to {metric.goal} {metric.name}; "
            "take it out, or search for the same"
        )


def _reported(known: PastTrial, objective: Objective, end: int) -> dict[int, Metrics]:
    """What was reported at each epoch of what this sweep looks at, where all of it was.

    Of a trial that ended by itself, what it came to is that of our last epoch, `end`.
    """
    told = dict(known.reported)
    if known.final is not None and (known.epochs <= end or end not in told):
        told[end] = known.final
    return {
        epoch: {name: metrics[name] for name in objective.names}
        for epoch, metrics in told.items()
        if objective.missing(metrics) is None and objective.unusable(metrics) is None
    }
