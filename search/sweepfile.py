"""Reading a sweep file: YAML, TOML or JSON into a Sweep, with the line of every mistake."""

from __future__ import annotations

import json
import re
import stat
import tomllib
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import yaml

from .brief import brief
from .errors import Problem, SweepError
from .sweep import LONGEST_NAME, Sweep

Key = tuple[str | int, ...]
FORMATS = (".yaml", ".yml", ".toml", ".json")
LARGEST = 500_000  # bytes of a sweep file
MOST = 250_000  # values in it


class _Loader(yaml.SafeLoader):
    """YAML with the scalars of version 1.2: `1e-5` is a number; `off` and dates are words."""

    def construct_undefined(self, node: yaml.Node) -> Any:
        """Neither Python's objects nor anything else that JSON lacks."""
        raise yaml.MarkedYAMLError(
            problem=f"{node.tag} means nothing here; write the value alone",
            problem_mark=node.start_mark,
        )

    def construct_object(self, node: yaml.Node, deep: bool = False) -> Any:
        try:
            return super().construct_object(node, deep)
        except (ArithmeticError, AttributeError, KeyError, TypeError, ValueError):
            kind = node.tag.rpartition(":")[2]
            raise yaml.MarkedYAMLError(
                problem=f"{brief(node.value)} is no {kind}", problem_mark=node.start_mark
            ) from None


_Loader.yaml_constructors = {None: _Loader.construct_undefined} | {
    tag: construct
    for tag, construct in yaml.SafeLoader.yaml_constructors.items()
    if tag and tag.rpartition(":")[2] in ("null", "bool", "int", "float", "str", "seq", "map")
}
_Loader.yaml_implicit_resolvers = {
    first: [
        (tag, pattern)
        for tag, pattern in resolvers
        if tag.rpartition(":")[2] not in ("float", "bool", "int", "timestamp")
    ]
    for first, resolvers in yaml.SafeLoader.yaml_implicit_resolvers.items()
}
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:float",
    re.compile(r"^[-+]?(?:(?:\d+\.\d*|\.\d+|\d+)(?:[eE][-+]?\d+)|\d+\.\d*|\.\d+|\.(?:inf|nan))$"),
    list("-+.0123456789"),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:int",
    re.compile(r"^(?:[-+]?\d+|0o[0-7]+|0x[0-9a-fA-F]+)$"),
    list("-+0123456789"),
)
_Loader.add_constructor(
    "tag:yaml.org,2002:int",
    lambda loader, node: int(node.value, 0 if node.value[:2] in ("0o", "0x") else 10),
)
_Loader.add_implicit_resolver(
    "tag:yaml.org,2002:bool", re.compile(r"^(?:true|True|TRUE|false|False|FALSE)$"), list("tTfF")
)


def load(path: Path, **changes: Any) -> Sweep:
    """The sweep in a file; `changes` (trials=100) replace what is written there.

    Errors: SweepError, naming file, line and key of every mistake.
    """
    values, lines = read(path)
    values.setdefault("name", name_of(path.stem))
    values.update({key: value for key, value in changes.items() if value is not None})
    try:
        return Sweep(**{str(key): value for key, value in values.items()})
    except SweepError as error:
        problems = [
            Problem(key=p.key, message=p.message, line=_line(lines, p.key)) for p in error.problems
        ]
        raise SweepError(problems, source=str(path)) from None


def value(text: str) -> Any:
    """A value as it would be read in a sweep file: `no` is a word. Errors: yaml.YAMLError."""
    return yaml.load(text, _Loader)


def name_of(stem: str) -> str:
    """A sweep's name, made from a file's."""
    return re.sub(r"[^A-Za-z0-9_.-]+", "-", stem).strip("-._")[:LONGEST_NAME] or "sweep"


