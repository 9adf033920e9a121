"""`command: python train.py --lr {lr}`: any program, in a language of its own."""

from __future__ import annotations

import re
from collections.abc import Iterable, Iterator
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, BeforeValidator, Field

from ..nearest import did_you_mean
from ..units import seconds
from . import template
from .rows import Settings
from .rows import Text as Word

# What a trial itself has a placeholder for; a parameter of the same name takes its place.
OF_TRIAL = ("epochs", "trial", "seed", "folder", "checkpoint", "config", "device")
VARIABLE = "NIGHTSWEEP_PARAM_"


def _seconds(raw: Any) -> Any:
    """Seconds from `30s`. Errors: ValueError."""
    return seconds(raw) if isinstance(raw, str) else raw


def _whole(line: str) -> str:
    """A command line as it is, if it can be taken apart. Errors: ValueError."""
    template.words(line)
    return line


class Command(Settings):
    """A program that prints what it reports."""

    name: Literal["command"] = "command"
    run: Annotated[Word, AfterValidator(_whole)] = Field(
        description="the command line; {lr} stands for a parameter's value"
    )
    # Less than the minute after which a slot that is not left counts as hung.
    grace: Annotated[float, BeforeValidator(_seconds)] = Field(
        30.0, ge=0, le=50, description="from SIGTERM to SIGKILL, where it is to end: 30s"
    )

    def defaults(self) -> dict[str, Any]:
        """Nothing: whoever writes the program knows what it takes and reports."""
        return {}

    @property
    def words(self) -> list[str]:
        """Of the command line, with its placeholders."""
        return template.words(self.run)

    def mistakes(self, parameters: Iterable[str]) -> Iterator[str]:
        """What does not fit a sweep with these parameters."""
        known = [*parameters]
        for name in template.names(self.words):
            if name not in known and name not in OF_TRIAL:
                near = did_you_mean(name, [*known, *OF_TRIAL])
                yield f"{{{name}}} is no parameter of this sweep, nor one of a trial: {near}"
        for name in known:
            if meant := next((word for word in self.words if _of_a_shell(word, name)), None):
                yield f"no shell reads {meant}: write {{{name}}} for the parameter's value"
        variables: dict[str, str] = {}
        for name in known:
            other = variables.setdefault(variable(name), name)
            if other != name:
                yield f"parameters {other} and {name} would both be ${variable(name)}; rename one"


def _of_a_shell(word: str, parameter: str) -> bool:
    """Whether a word is `$lr`, `--lr=${lr}` or `${{lr}}`."""
    name = re.escape(parameter)
    return bool(re.fullmatch(rf"([\w-]+=)?\$({name}|\{{{{1,2}}{name}\}}{{1,2}})", word))


def variable(parameter: str) -> str:
    """The environment variable that a program finds a parameter in."""
    return VARIABLE + re.sub(r"[^A-Z0-9_]", "_", parameter.upper())
