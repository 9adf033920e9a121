"""A command line of another tool, as ours: words, with a placeholder for each parameter."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterable

from ..errors import Problem, SweepError

SHELL = frozenset("|&;<>$`*?\n")
SPECIAL = re.compile(r"[\s'\"\\]|^$")  # what shlex.split takes apart, or away


def placeholder(name: str) -> str:
    """What stands for a parameter's value."""
    return f"{{{name}}}"


def literal(text: str) -> str:
    """Text in which nothing is a placeholder."""
    return text.replace("{", "{{").replace("}", "}}")


def joined(words: Iterable[str]) -> str:
    """One line, of which shlex.split makes these words again."""
    return " ".join(_quoted(word) if SPECIAL.search(word) else word for word in words)


def unshelled(command: str) -> str:
    """A line that another tool gives to a shell: here there is none, unless the line needs one.

    Errors: SweepError.
    """
    if SHELL & set(command):
        return joined(["sh", "-c", literal(command)])
    try:
        return joined(literal(word) for word in shlex.split(command))
    except ValueError as error:
        raise SweepError([Problem(key=(), message=f"cannot be read: {error}")]) from None


def _quoted(word: str) -> str:
    return "'" + word.replace("'", "'\"'\"'") + "'"
