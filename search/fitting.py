"""Whether a configuration of one space is one of another, and how it reads there."""

from __future__ import annotations

from typing import Any

from .parameter import Parameter, same
from .space import Config, Space


def fitted(space: Space, config: Config, before: Space) -> Config | None:
    """A configuration of the space `before` as one of `space`; None where it is none.

    A parameter that is new takes its default, if it has one.
    """
    try:
        return _fitted(space, config, before)
    except _MisfitError:
        return None


class _MisfitError(ValueError):
    """The value of a parameter does not fit, or it has none."""


def _fitted(space: Space, config: Config, before: Space) -> Config:
    for name, value in space.constants.items():
        if name in config and not same(config[name], value):
            raise _MisfitError(name)
    for name in config:
        if name in before.parameters and name not in {**space.parameters, **space.constants}:
            raise _MisfitError(name)  # it had some value then, and nobody knows which one now

    def choose(name: str, parameter: Parameter) -> Any:
        if name in config:
            value = config[name]
        elif name in before.parameters or parameter.default is None:
            raise _MisfitError(name)
        else:
            value = parameter.default
        if not parameter.contains(value):
            raise _MisfitError(name)
        return value

    found = space.build(choose)
    if not space.allows(found):
        raise _MisfitError("constraints")
    return found
