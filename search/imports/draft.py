"""A sweep file in the making: what it will say, and what was changed on the way or lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import Problem, SweepError
from ..sweepfile import name_of
from .counterpart import Counterpart, constant

Values = Mapping[str, Any]
Beside = Callable[[str], Any]  # what a file beside the one that is imported holds
Reader = Callable[[Values, Beside], "Draft"]

NAMEABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")  # in a constraint
GUESS = "27 is a guess: put in how many times your program reports; a trial ends there"
EPOCHS = re.compile(r"(?:.*[._-])?(?:(?:max|num|n|total|train)_?)?epochs?|max_resource_level")


@dataclass(frozen=True, slots=True)
class Note:
    """What there is to know about a key of the sweep file; of none: about what is not there."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


@dataclass(slots=True)
class Draft:
    """`values`: a sweep file's; `tool`: where they come from, as its users call it.

    `example`: a key and its value to put in, where it does not say what trains.
    """

    tool: str
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)
    example: tuple[str, str] | None = None

    @property
    def parameters(self) -> dict[str, Any]:
        found: dict[str, Any] = self.values.setdefault("parameters", {})
        return found

    def note(self, key: str, text: str) -> None:
        """Say something about a key; `parameters.lr` is one too."""
        self.notes.append(Note(key, text))

    def named(self, name: object) -> None:
        """The sweep's name, of such letters as a folder's may have."""
        if isinstance(name, str) and name:
            self.values["name"] = name_of(name)

    def take(self, name: str, found: Counterpart, when: Mapping[str, Any] | None = None) -> None:
        """A parameter, or a constant."""
        value, key = found.value, f"parameters.{name}"
        if when and isinstance(value, dict):
            value = {**value, "when": dict(when)}
        elif when:  # a constant of one branch: a choice of one
            value = {"values": [value], "when": dict(when)}
        self.parameters[name] = value
        if found.note:
            self.note(key, found.note)
        if found.multiple and NAMEABLE.fullmatch(name):
            self.values.setdefault("constraints", []).append(f"{name} % {found.multiple} == 0")
        elif found.multiple:
            self.note(key, f"multiples of {found.multiple} alone were tried; now all between are")

    def fix(self, name: str, value: Any, when: Mapping[str, Any] | None = None) -> None:
        """A constant; of a mapping, one of each of its keys."""
        if not isinstance(value, Mapping):
            return self.take(name, constant(value), when)
        for key, inner in value.items():
            self.fix(f"{name}.{key}", inner, when)

    def nested(self, name: str) -> None:
        """Say once of a group of parameters that they are keys of their own now."""
        group = name.partition(".")[0]
        told = f"what was nested in {group} is now keys with a dot in them, also in config"
        if all(note.text != told for note in self.notes):
            self.note(f"parameters.{name}", told)

    def lost(self, given: Values, known: str, why: str = "") -> None:
        """Say which keys have no counterpart: those that are not among the words of `known`."""
        words = known.split()
        left = [str(key) for key in given if key not in words and given[key] is not None]
        if left:
            self.note("", f"no counterpart: {', '.join(left)}{why}")

    def lasts(self) -> None:
        """How long a trial may train, where nothing says so: what a parameter calls epochs."""
        if "max_epochs" in self.values:
            return
        for name, value in self.parameters.items():
            if EPOCHS.fullmatch(name.lower()) and (most := _most(value)):
                self.values["max_epochs"] = most
                self.note("max_epochs", f"taken from {name}: one report is one epoch")
                return
        self.values["max_epochs"] = 27
        self.note("max_epochs", GUESS)

    def whole(self) -> None:
        """Say that every trial trains to its end, as it did."""
        self.values["scheduler"] = "none"
        told = "no trial was stopped early, and none is here; scheduler: asha ends the weak ones"
        self.note("scheduler", told)

    def unmeasured(self, name: str, goal: str) -> None:
        """A metric that had no name."""
        self.values["metric"] = {"name": name, "goal": goal}
        self.note("metric", f"{self.tool} has no name for it; report it as {name}")

    def trains(self, command: str, instead_of: str, page: str) -> None:
        """What trains, and what of it has to change: what it prints in place of a call."""
        self.values["command"] = command
        line = f'{{"epoch": 1, "{self.values["metric"]["name"]}": 0.41}}'
        told = f"your program prints a line {line} each epoch, in place of {instead_of}"
        self.note("command", f"{told}: docs/coming-from/{page}.md")

    def lacks(self, what: str, key: str, example: str) -> None:
        """What trains is not in it."""
        self.note("", f"what trains is still to be put in: {what}")
        self.example = (key, example)


@contextmanager
def about(*key: str) -> Iterator[None]:
    """Mistakes in here are said to be in that key."""
    try:
        yield
    except SweepError as error:
        raise SweepError(
            [
                Problem(key=(*key, *problem.key), message=problem.message)
                for problem in error.problems
            ]
        ) from None


def section(given: Values, key: str) -> Values:
    """A mapping of mappings' own; empty where it is not there. Errors: SweepError."""
    found = given.get(key)
    if found is None:
        return {}
    return (
        found if isinstance(found, Mapping) else wrong(key, f"must hold keys, not {found!r:.60}")
    )


def several(given: Values, key: str) -> list[Any]:
    """A list of mappings' own; empty where it is not there. Errors: SweepError."""
    found = given.get(key)
    if found is None:
        return []
    return found if isinstance(found, list) else wrong(key, f"must be a list, not {found!r:.60}")


def wrong(key: str, message: str) -> NoReturn:
    """Errors: SweepError, of one mistake in what is imported."""
    raise SweepError([Problem(key=tuple(key.split(".")) if key else (), message=message)])


def whole_number(value: object) -> int | None:
    """A whole number of at least 1, also as text; None where it is none."""
    if isinstance(value, str) and value.isascii() and len(value) < 20:
        value = value.replace("_", "")  # 50_000 is a number to YAML 1.1
        value = int(value) if value.isdigit() else None
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value) if value >= 1 else None


def _most(value: Any) -> int | None:
    """The largest number that a parameter can be."""
    if isinstance(value, Mapping):
        values = value.get("values", [value.get("max")])
        return max((n for v in values if (n := whole_number(v))), default=None)
    return whole_number(value)
