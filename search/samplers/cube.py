"""A space as a unit cube: each parameter is a side of it, each value a place on that side."""

from __future__ import annotations

import math
from typing import Any

from ..space import Choice, Int, Parameter


def place(parameter: Parameter, value: Any, within: float = 0.5) -> float:
    """Where in [0, 1] a value lies: the opposite of `parameter.at`.

    One of countable values owns a stretch of the side; `within` says where in it, 0.5 its middle.
    """
    if isinstance(parameter, Choice):
        return (parameter.encode(value) + within) / parameter.count
    if parameter.count is not None:
        return (parameter.index(value) + within) / parameter.count
    low, high, at = float(parameter.min), float(parameter.max), float(value)
    if isinstance(parameter, Int):
        low, high, at = low - 0.5, high + 0.5, at - 0.5 + within
    if parameter.log:
        low, high, at = math.log(low), math.log(high), math.log(at)
    return (at - low) / (high - low)


def graded(parameter: Parameter) -> bool:
    """Whether neighbours on the side are alike: numbers and rising values, more than one."""
    return parameter.count != 1 and (not isinstance(parameter, Choice) or parameter.ordered)
