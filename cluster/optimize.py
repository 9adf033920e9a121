"""`nightsweep.optimize`: an Optuna objective, in place of `study.optimize`."""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.machinery import PathFinder
from typing import Any

from ..search.errors import Problem, SweepError, TrainingFunctionError
from ..search.results import Results
from ..search.space import Choice, Float, Int, options
from ..trainables.function import Kind, check, kind_of
from .api import run


@dataclass(frozen=True, slots=True, kw_only=True)
class Found:
    """What an objective asks for. `reports`: whether it reports while it trains; None: unknown,
    since it did not come so far while it was watched."""

    parameters: dict[str, Any]
    reports: bool | None


def optimize(
    objective: Callable[[Any], Any],
    n_trials: int | None = None,
    timeout: float | None = None,
    *,
    direction: Any = "minimize",
    directions: Sequence[Any] | None = None,
    parameters: Mapping[str, Any] | None = None,
    max_epochs: int | None = None,
    **more: Any,
) -> Results:
    """Search with an Optuna objective as it is, in place of `create_study` and `study.optimize`.

    Args:
        objective: `def objective(trial)`, which returns a number, or one for each of `directions`.
            Reports are epochs, in their order. What it asks for is found beforehand, by running
            its beginning some times in another process (trainables/probe.py).
        timeout: Seconds to search, as in `study.optimize`.
        parameters: Take these, as `nightsweep.run` does, in place of what is found.
        max_epochs: How often it reports, at most; needed if it reports.
        more: As of `nightsweep.run`: out, address, quiet, and what a sweep file may hold.

    The metric is `value`, or `values_0`, `values_1` ... Errors: those of `nightsweep.run`.
    """
    check(objective, _name(objective))
    if kind_of(objective) is not Kind.OBJECTIVE:
        raise TrainingFunctionError(
            f"{_name(objective)} is no objective: its only parameter must be named trial"
        )
    if parameters is None or max_epochs is None:
        found = asked_by(objective)
        max_epochs = _epochs(found, several=directions is not None, given=max_epochs)
        if parameters is None:
            parameters = found.parameters
            if not more.get("quiet"):
                print(_told(parameters), file=sys.stderr)
    if timeout is not None:
        more["time"] = timeout
    if n_trials is not None:
        more["trials"] = n_trials
    return run(
        objective,
        parameters,
        metric=_metrics(direction, directions),
        max_epochs=max_epochs,
        **more,
    )


def asked_by(objective: Callable[[Any], Any]) -> Found:
    """What an objective asks for. Errors: TrainingFunctionError."""
    from ray import cloudpickle

    from ..trainables.branches import parameters
    from ..trainables.probe import probed

    check(objective, _name(objective))
    try:
        with _whole(objective):
            pickled = cloudpickle.dumps(objective)
    except Exception as error:
        raise TrainingFunctionError(
            f"{_name(objective)} cannot be sent to another process: {error}; make what it uses "
            "from outside inside it, or at the top of a module"
        ) from error
    runs = probed(pickled)
    ends = {seen.end for seen in runs}
    reports = True if "reported" in ends else False if "returned" in ends else None
    return Found(parameters=parameters(runs), reports=reports)


@contextmanager
def _whole(objective: Callable[[Any], Any]) -> Iterator[None]:
    """In here it is pickled with its module, if that is a file that another process would not
    find by the module's name: of a `test.py`, Python finds one of its own first."""
    from ray import cloudpickle

    module = sys.modules.get(getattr(objective, "__module__", None) or "")
    file, name = getattr(module, "__file__", None), getattr(module, "__name__", "__main__")
    found = None if "." in name else PathFinder.find_spec(name, sys.path)
    if module is None or "." in name or name == "__main__" or (found and found.origin == file):
        yield
        return
    cloudpickle.register_pickle_by_value(module)
    try:
        yield
    finally:
        cloudpickle.unregister_pickle_by_value(module)


def space_of(objective: Callable[[Any], Any]) -> dict[str, Any]:
    """The parameters of a sweep file for it. Errors: TrainingFunctionError."""
    return {
        name: value.model_dump(mode="json", exclude_defaults=True)
        if isinstance(value, Float | Int | Choice)
        else value
        for name, value in asked_by(objective).parameters.items()
    }


def _epochs(found: Found, *, several: bool, given: int | None) -> int:
    if given is not None:
        return given
    if found.reports is False or several:
        return 1
    what = (
        "the objective reports while it trains; say how often at most: max_epochs=20"
        if found.reports
        else "the objective had neither reported nor returned when it was watched; say how often "
        "it reports at most: max_epochs=20, or 1 if it never does"
    )
    raise SweepError([Problem(key=("max_epochs",), message=what)], source="optimize")


def _metrics(direction: Any, directions: Sequence[Any] | None) -> list[dict[str, str]]:
    if directions is None:
        return [{"name": "value", "goal": _goal(direction)}]
    return [{"name": f"values_{n}", "goal": _goal(given)} for n, given in enumerate(directions)]


def _goal(direction: Any) -> str:
    """Of a word, or of Optuna's StudyDirection."""
    return str(getattr(direction, "name", direction)).lower()


def _told(parameters: Mapping[str, Any]) -> str:
    """What was found, in a line."""
    words = []
    for name, parameter in parameters.items():
        if not isinstance(parameter, Float | Int | Choice):
            words.append(f"{name} (always {parameter})")
            continue
        conditions = (parameter.when or {}).items()
        when = [f"if {parent} is {' or '.join(map(str, options(v)))}" for parent, v in conditions]
        words.append(" ".join([f"{name} ({parameter.describe()})", *when]))
    return f"the objective asks for {'; '.join(words)}"


def _name(objective: Any) -> str:
    return str(getattr(objective, "__name__", type(objective).__name__))
