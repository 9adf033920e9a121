"""One thing that the doctor has to say."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum


class Level(StrEnum):
    """How bad it is."""

    FINE = "fine"
    LIMITS = "limits a sweep"
    STOPS = "stops a sweep"


@dataclass(frozen=True, slots=True, kw_only=True)
class Finding:
    """`said`: what there is, and where it is not fine what comes of it. `advice`: what to do."""

    topic: str
    said: str
    level: Level = Level.FINE
    advice: str = ""
