"""Ready-made trainables: what a sweep file says of each, and the ranges that are searched.

One a file; the training itself is in trainables/, under the same name.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Annotated, Any, Protocol

from pydantic import Discriminator

from ..errors import Problem, SweepError
from .boosting import Boosting
from .command import Command
from .estimator import Estimator
from .image import Image
from .knob import Knob
from .tabular import Tabular
from .text import Text

__all__ = [
    "KNOWN_SET",
    "Boosting",
    "Command",
    "Estimator",
    "Image",
    "Ready",
    "ReadySettings",
    "Tabular",
    "Text",
    "as_given",
    "filled",
    "spelled_out",
]

# As a part of a library, not a path: sklearn:digits, torchvision:FashionMNIST
KNOWN_SET = re.compile(r"[a-z]\w+:\w+")

# Of what ready-made trainables report: better when it is larger. And what says so otherwise.
RISING = ("accuracy", "r2", "score")
GIVEN = {"goal", "min", "max"}
TEST = "test_"

ReadySettings = Annotated[
    Tabular | Image | Text | Estimator | Boosting | Command, Discriminator("name")
]


class Ready(Protocol):
    """The settings of a ready-made trainable."""

    @property
    def name(self) -> str: ...

    @property
    def knobs(self) -> Mapping[str, Knob] | None:
        """What a configuration may hold; None: only the training knows."""
        ...

    def defaults(self) -> dict[str, Any]:
        """Of a sweep's keys those that it brings: metric, parameters, max_epochs, scheduler."""
        ...


def spelled_out(values: Mapping[str, Any]) -> dict[str, Any]:
    """A sweep's values with `trainable: tabular` and `command: ...` as the mapping they stand for.

    Errors: ValueError where both are given.
    """
    found = dict(values)
    command = found.pop("command", None)
    if command is not None:
        if found.get("trainable") is not None:
            raise ValueError("a command is a trainable of its own; leave one of them out")
        found["trainable"] = {"name": "command", "run": command}
    if isinstance(found.get("trainable"), str):
        found["trainable"] = {"name": found["trainable"]}
    return found


def as_given(problems: Sequence[Problem], values: Mapping[str, Any]) -> list[Problem]:
    """With `command` as the key, where the values have that for `trainable: {run: ...}`."""
    if values.get("command") is None or values.get("trainable") is not None:
        return list(problems)
    return [
        replace(problem, key=("command",)) if problem.key[:1] == ("trainable",) else problem
        for problem in problems
    ]


def filled(values: Mapping[str, Any], trainable: Ready) -> dict[str, Any]:
    """A sweep's values, with what its trainable brings where they say nothing.

    Errors: SweepError where neither says what is searched, or the test part would decide.
    """
    given = {key: value for key, value in values.items() if value is not None}
    brought = trainable.defaults()
    if folds := getattr(trainable, "cv", None):  # at rungs 2, 4, 8: after one bad fold none ends
        patient = {"name": "asha", "grace": 2, "eta": 2}
        brought |= {"max_epochs": folds, "scheduler": patient if folds > 2 else {"name": "none"}}
    if "outcomes" in given:  # as a Sweep itself calls its metrics
        brought.pop("metric", None)
    if "metric" in given and not isinstance(trainable, Command):
        given["metric"] = _directed(given["metric"])
    if isinstance(trainable, Estimator) and not {**brought, **given}.get("parameters"):
        message = (
            f"is missing, and no ranges are known of {trainable.estimator}; write some of its own "
            "parameters, such as max_depth: {min: 1, max: 20}"
        )
        raise SweepError([Problem(key=("parameters",), message=message)])
    return {**brought, **given}


def _directed(metric: Any) -> Any:
    """A metric as a sweep has it; where no goal is given, what is better larger is to be large.

    Errors: SweepError for one of the test part.
    """
    if isinstance(metric, list):
        return [_directed(one) for one in metric]
    given = {"name": metric} if isinstance(metric, str) else metric
    name = given.get("name") if isinstance(given, dict) else None
    if not isinstance(name, str):
        return metric
    if name.startswith(TEST):
        message = (
            f"{name} is of the test part, which no decision is to see; "
            f"write val_{name.removeprefix(TEST)}"
        )
        raise SweepError([Problem(key=("metric",), message=message)])
    if name.endswith(RISING) and not GIVEN & given.keys():
        return {**given, "goal": "maximize"}
    return metric
