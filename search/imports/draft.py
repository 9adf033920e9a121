"""A sweep file in the making: what it will say, and what was changed on the way or lost."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn

from ..errors import Problem, SweepError
from ..sweepfile import name_of
from .counterpart import Counterpart

Values = Mapping[str, Any]
Beside = Callable[[str], Any]  # what a file beside the one that is imported holds
Reader = Callable[[Values, Beside], "Draft"]

NAMEABLE = re.compile(r"[A-Za-z_]\w*(\.[A-Za-z_]\w*)*")  # in a constraint
EPOCHS = re.compile(r"(?:.*[._-])?(?:(?:max|num|n|total|train|num_train)_?)?epochs?")


@dataclass(frozen=True, slots=True)
class Note:
    """What somebody should know about a key of the sweep file; of no key: about what is not there."""

    key: str
    text: str

    def __str__(self) -> str:
        return f"{self.key}: {self.text}" if self.key else self.text


@dataclass(slots=True)
class Draft:
    """`values`: a sweep file's; `tool`: where they come from, as its users call it."""

    tool: str
    values: dict[str, Any] = field(default_factory=dict)
    notes: list[Note] = field(default_factory=list)

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

    def lost(self, given: Values, known: Iterable[str], why: str = "") -> None:
        """Say which keys have no counterpart."""
        left = [str(key) for key in given if key not in set(known) and given[key] is not None]
        if left:
            self.note("", f"no counterpart: {', '.join(left)}{why}")

    def lasts(self) -> None:
        """How long a trial may train, where nothing else says so: what a parameter calls epochs."""
        if "max_epochs" in self.values:
            return
        for name, value in self.parameters.items():
            if EPOCHS.fullmatch(name.lower()) and (most := _most(value)):
                self.values["max_epochs"] = most
                self.note("max_epochs", f"taken from {name}: one report is one epoch")
                return
        self.values["max_epochs"] = 27
        self.note(
            "max_epochs",
            f"{self.tool} does not say how often a trial reports; 27 is our default: put in how "
            "often yours does, since it ends there",
        )

    def whole(self) -> None:
        """Say that every trial trains to its end, as it did."""
        self.values["scheduler"] = "none"
        self.note(
            "scheduler",
            "nothing was stopped early, so nothing is here; `scheduler: asha` stops weak trials "
            "where a trial reports more than once",
        )

    def unmeasured(self, name: str, goal: str) -> None:
        """A metric that had no name."""
        self.values["metric"] = {"name": name, "goal": goal}
        self.note("metric", f"{self.tool} has no name for it; report it as {name}")

    def reports(self, how: str) -> None:
        """Say what the program has to print."""
        metrics = self.values["metric"]
        one = metrics[0] if isinstance(metrics, list) else metrics
        self.note(
            "command",
            f'{how}; here it prints a line {{"epoch": 1, "{one["name"]}": 0.41}} an epoch, or '
            "calls `report` of nightsweep_report (docs/coming-from/command.md)",
        )


def section(given: Values, key: str) -> Values:
    """A mapping of mappings' own; empty where it is not there. Errors: SweepError."""
    found = given.get(key)
    if found is None:
        return {}
    return found if isinstance(found, Mapping) else wrong(key, f"must hold keys, not {found!r:.60}")


def wrong(key: str, message: str) -> NoReturn:
    """Errors: SweepError, of one mistake in what is imported."""
    raise SweepError([Problem(key=tuple(key.split(".")) if key else (), message=message)])


def whole_number(value: object) -> int | None:
    """A whole number of at least 1, also as text; None where it is none."""
    if isinstance(value, str) and value.isdigit():
        value = int(value)
    if isinstance(value, bool) or not isinstance(value, int | float) or value != value // 1:
        return None
    return int(value) if value >= 1 else None


def _most(value: Any) -> int | None:
    """The largest number that a parameter can be."""
    if isinstance(value, Mapping):
        values = value.get("values", [value.get("max")])
        return max((n for v in values if (n := whole_number(v))), default=None)
    return whole_number(value)
