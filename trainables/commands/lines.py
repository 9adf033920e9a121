"""What a program writes, as lines; and the reports among them."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any

LONGEST = 100_000  # bytes of a line; no report is longer, and the rest of a longer one is dropped


class Lines:
    """Bytes in, whole lines out. A progress bar, which goes back with \\r, is its last state."""

    def __init__(self) -> None:
        self._open = b""
        self._cut = False  # the line that is open was too long

    def feed(self, data: bytes) -> list[str]:
        """The lines that these bytes complete."""
        *whole, rest = data.split(b"\n")
        found = []
        for part in whole:
            self._add(part)
            found.append(self._line())
        self._add(rest)
        return found

    def end(self) -> list[str]:
        """The last line, where nothing ended it."""
        return [self._line()] if self._open else []

    def _add(self, part: bytes) -> None:
        self._open += part
        if len(self._open) > LONGEST:
            self._open = self._open[:-1].rpartition(b"\r")[2] + self._open[-1:]
        if len(self._open) > LONGEST:
            self._open, self._cut = self._open[:LONGEST], True

    def _line(self) -> str:
        text = self._open.decode("utf-8", "replace").rstrip("\r").rpartition("\r")[2]
        cut, self._open, self._cut = self._cut, b"", False
        return f"{text} ... (nightsweep: the rest of this line is left out)" if cut else text


class Reports:
    """Finds the reports among lines, and remembers what looked like one."""

    def __init__(self, metrics: Sequence[str]) -> None:
        self.names: dict[str, None] = {}  # in lines that held no metric of the sweep
        self.broken = ""  # the first line that was no JSON, but looked so
        self._metrics = metrics

    def read(self, line: str) -> dict[str, Any] | None:
        """The values of a line that is a JSON object with a metric of the sweep; else None."""
        values = self._object(line.strip())
        if values is None or any(name in values for name in self._metrics):
            return values
        self.names.update(dict.fromkeys(list(values)[:20]))
        return None

    def told(self, line: str) -> dict[str, Any] | None:
        """As `read`, for a line that is meant to be a report, whatever it holds."""
        return self._object(line.strip())

    def _object(self, line: str) -> dict[str, Any] | None:
        if not line.startswith("{"):
            if "{" in line and any(f'"{name}"' in line for name in self._metrics):
                self.broken = self.broken or line  # of a logger, which puts words before it
            return None
        try:
            values = json.loads(line)
        except (ValueError, RecursionError):
            self.broken = self.broken or line
            return None
        return values if isinstance(values, dict) else None


def numbers(values: dict[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
    """Of a report what can be one: numbers, and the metrics of the sweep whatever they are."""
    return {
        name: value
        for name, value in values.items()
        if name in metrics or isinstance(value, int | float)
    }
