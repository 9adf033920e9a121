"""The grace period: the first epochs of a trial, in which nobody is stopped."""

from __future__ import annotations

from collections.abc import Iterator

from ..errors import Problem


def too_late(grace: int, max_epochs: int) -> Iterator[Problem]:
    """What is wrong with a grace period that no trial outlives."""
    if grace > max_epochs:
        yield Problem(
            key=("scheduler", "grace"),
            message=f"grace {grace} is beyond max_epochs {max_epochs}; lower it",
        )
