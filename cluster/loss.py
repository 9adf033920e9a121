"""What has happened to a slot's worker, from the text that Tune leaves about its loss."""

from __future__ import annotations

import re
from typing import NamedTuple

from ..search.events import Cause

NODE = "because its node has died"
# Ray's memory monitor ends workers of a host that is almost full, the latest started first and as
# many as it takes; not by what they need. The kernel's does so without a word: its victims have
# died, no more is known.
MONITOR = "due to the node running low on memory"
USAGE = re.compile(r"was ([\d.]+) ?(\w+) used / ([\d.]+) ?(\w+) limit")


class Loss(NamedTuple):
    """The cause, and what to say of it."""

    cause: Cause
    reason: str


def loss(text: str) -> Loss:
    """The latest loss in such a text; of an empty one, that there was one."""
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    latest = [place for place, line in enumerate(lines) if line.startswith("Failure # ")][-1:]
    lines = lines[latest[0] + 1 :] if latest else lines
    if not lines:
        return Loss(Cause.LOST, "its worker died")
    if any(MONITOR in line for line in lines):
        return Loss(Cause.MEMORY, f"its worker was ended by Ray's memory monitor{_usage(lines)}")
    if any(NODE in line for line in lines):
        return Loss(Cause.LOST, "its node was lost")
    if any("creation task" in line or "Traceback" in line for line in lines):
        return Loss(Cause.LOST, f"its worker failed: {lines[-1]}")  # while it was set up
    return Loss(Cause.LOST, f"its worker died: {lines[0]}")


def _usage(lines: list[str]) -> str:
    found = next((found for line in lines if (found := USAGE.search(line))), None)
    if found is None:
        return ""
    used, unit, limit, of = found.groups()
    return f": {used} {unit} of {limit} {of} were in use on its host"
