"""Time zones by their names, as in `07:00 Europe/Berlin`."""

from __future__ import annotations

from zoneinfo import ZoneInfo, ZoneInfoNotFoundError, available_timezones

from .brief import brief
from .nearest import nearest


def zone(name: str, form: str = "") -> ZoneInfo:
    """The zone of a name; `form`: how to write what it is a part of.

    Errors: ValueError, with the nearest name that there is.
    """
    try:
        return ZoneInfo(name)
    except (ZoneInfoNotFoundError, ValueError, OSError):
        near = nearest(name, sorted(available_timezones()))
        meant = f'did you mean "{near}"?' if near else "zones are named like Europe/Berlin;"
        raise ValueError(f"{brief(name)} is no time zone; {meant} {form}".rstrip()) from None
