"""Checking a report where it is made: a wrong one costs its trial, never the sweep."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from ..search.nearest import did_you_mean


class ReportError(ValueError):
    """A training function reported something that cannot be used."""


def checked(metrics: Mapping[str, Any], *wanted: str) -> dict[str, float]:
    """The metrics as plain numbers. Errors: ReportError if one is none, or a `wanted` one missing.

    Numpy scalars and tensors of one element count as numbers.
    """
    named = {_text(name): value for name, value in metrics.items()}
    numbers = {name: _number(name, value) for name, value in named.items()}
    missing = next((name for name in wanted if name not in numbers), None)
    if missing is not None:
        role = "the metric" if len(wanted) == 1 else "a metric"
        raise ReportError(
            f"reported no {missing}, {role} of this sweep; it reported "
            f"{did_you_mean(missing, list(numbers)) or 'nothing'}"
        )
    return numbers


def mapping(given: Any) -> dict[str, Any]:
    """The metrics that a report was given without names. Errors: ReportError."""
    if given is None:
        return {}
    try:
        return dict(given)
    except (TypeError, ValueError):
        raise ReportError(
            f"reported {_kind(given)}; report loss=0.3, or {{'loss': 0.3}}"
        ) from None


def whole(given: Any) -> int | None:
    """An epoch's number; None where it is none."""
    try:
        number = _number("epoch", given)
    except ReportError:
        return None
    return int(number) if float(number).is_integer() and abs(number) < 2**63 else None


def _text(name: object) -> str:
    """A metric's name as every file can hold it: half a character becomes a question mark."""
    return str(name).encode("utf-8", "replace").decode()


def _number(name: str, value: Any) -> float:
    if hasattr(value, "item") and getattr(value, "size", None) is not None:
        value = _scalar(name, value)
    if isinstance(value, bool | int | float):
        try:
            number = float(value)
        except OverflowError:
            raise ReportError(f"reported {name} as a number too large for a float") from None
        whole = isinstance(value, int) and -(2**63) <= value < 2**63
        return int(value) if whole else number
    raise ReportError(f"reported {name} as {_kind(value)}; report a number")


def _scalar(name: str, value: Any) -> Any:
    shape = tuple(value.shape)
    if any(side != 1 for side in shape):
        raise ReportError(
            f"reported {name} as {_kind(value)} of shape {shape}; report a number, such as "
            "its .mean().item()"
        )
    try:
        return value.item()
    except (ArithmeticError, RuntimeError, TypeError, ValueError):  # a tensor without data
        raise ReportError(f"reported {name} as {_kind(value)} that has no value") from None


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
