"""What a configuration of a ready-made trainable may hold: a slip is seen before the night."""

from __future__ import annotations

import math
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from ..brief import brief
from ..errors import Problem
from ..nearest import did_you_mean
from ..parameter import Choice, Float, Int


@dataclass(frozen=True, slots=True)
class Number:
    """A knob that takes numbers from `least` to `most`, or to below it."""

    least: float = 0.0
    most: float = math.inf
    whole: bool = False
    below: bool = False  # `most` itself is too much

    def wrong(self, value: Any) -> str | None:
        """What is wrong with a value, if anything."""
        kind = int if self.whole else int | float
        right = isinstance(value, kind) and not isinstance(value, bool)
        if right and self.least <= value <= self.most and not (self.below and value == self.most):
            return None
        return f"must be {self}, not {brief(value)}"

    def __str__(self) -> str:
        what = "a whole number" if self.whole else "a number"
        if math.isinf(self.most):
            return f"{what} of at least {self.least:g}"
        return f"{what} from {self.least:g} to {'below ' * self.below}{self.most:g}"


@dataclass(frozen=True, slots=True)
class Words:
    """A knob that takes one of these: words, or true and false; or a word that fits `like`."""

    allowed: tuple[str | bool, ...]
    like: str | None = None  # a regular expression

    def wrong(self, value: Any) -> str | None:
        """What is wrong with a value, if anything."""
        if value in self.allowed or str(value) in self.allowed:
            return None
        if self.like is not None and re.fullmatch(self.like, str(value)):
            return None
        allowed = [*map(str, self.allowed)]
        # Near to one of a few words is not near to what fits `like`: resnet18, and resnet.
        among = ", ".join(allowed) if self.like else did_you_mean(value, allowed)
        return f"{brief(value)} is not one of {among}"


@dataclass(frozen=True, slots=True)
class Anything:
    """A knob whose values only the training can judge."""

    def wrong(self, value: Any) -> str | None:
        """Nothing."""
        return None


Knob = Number | Words | Anything
FLAG = Words((True, False))


def slips(
    trainable: str, knobs: Mapping[str, Knob], parameters: Mapping[str, Any]
) -> Iterator[Problem]:
    """Parameters of a sweep that its trainable does not have, and values they cannot take."""
    for name, parameter in parameters.items():
        knob = knobs.get(name)
        if knob is None:
            near = did_you_mean(name, sorted(knobs))
            message = f"is no knob of trainable {trainable}; it has {near}"
        else:
            message = next(filter(None, map(knob.wrong, _values(parameter))), "")
        if message:
            yield Problem(key=("parameters", name), message=message)


def _values(parameter: Any) -> list[Any]:
    """Of a parameter, or a constant: what must be right for all of it to be right."""
    match parameter:
        case Float() | Int():
            return [parameter.min, parameter.max]
        case Choice():
            return [value for value in parameter.values if value is not None]
    return [] if parameter is None else [parameter]
