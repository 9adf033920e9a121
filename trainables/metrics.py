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
    numbers = {str(name): _number(str(name), value) for name, value in metrics.items()}
    missing = next((name for name in wanted if name not in numbers), None)
    if missing is not None:
        role = "the metric" if len(wanted) == 1 else "a metric"
        raise ReportError(
            f"reported no {missing}, {role} of this sweep; it reported "
            f"{did_you_mean(missing, list(numbers)) or 'nothing'}"
        )
    return numbers


def _number(name: str, value: Any) -> float:
    if hasattr(value, "item") and getattr(value, "size", None) is not None:
        value = _scalar(name, value)
    if isinstance(value, bool | int | float):
        try:
            float(value)
        except OverflowError:
            raise ReportError(f"reported {name} as a number too large for a float") from None
        return int(value) if isinstance(value, bool) else value
    raise ReportError(f"reported {name} as {_kind(value)}; report a number")


def _scalar(name: str, value: Any) -> Any:
    shape = tuple(value.shape)
    if any(side != 1 for side in shape):
        raise ReportError(
            f"reported {name} as {_kind(value)} of shape {shape}; report a number, such as "
            "its .mean().item()"
        )
    return value.item()


def _kind(value: Any) -> str:
    return "None" if value is None else f"a {type(value).__name__}"
