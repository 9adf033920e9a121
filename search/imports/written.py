"""A draft as the text of a sweep file: YAML, with what was changed as comments beside it."""

from __future__ import annotations

import json
import math
import re
import textwrap
from collections.abc import Iterator, Mapping
from typing import Any

from .draft import Draft

ORDER = (
    *("name", "train", "command", "metric", "parameters", "constraints", "max_epochs", "trials"),
    *("time", "target", "sampler", "scheduler", "resources", "slots", "retries", "seed"),
)
WIDTH = 95
PLAIN = re.compile(r"[A-Za-z_/](?:[\w./+-]|:(?=\S))*")
WORDS = {"true", "false", "null", "yes", "no", "on", "off"}  # to some reader of YAML
CONTROL = re.compile("[\x00-\x1f\x7f-\x9f\u2028\u2029\ud800-\udfff\ufeff\ufffe\uffff]")


def text(draft: Draft, file: str) -> str:
    """The sweep file; `file` is where it came from. It loads as a Sweep if `draft.values` do."""
    lines = [
        *_comment(f"Made by `nightsweep import` from {CONTROL.sub('?', file)}, of {draft.tool}."),
        *(line for note in draft.notes if not note.key for line in _comment(note.text)),
        "",
    ]
    if draft.example:
        lines.append(f"# {draft.example[0]}: {flow(draft.example[1])}")
    for key in sorted(draft.values, key=ORDER.index):
        lines += _said(draft, key)
        lines += _block(draft, key, draft.values[key])
    return "\n".join(lines) + "\n"


def flow(value: Any) -> str:
    """A value on one line of YAML."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{flow(str(k))}: {flow(v)}" for k, v in value.items()) + "}"
    if isinstance(value, list | tuple):
        return "[" + ", ".join(flow(item) for item in value) + "]"
    if isinstance(value, str):
        return value if PLAIN.fullmatch(value) and value.lower() not in WORDS else _quoted(value)
    if isinstance(value, float):
        return _number(value)
    return json.dumps(value)


def _block(draft: Draft, key: str, value: Any) -> Iterator[str]:
    """A key with its value; parameters and constraints take a line each."""
    if key == "parameters":
        yield "parameters:"
        for name, parameter in value.items():
            yield from _said(draft, f"parameters.{name}", "  ")
            yield f"  {flow(name)}: {flow(parameter)}"
    elif key == "constraints":
        yield "constraints:"
        yield from (f"  - {flow(rule)}" for rule in value)
    else:
        yield f"{key}: {flow(value)}"


def _said(draft: Draft, key: str, margin: str = "") -> Iterator[str]:
    for note in draft.notes:
        if note.key == key:
            yield from _comment(note.text, margin)


def _comment(said: str, margin: str = "") -> list[str]:
    return textwrap.wrap(
        CONTROL.sub("?", said),
        WIDTH,
        initial_indent=f"{margin}# ",
        subsequent_indent=f"{margin}# ",
        break_long_words=False,
        break_on_hyphens=False,
    )


def _number(value: float) -> str:
    if not math.isfinite(value):
        return {math.inf: ".inf", -math.inf: "-.inf"}.get(value, ".nan")
    return repr(value)


def _quoted(value: str) -> str:
    """In double quotes, as YAML and JSON have them alike."""
    found = json.dumps(value, ensure_ascii=False)
    return CONTROL.sub(lambda c: f"\\u{ord(c[0]):04x}", found)
