"""What the command line says of a trainable: `--trainable`, `--data`, `--target`, `--set`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from ..search.brief import brief
from ..search.errors import NightsweepError
from ..search.ready import KNOWN_SET, spelled_out
from ..search.sweepfile import name_of, value


def parsed(settings: Sequence[str], example: str) -> dict[str, Any]:
    """`--set KEY=VALUE`s, with values as in YAML. Errors: NightsweepError."""
    found: dict[str, Any] = {}
    for setting in settings:
        key, sign, text = setting.partition("=")
        if not sign or not key.strip():
            raise NightsweepError(f"--set {setting!r} sets nothing; write KEY=VALUE: {example}")
        try:
            found[key.strip()] = value(text)
        except yaml.YAMLError:
            raise NightsweepError(
                f"--set {setting!r}: the value is no YAML; put it into quotes: "
                f"{key.strip()}='\"a: b\"'"
            ) from None
    return found


def asked(
    written: Mapping[str, Any],
    name: str | None,
    data: Sequence[str],
    target: str | None,
    settings: Sequence[str],
) -> dict[str, Any]:
    """What the options change in a sweep's `written` values: trainable and data.

    Errors: NightsweepError.
    """
    changes: dict[str, Any] = {"data": list(data)} if data else {}
    more = parsed(settings, "cv=5") | ({"target": target} if target is not None else {})
    there = spelled_out(written).get("trainable") or {}
    if not isinstance(there, dict):
        raise NightsweepError(f"trainable must be a mapping, not {brief(there)}")
    if name is not None and name != there.get("name"):
        there = {"name": name}
    if more and not there:
        raise NightsweepError(
            f"--{'target' if target is not None else 'set'} is for a trainable, and there is "
            "none; name one: --trainable tabular"
        )
    if name is not None or more:
        changes["trainable"] = there | more
    return changes


def from_here(data: Sequence[str]) -> list[str]:
    """Paths of the command line, which count from where it is given, for a sweep that has a file
    elsewhere."""
    return [
        name if KNOWN_SET.fullmatch(name) else str(Path(name).expanduser().absolute())
        for name in data
    ]


def without_file(changes: Mapping[str, Any]) -> dict[str, Any]:
    """The values of a sweep that has no file, with a name. Errors: NightsweepError."""
    if "trainable" not in changes:
        raise NightsweepError(
            "there is nothing to run; name a sweep file, or write --trainable tabular --data "
            "FILE --target COLUMN"
        )
    data = changes.get("data") or [changes["trainable"]["name"]]
    return {"name": name_of(Path(data[0].rpartition(":")[2]).stem), **changes}
