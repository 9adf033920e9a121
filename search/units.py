"""Amounts as people write them."""

from __future__ import annotations

import re

UNITS = {"d": 86400, "h": 3600, "m": 60, "s": 1}


def seconds(text: str) -> float:
    """A duration in seconds: `9h`, `90m`, `1h30m`, `45s`, `2d`. Errors: ValueError."""
    parts = re.findall(r"(\d+(?:\.\d+)?)\s*([dhms])", text.strip().lower())
    rest = re.sub(r"(\d+(?:\.\d+)?)\s*([dhms])", "", text.strip().lower()).strip()
    if not parts or rest:
        raise ValueError(f"{text!r} is not a duration; write 9h, 90m, 1h30m or 45s")
    return sum(float(number) * UNITS[unit] for number, unit in parts)
