"""Trying what may be refused."""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from nightsweep.search.errors import NightsweepError

T = TypeVar("T")


def attempt(act: Callable[[], T], *refusals: type[NightsweepError]) -> tuple[T | None, str]:
    """What it gives, and ""; or None, and why it was refused. Any other error is a bug."""
    expected = refusals or (NightsweepError,)
    try:
        return act(), ""
    except expected as error:
        message = str(error)
    assert message.strip(), "a refusal that says nothing"
    assert "Error(" not in message, f"not in plain words: {message}"
    return None, message
