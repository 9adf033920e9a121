"""What of a sweep can be changed in the middle of it."""

from __future__ import annotations

from typing import Any

from .errors import StudyError
from .sweep import Sweep

CHANGEABLE = ("trials", "time", "slots", "resources")


def changed(sweep: Sweep, changes: dict[str, Any]) -> Sweep:
    """The sweep with other values for some keys. Errors: SweepError for a wrong value."""
    return Sweep(**{**dict(sweep), **changes})


def allowed(sweep: Sweep, changes: dict[str, Any]) -> dict[str, Any]:
    """Changes as the journal keeps them. Errors: StudyError for a key that is not CHANGEABLE."""
    for key in changes:
        if key not in CHANGEABLE:
            names = ", ".join(CHANGEABLE)
            raise StudyError(f"{key} cannot be changed in a run; what can: {names}")
    values = changed(sweep, changes).model_dump(mode="json")
    return {key: values[key] for key in changes}
