"""What of a sweep can be changed in the middle of it."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from pydantic import TypeAdapter, ValidationError

from .brief import brief
from .errors import StudyError
from .ready import Command, ReadySettings
from .schedulers.brackets import Brackets
from .space import Parameter, Space
from .sweep import Sweep

CHANGEABLE = (
    "trials", "time", "gpu_hours", "deadline", "window", "reserve", "target", "patience",
    "slots", "resources", "retries", "timeout", "checkpoints", "max_epochs", "parameters",
    "data",
    "submit", "trainable",
)  # fmt: skip
ANEW = "start a new run with from: this one, which takes its results over where they fit"


def changed(sweep: Sweep, changes: dict[str, Any]) -> Sweep:
    """The sweep with other values for some keys. Errors: SweepError for a wrong value."""
    return Sweep(**{**dict(sweep), **changes})


def allowed(sweep: Sweep, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes as the journal keeps them. Errors: StudyError for one that a run cannot go on with,
    SweepError for a wrong value."""
    for key in changes:
        if key not in CHANGEABLE:
            names = ", ".join(CHANGEABLE)
            raise StudyError(f"{key} cannot be changed in a run; what can: {names}")
    wanted = _settings(changes.get("trainable"))
    if wanted is not None and not _one_kind(sweep, wanted):  # else the old parameters are blamed
        raise StudyError(_another(sweep))
    after = changed(sweep, changes)
    for problem in refused(sweep, after).values():
        raise StudyError(problem)
    values = after.model_dump(mode="json")
    return {key: values[key] for key in changes}


def refused(before: Sweep, after: Sweep) -> dict[str, str]:
    """What a run cannot go on with of what CHANGEABLE names, by its key, each with the reason."""
    found = {f"parameters.{name}": why for name, why in _parameters(before.space, after.space)}
    if not _one_kind(before, after.trainable):
        found["trainable"] = _another(before)
    began, now = before.max_epochs, after.max_epochs
    if now < began:
        found["max_epochs"] = f"max_epochs can only grow in a run, not become {now} after {began}"
    if now > began and (_brackets(before) or _brackets(after)):
        found["max_epochs"] = (
            f"max_epochs cannot become {now} in a run whose {before.scheduler.name} has several "
            f"brackets, since brackets depend on it; {ANEW}"
        )
    return found


def _settings(given: Any) -> ReadySettings | None:
    """Of a trainable, where they are right; what is wrong with others is said elsewhere."""
    try:
        return TypeAdapter(ReadySettings | None).validate_python(given)
    except ValidationError:
        return None


def _one_kind(before: Sweep, after: ReadySettings | None) -> bool:
    """Whether the same is trained: a command may have been mended."""
    commands = isinstance(before.trainable, Command) and isinstance(after, Command)
    return commands or before.trainable == after


def _another(before: Sweep) -> str:
    command = isinstance(before.trainable, Command)
    rest = "can get another command or grace, no more" if command else "its settings stay too"
    name = before.trainable.name if before.trainable else before.train
    return f"trainable is {brief(name)} in this run, and {rest}; {ANEW}"


def _brackets(sweep: Sweep) -> bool:
    """Whether there are several: which trial is in which changes with the last epoch."""
    return isinstance(sweep.scheduler.build(sweep.max_epochs), Brackets)


def _parameters(before: Space, after: Space) -> Iterator[tuple[str, str]]:
    then: dict[str, Any] = {**before.parameters, **before.constants}
    now: dict[str, Any] = {**after.parameters, **after.constants}
    for name in [*then, *(name for name in now if name not in then)]:
        if name not in now:
            yield name, f"{name} cannot be taken out of a run; {ANEW}"
        elif name not in then:
            yield name, f"{name} cannot be added to a run; {ANEW}"
        elif name in before.constants and then[name] != now[name]:
            yield name, f"{name} is always {then[name]!r} in this run; {ANEW}"
        elif name in before.parameters and not _alike(then[name], now[name]):
            yield name, f"{name} can get another range or other values in a run, no more; {ANEW}"


def _alike(one: Parameter, other: Any) -> bool:
    return type(one) is type(other) and one.when == other.when
