"""The starts of a schedule, a line each, and which that were due have not come."""

from __future__ import annotations

import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from .calendar import Calendar

EARLY = 60.0  # seconds that a start may come before its time: clocks, and who rounds
PATIENCE = 300.0  # seconds after its time in which a start is late, not missed


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """One night: when it began and ended, in seconds since 1970, and its run folder.

    `said`: what came of it, where no run was begun or gone on with.
    """

    at: float
    run: str = ""
    said: str = ""
    ended: float | None = None
    code: int | None = None


def read(path: Path) -> list[Start]:
    """The starts so far. What a crash has cut is left out."""
    try:
        lines = path.read_text(encoding="utf-8").splitlines()
    except OSError:
        return []
    found: dict[float, Start] = {}
    for line in lines:
        try:
            values = json.loads(line)
            start = Start(**values)
            found[float(start.at)] = start
        except (ValueError, TypeError):
            continue
    return sorted(found.values(), key=lambda start: start.at)


def add(path: Path, start: Start) -> None:
    """Put a start down; once more when it has ended. Nothing, where the schedule is gone."""
    if not path.parent.is_dir():
        return
    with path.open("a", encoding="utf-8") as file:
        file.write(json.dumps(_short(start)) + "\n")


def ended(path: Path, start: Start, said: str, at: float, code: int) -> None:
    """Put the end of a start down: of its later line of the two."""
    add(path, replace(start, said=said, ended=at, code=code))


def missed(calendar: Calendar, starts: Sequence[Start], since: float, now: float) -> list[float]:
    """When a start was due, later than `since` and up to `now`, and none came until the next."""
    due = list(calendar.between(since, now - PATIENCE))
    ends = [*due[1:], calendar.next(due[-1])] if due else []
    return [
        moment
        for moment, end in zip(due, ends, strict=True)
        if not any(moment - EARLY <= start.at < end - EARLY for start in starts)
    ]


def _short(start: Start) -> dict[str, Any]:
    return {key: value for key, value in asdict(start).items() if value not in ("", None)}
