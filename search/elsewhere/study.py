"""A study of Optuna's in a file: `from: optuna:sqlite:///x.db#study`, or the log of its journal.

Read only, and by Optuna itself: nothing in there is a program. The n-th value that a trial has
reported is that of epoch n, as in trainables/objective.py, whatever its steps are called.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import quote

from ..errors import NightsweepError
from ..events import Metrics
from ..nearest import did_you_mean
from ..units import plural
from .past import Past, PastTrial, number, space_of

if TYPE_CHECKING:
    import optuna

SCHEME = "optuna:"
SQLITE = "sqlite:///"


def parts(source: str) -> tuple[str, str]:
    """The file and the study (empty: the only one) of `optuna:sqlite:///x.db#study`.

    Errors: NightsweepError if it is not in a file.
    """
    place, _, name = source.removeprefix(SCHEME).partition("#")
    path = place.removeprefix(SQLITE)
    if "://" in path or not path:
        raise NightsweepError(
            f"from: {SCHEME}{place.partition('@')[2] or place} is no file; only studies in a file "
            "are read, optuna:sqlite:///x.db#study or optuna:journal.log#study; "
            "optuna.copy_study copies one into such a file"
        )
    return path, name


def past(path: Path, name: str, metrics: Sequence[str]) -> Past:
    """A study's trials. `metrics`: this sweep's objectives, which a study without metric names
    is taken to have in the same order. Errors: NightsweepError."""
    if not path.is_file():
        raise NightsweepError(f"from: there is no file {path}")
    try:
        study = _study(path, name)
        trials, goals = study.get_trials(deepcopy=False), _goals(study, metrics, path)
    except NightsweepError:
        raise
    except Exception as error:  # of sqlite, SQLAlchemy and Optuna, of many kinds
        raise NightsweepError(f"from: {path} {_why(error)}") from error
    found = tuple(trial for known in trials if (trial := _trial(known, list(goals))) is not None)
    if not found:
        raise NightsweepError(
            f"from: the study {study.study_name} in {path} has no trial yet that has come to a "
            "value; take it out, or wait for one"
        )
    return Past(goals=goals, space=space_of(trial.config for trial in found), trials=found)


def _study(path: Path, name: str) -> optuna.Study:
    import optuna
    from optuna.storages import JournalStorage, RDBStorage
    from optuna.storages.journal import JournalFileBackend

    with path.open("rb") as file:
        sqlite = file.read(15) == b"SQLite format 3"
    storage: Any
    if sqlite:
        storage = RDBStorage(f"{SQLITE}file:{quote(str(path.absolute()))}?mode=ro&uri=true")
    else:
        storage = JournalStorage(JournalFileBackend(str(path)))
    names = [study.study_name for study in storage.get_all_studies()]
    if not name and len(names) == 1:
        name = names[0]
    if not names:
        raise NightsweepError(f"from: {path} holds no study of Optuna's")
    if not name:
        raise NightsweepError(
            f"from: which study of {path}? Write optuna:{path.name}#NAME; it has "
            f"{', '.join(names)}"
        )
    if name not in names:
        raise NightsweepError(
            f"from: {path} holds no study {name!r}; it has {did_you_mean(name, names)}"
        )
    return optuna.load_study(study_name=name, storage=storage)


def _goals(study: optuna.Study, metrics: Sequence[str], path: Path) -> dict[str, str | None]:
    directions = [direction.name.lower() for direction in study.directions]
    if len(directions) != len(metrics):
        raise NightsweepError(
            f"from: the study {study.study_name} in {path} has "
            f"{plural(len(directions), 'objective')}, and this sweep {len(metrics)}; take it out, "
            "or search for the same"
        )
    return dict(zip(study.metric_names or metrics, directions, strict=True))


def _trial(known: optuna.trial.FrozenTrial, names: Sequence[str]) -> PastTrial | None:
    """None for one that has come to nothing."""
    steps = sorted(known.intermediate_values)
    reported: dict[int, Metrics] = {}
    if len(names) == 1:
        values = [known.intermediate_values[step] for step in steps]
        reported = {epoch: {names[0]: value} for epoch, value in enumerate(values, 1)}
    final: Metrics | None = None
    if known.state.name == "COMPLETE":
        attributes = {name: number(value) for name, value in known.user_attrs.items()}
        final = {name: value for name, value in attributes.items() if value is not None}
        final |= dict(zip(names, known.values, strict=True))
    if not known.state.is_finished() or not (reported or final):
        return None
    last = final or reported[len(steps)]
    return PastTrial(
        id=known.number + 1,
        config=dict(known.params),
        epochs=len(steps),
        reported=reported,
        final=final,
        diverged=not all(math.isfinite(last[name]) for name in names),
    )


def _why(error: BaseException) -> str:
    """In words; what sqlite has to say lies deep in what is raised."""
    texts, cause = [str(error)], error
    while (cause := cause.__cause__ or cause.__context__) is not None:  # type: ignore[assignment]
        texts.append(str(cause))
    if any("database is locked" in text for text in texts):
        return "is locked by a process that writes to it; try again, or name a copy of it"
    first = (texts[0].strip().splitlines() or [type(error).__name__])[0]
    return f"cannot be read as a storage of Optuna's: {first}"
