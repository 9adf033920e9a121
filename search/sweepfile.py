"""Reading a sweep file: YAML, TOML or JSON into a Sweep, with the line of every mistake."""

from __future__ import annotations

import json
import re
import tomllib
from collections.abc import Hashable
from pathlib import Path
from typing import Any

import yaml

from .errors import Problem, SweepError
from .sweep import Sweep

Key = tuple[str | int, ...]
FORMATS = (".yaml", ".yml", ".toml", ".json")


class _Loader(yaml.SafeLoader):
    """YAML with the scalars of version 1.2: `1e-5` is a number; `off` and dates are words."""


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
    values.setdefault("name", re.sub(r"[^A-Za-z0-9_.-]+", "-", path.stem).strip("-._") or "sweep")
    values.update({key: value for key, value in changes.items() if value is not None})
    try:
        return Sweep(**{str(key): value for key, value in values.items()})
    except SweepError as error:
        problems = [
            Problem(key=p.key, message=p.message, line=_line(lines, p.key)) for p in error.problems
        ]
        raise SweepError(problems, source=str(path)) from None


def read(path: Path) -> tuple[dict[str, Any], dict[Key, int]]:
    """The values in a sweep file, and the line (from 1) on which each key stands."""
    text = _text(path)
    try:
        values, lines = _parse(path, text)
    except (json.JSONDecodeError, tomllib.TOMLDecodeError) as error:
        raise _unreadable(path, str(error), getattr(error, "lineno", None)) from None
    except yaml.MarkedYAMLError as error:
        line = error.problem_mark.line + 1 if error.problem_mark else None
        raise _unreadable(path, error.problem or "not YAML", line) from None
    except (yaml.YAMLError, RecursionError, ValueError) as error:
        raise _unreadable(path, str(error).splitlines()[0], None) from None
    if not isinstance(values, dict):
        found = "is empty" if values is None else f"holds {type(values).__name__}"
        raise _unreadable(path, f"{found}; a sweep file holds keys such as metric, parameters", 1)
    return values, lines


def _text(path: Path) -> str:
    if path.suffix.lower() not in FORMATS:
        raise SweepError(
            [Problem(key=(), message=f"a sweep file ends in {', '.join(FORMATS)}")], str(path)
        )
    try:
        return path.read_text(encoding="utf-8")
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
    return yaml.load(text, _Loader), _yaml_lines(text)


def _yaml_lines(text: str) -> dict[Key, int]:
    lines: dict[Key, int] = {}

    def walk(node: yaml.Node, key: Key) -> None:
        lines.setdefault(key, node.start_mark.line + 1)
        if isinstance(node, yaml.MappingNode):
            seen: set[Hashable] = set()
            for name, value in node.value:
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