def read(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """The values in a sweep file, and the line (from 1) on which each key stands."""
    given = text(path)
    try:
        values, lines = _parse(path, given)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unreadable(path, str(error), getattr(error, "lineno", None)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _unreadable(path, error.problem or "not YAML", line) from None
    except RecursionError:
        raise _unreadable(path, "is nested too deep, or holds itself", None) from None
    except (yaml.YAMLError, ValueError) as error:
        raise _unreadable(path, str(error).splitlines()[0].partition(";")[0], None) from None
    if not isinstance(values, dict):
        found = "is empty" if values is None else f"holds {type(values).__name__}"
        raise _unreadable(path, f"{found}; a sweep file holds keys such as metric, parameters", 1)
    return values, lines


def text(path: Path, endings: Sequence[str] = FORMATS) -> str:
    """What a file holds, if it is of such an ending and size. Errors: SweepError."""
    if path.suffix.lower() not in endings:
        raise SweepError(
            [Problem(key=(), message=f"a sweep file ends in {', '.join(endings)}")], str(path)
        )
    try:
        found = path.stat()
        if not stat.S_ISREG(found.st_mode):
            message = "is no file"
        elif found.st_size > LARGEST:
            message = f"holds {found.st_size:,} bytes, more than {LARGEST:,}: hardly a sweep file"
        else:
            return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError:
        message = "no such file; `nightsweep init` writes one to start from"
    except (OSError, UnicodeDecodeError) as error:
        message = f"cannot be read: {error}"
    raise SweepError([Problem(key=(), message=message)], str(path))


def _parse(path: Path, text: str) -> tuple[Any, dict[Key, int]]:
    match path.suffix.lower():
        case ".toml":
            return tomllib.loads(text), _toml_lines(text)
        case ".json":
            # JSON is YAML too, and YAML's parser knows the lines; it may refuse tabs.
            values = json.loads(text, object_pairs_hook=_no_twins)
            try:
                return values, _yaml_lines(text)
            except yaml.YAMLError:
                return values, {}
    lines = _yaml_lines(text)
    return yaml.load(text, _Loader), lines


def _yaml_lines(text: str) -> dict[Key, int]:
    """The line of every key. Errors: YAMLError, where a key stands twice, or aliases unfold."""
    lines: dict[Key, int] = {}

    def walk(node: yaml.Node, key: Key) -> None:
        if len(lines) > MOST:
            raise yaml.MarkedYAMLError(
                problem=f"its aliases unfold to more than {MOST:,} values",
                problem_mark=node.start_mark,
            )
        lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            seen: set[str] = set()
            for name, value in node.value:
                if not isinstance(name, yaml.ScalarNode):
                    raise yaml.MarkedYAMLError(
                        problem="a key is one word", problem_mark=name.start_mark
                    )
                if name.value in seen:
                    raise yaml.MarkedYAMLError(
                        problem=f"{name.value} stands twice", problem_mark=name.start_mark
                    )
                seen.add(name.value)
                lines[(*key, name.value)] = name.start_mark.line + 1
                walk(value, (*key, name.value))
        elif isinstance(node, yaml.SequenceNode):
            for index, value in enumerate(node.value):
                walk(value, (*key, index))

    root = yaml.compose(text, _Loader)
    if root is not None:
        walk(root, ())
    return lines


def _toml_lines(text: str) -> dict[Key, int]:
    """Where keys stand in TOML; inline tables give their keys the line they are on."""
    lines: dict[Key, int] = {}
    table: Key = ()
    for number, line in enumerate(text.splitlines(), start=1):
        if header := re.match(r"\s*\[\[?\s*([\w.\"'-]+)\s*\]\]?", line):
            table = tuple(part.strip("\"' ") for part in header[1].split("."))
            lines.setdefault(table, number)
        elif item := re.match(r"\s*([\w.\"'-]+)\s*=", line):
            key = (*table, *(part.strip("\"' ") for part in item[1].split(".")))
            lines.setdefault(key, number)
    return lines


def _line(lines: dict[Key, int], key: Key) -> int | None:
    """The line of a key, or of the nearest key above it that is written down."""
    while key and key not in lines:
        key = key[:-1]
    return lines.get(key)


def _no_twins(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    values = dict(pairs)
    if len(values) < len(pairs):
        twin = next(name for i, (name, _) in enumerate(pairs) if name in dict(pairs[:i]))
        raise ValueError(f"{twin} stands twice")
    return values


def _unreadable(path: Path, message: str, line: int | None) -> SweepError:
    return SweepError([Problem(key=(), message=message, line=line)], str(path))
