"""All parameters of a sweep, and when each of them matters."""

from __future__ import annotations

import math
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cached_property
from typing import Any

from .brief import brief
from .constraint import Constraint
from .errors import Problem
from .nearest import did_you_mean
from .parameter import Choice, Condition, Float, Int, Parameter, same

__all__ = ["Choice", "Condition", "Config", "Float", "Int", "Parameter", "Space"]

Config = dict[str, Any]
Key = tuple[Any, ...]
LARGEST = 100_000  # configurations that are listed one by one
DEEPEST = 20  # lists in lists in a value


class Space:
    """All parameters of a sweep, with their conditions in an order that can be followed.

    `fixed`: values that constraints may name besides parameters. Errors: ValueError, where a
    constraint cannot be read.
    """

    def __init__(
        self,
        parameters: Mapping[str, Any],
        constraints: Sequence[str] = (),
        fixed: Mapping[str, Any] | None = None,
    ) -> None:
        self.fixed = {name: v for name, v in (fixed or {}).items() if name not in parameters}
        self.constraints = tuple(Constraint(text, self.fixed) for text in constraints)
        self.parameters: dict[str, Parameter] = {}
        self.constants: Config = {}
        self._names = tuple(parameters)
        for name, value in parameters.items():
            if isinstance(value, Float | Int | Choice):
                self.parameters[name] = value
            else:
                self.constants[name] = value
        self.order = tuple(self._parents_first())

    def problems(self) -> Iterator[Problem]:
        """Values that cannot be kept; conditions that are unknown, impossible, or in a circle."""
        yield from self._unstorable()
        for name, parameter in self.parameters.items():
            for parent, wanted in (parameter.when or {}).items():
                message = self._problem(parent, wanted)
                if message:
                    yield Problem(key=("parameters", name, "when", parent), message=message)
        for name in self.parameters:
            if name not in self.order:
                yield Problem(
                    key=("parameters", name, "when"),
                    message=f"{name} waits for itself in a circle of conditions; break it",
                )

    def active(self, name: str, config: Config) -> bool:
        """Whether a parameter matters, given the values of those before it."""
        when = self.parameters[name].when or {}
        return all(
            parent in config and any(same(config[parent], value) for value in options(wanted))
            for parent, wanted in when.items()
        )

    def build(self, choose: Callable[[str, Parameter], Any]) -> Config:
        """A whole configuration: `choose` is asked for each active parameter, parents first."""
        config = dict(self.constants)
        for name in self.order:
            if self.active(name, config):
                config[name] = choose(name, self.parameters[name])
        return {name: config[name] for name in self._names if name in config}

    def allows(self, config: Config) -> bool:
        """Whether every constraint holds."""
        return all(constraint.holds(config) for constraint in self.constraints)

    def key(self, config: Config) -> Key:
        """What tells a configuration from every other one: its parameters' values, hashable."""
        return tuple(
            parameter.encode(config[name]) if name in config else None
            for name, parameter in self.parameters.items()
        )

    @cached_property
    def points(self) -> tuple[Config, ...] | None:
        """All that are allowed, the last parameter turning fastest; None beyond LARGEST."""
        sizes = [size(parameter) for parameter in self.parameters.values()]
        if math.prod(LARGEST + 1 if n is None else n for n in sizes) > LARGEST:
            return None
        values = {name: levels(parameter) for name, parameter in self.parameters.items()}
        whole = self._walk(dict(self.constants), self.order, values)
        return tuple(config for config in whole if self.allows(config))

    @property
    def groups(self) -> list[tuple[str, ...]]:
        """Names that are active together (equal conditions), parents first."""
        groups: dict[str, list[str]] = {}
        for name in self.order:
            groups.setdefault(repr(self.parameters[name].when or {}), []).append(name)
        return [tuple(names) for names in groups.values()]

    def _walk(
        self, config: Config, names: Sequence[str], values: Mapping[str, list[Any]]
    ) -> Iterator[Config]:
        """Each way to go on from the values chosen so far; unused parameters are not turned."""
        if not names:
            yield {name: config[name] for name in self._names if name in config}
        elif not self.active(names[0], config):
            yield from self._walk(config, names[1:], values)
        else:
            for value in values[names[0]]:
                config[names[0]] = value
                yield from self._walk(config, names[1:], values)
            del config[names[0]]

    def _unstorable(self) -> Iterator[Problem]:
        places: list[tuple[tuple[str, ...], Any]] = [
            (("parameters", name), value) for name, value in self.constants.items()
        ]
        for name, parameter in self.parameters.items():
            if isinstance(parameter, Choice):
                places += [(("parameters", name, "values"), value) for value in parameter.values]
        for key, value in places:
            if not storable(value):
                message = (
                    f"{brief(value)} cannot be kept; use finite numbers, words, lists of them"
                )
                yield Problem(key=key, message=message)

    def _problem(self, parent: str, wanted: Any) -> str | None:
        if parent in self.constants:
            if any(same(self.constants[parent], value) for value in options(wanted)):
                return None
            return f"{parent} is always {brief(self.constants[parent])}, so this is never used"
        if parent not in self.parameters:
            return f"there is no parameter {parent!r}; known: {did_you_mean(parent, self._names)}"
        known = self.parameters[parent]
        for value in options(wanted):
            if not known.contains(value):
                return f"{parent} is never {brief(value)}; it takes {known.describe()}"
        return None

    def _parents_first(self) -> Iterator[str]:
        placed: set[str] = set()
        waiting = list(self.parameters)
        while waiting:
            ready = [n for n in waiting if not self._open_parents(n) - placed]
            if not ready:
                return  # a circle; `problems` names it
            yield from ready
            placed.update(ready)
            waiting = [n for n in waiting if n not in placed]

    def _open_parents(self, name: str) -> set[str]:
        return {p for p in self.parameters[name].when or {} if p in self.parameters}


def size(parameter: Parameter) -> int | None:
    """How many values a parameter may take; None where they cannot be counted."""
    if parameter.count is None and isinstance(parameter, Int):
        return parameter.max - parameter.min + 1
    return parameter.count


def levels(parameter: Parameter) -> list[Any]:
    """All values of a parameter that has a `size`, from below."""
    if parameter.count is None and isinstance(parameter, Int):
        return list(range(parameter.min, parameter.max + 1))
    return [parameter.level(index) for index in range(parameter.count or 0)]


def options(wanted: Any) -> list[Any]:
    """The values that a condition accepts."""
    return wanted if isinstance(wanted, list) else [wanted]


def storable(value: Any, depth: int = 0) -> bool:
    """Whether journal and tables can hold a value: JSON without NaN, integers of 64 bits."""
    if depth > DEEPEST:
        return False
    match value:
        case None | bool():
            return True
        case int():
            return -(2**63) <= value < 2**63
        case str():
            return value.isascii() or value.encode("utf-8", "replace").decode() == value
        case float():
            return math.isfinite(value)
        case list():
            return all(storable(item, depth + 1) for item in value)
        case dict():
            items = value.items()
            return all(
                storable(key) and isinstance(key, str) and storable(item, depth + 1)
                for key, item in items
            )
    return False
