"""The parameters of a sweep, from what an objective has asked for in several runs."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from ..search.parameter import same
from ..search.space import Choice, Float, Int, Parameter, levels, size
from .probe import FEW, Seen


def parameters(runs: Sequence[Seen]) -> dict[str, Any]:
    """Each parameter with the widest range that was asked for; one value alone is a constant.

    Where something is asked for with some values of one other parameter only, that is its `when`.
    What hangs on more than that is in every configuration, which does no harm.
    """
    asked: dict[str, list[Parameter]] = {}
    for run in runs:
        for name, parameter in run.questions.items():
            asked.setdefault(name, []).append(parameter)
    found: dict[str, Any] = {}
    for name, several in asked.items():
        whole = _widest(several)
        if (size(whole) or 0) == 1:
            found[name] = levels(whole)[0]
        else:
            when = next(_conditions(name, found, runs), None)
            found[name] = whole.model_copy(update={"when": when})
    return found


def _conditions(
    name: str, before: dict[str, Any], runs: Sequence[Seen]
) -> Iterator[dict[str, Any]]:
    """What tells the runs that asked for it from those that did not."""
    there = [run for run in runs if name in run.questions]
    absent = [
        run for run in runs if name not in run.questions and run.end not in ("raised", "cut")
    ]
    if not absent:
        return
    for parent, parameter in before.items():
        if not isinstance(parameter, Float | Int | Choice) or (size(parameter) or FEW + 1) > FEW:
            continue
        if any(parent not in run.questions for run in there):
            continue
        with_it = _answers(parent, there)
        without = _answers(parent, absent)
        known = len(with_it) + len(without) == size(parameter)
        if without and known and not any(same(a, b) for a in with_it for b in without):
            yield {parent: with_it[0] if len(with_it) == 1 else with_it}


def _answers(parent: str, runs: Sequence[Seen]) -> list[Any]:
    """The values that it had in these runs, each once."""
    return _each_once(run.answers[parent] for run in runs if parent in run.answers)


def _widest(several: Sequence[Parameter]) -> Parameter:
    """One parameter with all values of several: ranges may follow from other values."""
    if all(parameter == several[0] for parameter in several):
        return several[0]
    ranges = [parameter for parameter in several if isinstance(parameter, Float | Int)]
    values = _each_once(value for parameter in several for value in _ends(parameter))
    if not ranges or not all(isinstance(value, int | float) for value in values):
        return Choice(values=values)
    low, high = min(values), max(values)
    log = low > 0 and all(parameter.log for parameter in ranges)
    steps = {(parameter.min, parameter.step) for parameter in ranges}
    step = steps.pop()[1] if len(steps) == 1 else None
    if all(isinstance(value, int) for value in values):
        return Int(min=low, max=high, log=log, step=step)
    return Float(min=low, max=high, log=log, step=step)


def _ends(parameter: Parameter) -> list[Any]:
    return parameter.values if isinstance(parameter, Choice) else [parameter.min, parameter.max]


def _each_once(values: Iterable[Any]) -> list[Any]:
    found: list[Any] = []
    for value in values:
        if not any(same(value, other) for other in found):
            found.append(value)
    return found
