"""What is known of an earlier search, whichever tool has done it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ..events import Metrics
from ..parameter import same
from ..space import Choice, Config, Space


@dataclass(frozen=True, slots=True, kw_only=True)
class PastTrial:
    """One trial, which has trained `epochs`; `reported`: what it has said of them.

    `final`: what it came to, if it ended by itself; that counts as of the last epoch.
    """

    id: int
    config: Config
    epochs: int
    reported: Mapping[int, Metrics] = field(default_factory=dict)
    final: Metrics | None = None
    diverged: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Past:
    """An earlier search. `goals`: of each metric, minimize or maximize; None if nobody knows."""

    goals: Mapping[str, str | None]
    space: Space
    trials: tuple[PastTrial, ...]


def space_of(configs: Iterable[Config]) -> Space:
    """What has been searched, of which no more is known than what was tried.

    A value that was always the same is a constant; of others, two stand for all.
    """
    found: dict[str, Any] = {}
    for config in configs:
        for name, value in config.items():
            known = found.setdefault(name, value)
            if not isinstance(known, Choice) and not same(known, value):
                found[name] = Choice.model_construct(values=[known, value])
    return Space(found)


def number(value: Any) -> float | None:
    """A metric's value; None for what is no number, or beyond all that can be written down."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return None
    try:
        return float(value)
    except OverflowError:
        return None
