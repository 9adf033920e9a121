"""What a crash, a bad disk, an editor or a joker makes of a file."""

from __future__ import annotations

import json
from collections.abc import Sequence
from random import Random
from typing import Any

WORDS = (
    "",
    "nan",
    "inf",
    "stop",
    "pause",
    "continue",
    "random",
    "größer",
    "\0",
    "[bold]",
    "../..",
)
NUMBERS = (0, 1, -1, 2, 7, 2**31, 2**63, -(2**63), 10**400, 0.5, -0.0, 1e-320, 1e308, 1.5, 1e18)
ODD = (float("nan"), float("inf"), float("-inf"), None, True, False)


def torn(chance: Random, whole: bytes) -> bytes:
    """A file that was cut, changed or filled with NULs; or whose lines have lost their order."""
    data, lines = bytearray(whole), whole.splitlines(keepends=True)
    start = chance.randrange(len(data))
    end = min(start + chance.randint(1, 200), len(data))
    one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
    match chance.choice(["cut", "flip", "nul", "middle", "swap", "drop", "double", "insert"]):
        case "cut":
            return whole[:start]
        case "nul":
            return whole[:start] + bytes(chance.choice([1, len(whole) - start, 4096]))
        case "middle":
            return whole[:start] + bytes(end - start) + whole[end:]
        case "flip":
            for _ in range(chance.randint(1, 3)):
                data[chance.randrange(len(data))] ^= 1 << chance.randrange(8)
            return bytes(data)
        case "swap":
            lines[one], lines[two] = lines[two], lines[one]
        case "drop":
            del lines[one]
        case "double":
            lines.insert(two, lines[one])
        case "insert":
            lines.insert(one, chance.randbytes(chance.randrange(20)) + b"\n")
    return b"".join(lines)


def value(chance: Random, words: Sequence[str] = WORDS, depth: int = 0) -> Any:
    """Some value that JSON, or Python's idea of it, can hold."""
    match chance.choice(
        ["word", "number", "number", "odd", "small", "list", "dict"][: 7 - 2 * (depth > 1)]
    ):
        case "word":
            return chance.choice(words)
        case "number":
            return chance.choice(NUMBERS)
        case "odd":
            return chance.choice(ODD)
        case "small":
            return chance.randint(-2, 12)
        case "list":
            return [value(chance, words, depth + 1) for _ in range(chance.randrange(4))]
    return {
        chance.choice(words): value(chance, words, depth + 1) for _ in range(chance.randrange(4))
    }


def places(nest: Any) -> list[tuple[Any, Any]]:
    """Every mapping or list in a nest, with each of its keys."""
    keys = (
        list(nest)
        if isinstance(nest, dict)
        else range(len(nest))
        if isinstance(nest, list)
        else ()
    )
    return [place for key in keys for place in [(nest, key), *places(nest[key])]]


def changed(chance: Random, nest: Any, words: Sequence[str] = WORDS) -> None:
    """Replace, remove or rename something in a nest of mappings and lists."""
    found = places(nest)
    if not found:
        return
    owner, key = chance.choice(found)
    match chance.choice(["replace", "replace", "replace", "remove", "rename"]):
        case "remove":
            del owner[key]
        case "rename" if isinstance(owner, dict):
            owner[chance.choice(words)] = owner.pop(key)
        case _:
            owner[key] = value(chance, words)


def forged(chance: Random, whole: bytes) -> bytes:
    """Lines of a journal with values that nobody has written, or in another order.

    Without checksums, as lines of format 1 are.
    """
    lines: list[dict[str, Any]] = [json.loads(line) for line in whole.splitlines()]
    for line in lines:
        line.pop("crc", None)
    for _ in range(chance.randint(1, 3)):
        one, two = chance.randrange(len(lines)), chance.randrange(len(lines))
        match chance.choice(["value", "value", "value", "swap", "drop", "double"]):
            case "value":
                changed(chance, lines[one])
            case "swap":
                lines[one], lines[two] = lines[two], lines[one]
            case "drop" if len(lines) > 1:
                del lines[one]
            case _:
                lines.insert(two, json.loads(json.dumps(lines[one])))
    return "".join(json.dumps(line) + "\n" for line in lines).encode()
