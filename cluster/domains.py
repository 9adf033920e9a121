"""Ray Tune's search space as parameters: what `tune.loguniform` and its kin stand for.

A `param_space` may be given to `nightsweep.run` as it is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from pydantic import ValidationError

from ..search.brief import brief
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
        except ValidationError as error:
            told = error.errors()[0]["msg"]
            problems.append(Problem(key=("parameters", name), message=told))
        except ValueError as error:
            problems.append(Problem(key=("parameters", name), message=str(error)))
    if problems:
        raise SweepError(problems)
    return found


def _tune_s(value: Any) -> bool:
    """Without importing Ray where there is nothing of it."""
    if isinstance(value, Mapping):
        return GRID in value or any(map(_tune_s, value.values()))
    if isinstance(value, list | tuple):
        return any(map(_tune_s, value))
    return any(base.__module__ == HOME for base in type(value).__mro__)


def _parameter(value: Any) -> Any:
    from ray.tune.search import sample

    if isinstance(value, Mapping) and set(value) == {GRID}:
        return _choice(value[GRID])
    if isinstance(value, Mapping | list | tuple):
        raise ValueError("has domains inside; parameters have no parts, so give each a name")
    if isinstance(value, sample.Categorical):
        return _choice(value.categories)
    if not isinstance(value, sample.Float | sample.Integer):
        raise ValueError("is made by a function; name the values that it takes, or a range")
    return _range(value)


def _choice(values: Any) -> Choice:
    """One of these; numpy's numbers as Python's. Errors: ValueError."""
    if not isinstance(values, Iterable):
        raise ValueError(f"needs a list of values, not {brief(values)}")
    return Choice(values=[v.item() if getattr(v, "shape", None) == () else v for v in values])


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
    if domain.lower == domain.upper:
        return domain.lower
    if isinstance(domain, sample.Float):
        return Float(min=float(domain.lower), max=float(domain.upper), log=log, step=step)
    low, high = domain.lower, domain.upper - 1  # Tune's upper end is none of the values,
    if step is not None and step > 1:  # but with a step, and then all are multiples of it
        low, high = -(-low // step) * step, domain.upper // step * step
    if low == high:
        return low
    return Int(min=low, max=high, log=log, step=step if step != 1 else None)
