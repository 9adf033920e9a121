"""Ray Tune's search space as parameters: what `tune.loguniform` and its kin stand for.

A `param_space` may be given to `nightsweep.run` as it is.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..search.errors import Problem, SweepError
from ..search.space import Choice, Float, Int

GRID = "grid_search"
HOME = "ray.tune.search.sample"


def ours(space: Mapping[str, Any]) -> dict[str, Any]:
    """A space with each of Ray Tune's domains as a parameter of ours, the rest as it is.

    Errors: SweepError, with each one that has no counterpart.
    """
    found: dict[str, Any] = {}
    problems: list[Problem] = []
    for name, value in space.items():
        try:
            found[name] = _parameter(value) if _tune_s(value) else value
        except ValueError as error:
            problems.append(Problem(key=("parameters", name), message=str(error)))
    if problems:
        raise SweepError(problems)
    return found


def _tune_s(value: Any) -> bool:
    """Without importing Ray where there is nothing of it."""
    if isinstance(value, Mapping):
        return GRID in value or any(map(_tune_s, value.values()))
    return any(base.__module__ == HOME for base in type(value).__mro__)


def _parameter(value: Any) -> Any:
    from ray.tune.search import sample

    if isinstance(value, Mapping):
        if set(value) != {GRID}:
            raise ValueError("has domains inside; parameters have no parts, so give each a name")
        return Choice(values=list(value[GRID]))
    if isinstance(value, sample.Categorical):
        return Choice(values=list(value.categories))
    if not isinstance(value, sample.Float | sample.Integer):
        raise ValueError("is made by a function; name the values that it takes, or a range")
    return _range(value)


def _range(domain: Any) -> Any:
    """A range of numbers. Errors: ValueError."""
    from ray.tune.search import sample

    sampler, step = domain.get_sampler(), None
    if isinstance(sampler, sample.Quantized):
        sampler, step = sampler.get_sampler(), sampler.q
    if isinstance(sampler, sample.Normal):
        raise ValueError("is drawn from a normal distribution; give it a range, min and max")
    log = isinstance(sampler, sample.LogUniform)
    if log and step not in (None, 1):
        raise ValueError(f"is rounded to {step} on a log scale; leave that out, or list values")
    if isinstance(domain, sample.Float):
        return Float(min=float(domain.lower), max=float(domain.upper), log=log, step=step)
    low, high = domain.lower, domain.upper - 1  # Tune's upper end is none of the values,
    if step is not None and step > 1:  # but with a step, and then all are multiples of it
        low, high = -(-low // step) * step, domain.upper // step * step
    if low == high:
        return low
    return Int(min=low, max=high, log=log, step=step if step != 1 else None)
