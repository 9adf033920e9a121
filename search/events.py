"""What can happen in a run: one line of the journal each.

A Study is a function of `Asked`, `Reported`, `Finished`, `Failed`, `Interrupted`, `Changed` and
`Learned`; the others say where and when it happened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from typing import Any

from .errors import JournalError
from .space import Config

FORMAT = 1
Metrics = dict[str, float]


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A trial starts (`config` given) or goes on after `epoch` epochs (`config` None)."""

    trial: int
    epoch: int
    reason: str
    config: Config | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One epoch of a trial. `seconds`: how long it took; `checkpoint`: it can be resumed here."""

    trial: int
    epoch: int
    metrics: Metrics
    seconds: float | None = None
    checkpoint: bool = False
    decision: str = "continue"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The training function returned of its own accord."""

    trial: int
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The trial is lost: an error, a wrong report. `lost`: its workers were, too often."""

    trial: int
    reason: str
    traceback: str = ""
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The trial lost its place, and goes on from `epoch` later. `lost`: its worker died."""

    trial: int
    epoch: int
    reason: str
    lost: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The sweep was changed between two drivers: `{"trials": 100}`."""

    changes: dict[str, Any]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What an earlier sweep has found is taken into account; `missed` trials did not fit.

    `results`: `{"trial": 12, "config": {...}, "values": {"3": {"loss": 0.4}}, "diverged": true}`,
    as reported at this sweep's rungs. `leaders`: the best trials, to be tried first.
    """

    run: str
    results: list[dict[str, Any]]
    leaders: list[int]
    missed: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A driver began to write: the first event of a run, and of each resume."""

    format: int
    version: str
    host: str
    pid: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker took a trial up: its attempt (from 1), host, process and device."""

    trial: int
    attempt: int
    host: str
    pid: int
    device: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A driver ended: `done` when nothing was left to do. `elapsed`: its search time, seconds."""

    done: bool
    reason: str
    elapsed: float


Event = (
    Asked | Reported | Finished | Failed | Interrupted | Changed | Learned
    | Opened | Started | Closed
)  # fmt: skip
_KINDS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind
    for kind in (
        Asked, Reported, Finished, Failed, Interrupted, Changed, Learned, Opened, Started, Closed,
    )
}  # fmt: skip
_FIELDS = {kind: tuple(field.name for field in fields(kind)) for kind in _KINDS.values()}


def to_json(event: Event) -> dict[str, Any]:
    """The event as JSON has it. JSON knows no NaN: those metrics become strings."""
    values: dict[str, Any] = {"event": type(event).__name__.lower()}
    for name in _FIELDS[type(event)]:
        value = getattr(event, name)
        if value not in (None, ""):
            values[name] = value
    if isinstance(event, Reported):
        values["metrics"] = finite_or_text(event.metrics)
    return values


def finite_or_text(metrics: Metrics) -> dict[str, float | str]:
    """Metrics as JSON can hold them: NaN and infinities as words."""
    return {
        name: value if math.isfinite(value) else str(float(value))
        for name, value in metrics.items()
    }


def from_json(values: dict[str, Any]) -> Event:
    """The opposite of `to_json`. Errors: JournalError on an unknown or incomplete event."""
    kind = _KINDS.get(str(values.get("event")))
    if kind is None:
        raise JournalError(f"unknown event {values.get('event')!r}")
    known = {name: values[name] for name in _FIELDS[kind] if name in values}
    try:
        if kind is Reported:
            known["metrics"] = {
                name: float(value) if isinstance(value, str) else value
                for name, value in known["metrics"].items()
            }
        return kind(**known)
    except (TypeError, KeyError, ValueError, AttributeError) as error:
        raise JournalError(f"{values.get('event')} event is not whole: {error}") from None
