"""Amounts as people write them, and as they read them."""

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


def size(text: str) -> int:
    """An amount of data in bytes: `20GB`, `500MB`, `1.5TB`, `2GiB`. Errors: ValueError."""
    found = re.fullmatch(r"\s*(\d+(?:\.\d+)?)\s*([kmgt])(i?)b\s*", text.lower())
    if found is None:
        raise ValueError(f"{text!r} is not an amount of data; write 20GB, 500MB or 1.5TB")
    number, prefix, binary = found.groups()
    thousand = 1024 if binary else 1000
    return round(float(number) * float(thousand) ** ("kmgt".index(prefix) + 1))


def size_text(count: float) -> str:
    """Bytes for people: `1.5 GB`."""
    power = 0
    while count >= 999.5 and power < 4:
        count, power = count / 1000, power + 1
    return f"{count:.3g} {('bytes', 'KB', 'MB', 'GB', 'TB')[power]}"


def plural(count: int, noun: str) -> str:
    """`1 trial`, `2 trials`."""
    return f"{count:,} {noun}{'' if count == 1 else 's'}"


def duration(seconds: float) -> str:
    """`45 s`, `12 min`, `3 h 20 min`."""
    if seconds < 100:
        return f"{seconds:.0f} s"
    minutes = round(seconds / 60)
    return f"{minutes} min" if minutes < 100 else f"{minutes // 60} h {minutes % 60} min"
