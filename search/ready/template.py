"""A command line with placeholders, `python train.py --lr {lr}`, as the words of a program.

No shell reads it: a value is always one argument, whatever is in it.
"""

from __future__ import annotations

import json
import re
import shlex
from collections.abc import Mapping, Sequence
from typing import Any

MARK = re.compile(r"\{\{|\}\}|\{(?P<name>[^{}]*)\}|[{}]")
# What only a shell understands, as a word: 2>/dev/null, >log, |, &&.
SHELL = re.compile(r"[\d&]?>[>&]?[^>=\s]*|<|\|[|&]?|&&?|;")


def words(line: str) -> list[str]:
    """The words of a command line, placeholders and all. Errors: ValueError."""
    try:
        found = shlex.split(line.replace("\\\n", ""))  # lines go on after a \, as in a shell
    except ValueError:
        raise ValueError(f"has a quote that is not closed: {line}") from None
    if not found or not found[0]:
        raise ValueError("is empty; write the program and its arguments: python train.py")
    bare = _bare(line)
    special = next((word for word in found if word in bare and SHELL.fullmatch(word)), None)
    if special is not None:
        raise ValueError(
            f"is run without a shell, which {special} needs: write sh -c '...' around all of it"
        )
    for word in found:
        if any(mark[0] in ("{", "}", "{}") for mark in MARK.finditer(word)):
            raise ValueError(
                f"holds a brace that is no placeholder, in {word}: {{lr}} stands for a "
                "parameter's value, {{ and }} for braces"
            )
    return found


def _bare(line: str) -> list[str]:
    """The words that stand there without quotes, which would keep a shell off them."""
    try:
        return [word for word in shlex.split(line, posix=False) if word[0] not in "'\""]
    except ValueError:  # quotes in quotes, which only the other way can be read
        return []


def names(line: Sequence[str]) -> list[str]:
    """What the placeholders of a line's words name, each once."""
    found = (mark["name"] for word in line for mark in MARK.finditer(word))
    return list(dict.fromkeys(name for name in found if name))


def filled(line: Sequence[str], values: Mapping[str, Any]) -> list[str]:
    """The words with values in the place of placeholders.

    Where a name has no value (a parameter whose `when` is not met), the word is left out; if it is
    all placeholder, an option right before it too: of `--momentum {momentum}` both words.
    """
    found: list[str] = []
    option = False  # whether the word before is one that a value may belong to
    for word in line:
        named = names([word])
        if all(name in values for name in named):
            found.append(MARK.sub(lambda mark: _instead(mark, values), word))
        elif option and word == f"{{{named[0]}}}":
            found.pop()
        option = not named and word.startswith("-") and word not in ("-", "--")
    return found


def text(value: Any) -> str:
    """A value as a program is given it: text as it is, all else as in JSON (`true`, `1e-05`)."""
    return value if isinstance(value, str) else json.dumps(value)


def _instead(mark: re.Match[str], values: Mapping[str, Any]) -> str:
    return text(values[mark["name"]]) if mark["name"] else mark[0][0]
