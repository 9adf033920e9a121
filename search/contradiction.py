"""Constraints that cannot be met: at all, together with others, or by the user's defaults.

Found by trying random configurations, until one does or many have not.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass

from .constraint import Constraint
from .errors import Problem
from .nearest import did_you_mean
from .samplers.admissible import draw
from .samplers.random import first
from .space import Choice, Config, Space

TRIES = 10_000
SEED = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Culprit:
    """A constraint that no configuration meets: `alone`, or together with those before it."""

    index: int
    alone: bool


def contradictions(space: Space) -> Iterator[Problem]:
    """What the constraints cannot mean; or else, what no configuration, or no default, meets."""
    meaningless = list(_meaningless(space))
    yield from meaningless
    if meaningless or not space.constraints:
        return
    found = _culprits(space, lambda number: draw(space, SEED, number))
    if found and not space.points:
        for culprit in found:
            yield _problem(culprit, _impossible(space, culprit))
    elif any(parameter.default is not None for parameter in space.parameters.values()):
        for culprit in _culprits(space, lambda number: first(space, SEED, number)):
            if message := _bad_default(space, space.constraints[culprit.index]):
                yield _problem(culprit, message)


def share(space: Space) -> float:
    """About how much of all configurations the constraints leave."""
    return sum(space.allows(draw(space, SEED, number)) for number in range(TRIES)) / TRIES


def _meaningless(space: Space) -> Iterator[Problem]:
    """Names that nothing has, and values in the place of conditions."""
    known = [*space.parameters, *space.constants, *space.fixed]
    for index, constraint in enumerate(space.constraints):
        for name in sorted(constraint.names):
            if name not in known:
                message = f"there is no parameter {name!r}; known: {did_you_mean(name, known)}"
                yield Problem(key=("constraints", index), message=message)
            elif name in constraint.alone and not _true_or_false(space, name):
                message = f"{name} alone is not true or false; compare it, as in {name} == ..."
                yield Problem(key=("constraints", index), message=message)


def _true_or_false(space: Space, name: str) -> bool:
    if name in space.constants:
        return isinstance(space.constants[name], bool)
    parameter = space.parameters[name]
    return isinstance(parameter, Choice) and all(isinstance(v, bool) for v in parameter.values)


def _culprits(space: Space, config: Callable[[int], Config]) -> list[Culprit]:
    """Why none of TRIES configurations is allowed; empty as soon as one is."""
    rows: list[list[bool]] = []
    for number in range(TRIES):
        tried = config(number)
        rows.append([constraint.holds(tried) for constraint in space.constraints])
        if all(rows[-1]):
            return []
    indices = range(len(space.constraints))
    alone = [index for index in indices if not any(row[index] for row in rows)]
    if alone:
        return [Culprit(index=index, alone=True) for index in alone]
    index = next(index for index in indices if not any(all(row[: index + 1]) for row in rows))
    return [Culprit(index=index, alone=False)]


def _problem(culprit: Culprit, message: str) -> Problem:
    return Problem(key=("constraints", culprit.index), message=message)


def _impossible(space: Space, culprit: Culprit) -> str:
    constraint = space.constraints[culprit.index]
    how_sure = "" if space.points is not None else f" ({TRIES:,} random ones were tried)"
    if not culprit.alone:
        return (
            f"no configuration meets {constraint.text!r} together with the constraints before "
            f"it{how_sure}; loosen one of them"
        )
    try:
        constraint.evaluate(draw(space, SEED, 1))
    except (ArithmeticError, TypeError, ValueError) as error:
        return f"{constraint.text!r} cannot be worked out: {error}"
    return f"no configuration meets {constraint.text!r}{how_sure}; loosen it, or the ranges"


def _bad_default(space: Space, constraint: Constraint) -> str:
    """Which defaults are to blame; "" where the constraint names none."""
    config = first(space, SEED)
    defaults = [
        f"{name} {parameter.default!r}"
        for name, parameter in space.parameters.items()
        if name in constraint.names and name in config and parameter.default is not None
    ]
    if not defaults:
        return ""
    return (
        f"the default{'s' if len(defaults) > 1 else ''} {', '.join(defaults)} cannot meet "
        f"{constraint.text!r}; change one or the other"
    )
