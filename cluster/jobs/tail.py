"""Read a log as it grows."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from pathlib import Path

EVERY = 0.3  # seconds between two looks


def tail(
    path: Path,
    *,
    alive: Callable[[], bool],
    sleep: Callable[[float], None] = time.sleep,
) -> Iterator[str]:
    """The lines of a file, without their ends; more of them until `alive` says no.

    What was written before the writer's end is all there: the end is asked for before the last
    look. A file that is not there yet is waited for.
    """
    rest, at = b"", 0
    while True:
        ended = not alive()
        if path.exists():
            with path.open("rb") as file:
                file.seek(at)
                found = file.read()
            at += len(found)
            *whole, rest = (rest + found).split(b"\n")
            for line in whole:
                yield _text(line)
        if ended:
            if rest:
                yield _text(rest)
            return
        sleep(EVERY)


def _text(line: bytes) -> str:
    return line.rstrip(b"\r").decode("utf-8", "replace")
