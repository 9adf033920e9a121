"""Times of the day that would be others where a job runs, whose zone may not be the one here."""

from __future__ import annotations

from collections.abc import Iterator

from ...search.deadline import Deadline
from ...search.sweep import Sweep
from ...search.window import Window


def zoneless(sweep: Sweep) -> Iterator[tuple[str, str]]:
    """Keys of a sweep, and the times there that name no zone."""
    times: list[tuple[str, Deadline | Window]] = [
        ("window", Window.parse(hours)) for hours in sweep.window
    ]
    times += [("deadline", Deadline.parse(sweep.deadline))] if sweep.deadline else []
    yield from ((key, str(at)) for key, at in times if not at.zone)
