"""What can happen in a run: one line of the journal each.

A Study is a function of `Asked`, `Reported`, `Finished`, `Stopped`, `Failed`, `Interrupted`,
`Changed` and `Learned`; the others say where and when it happened.
"""

from __future__ import annotations

import math
from dataclasses import dataclass, fields
from enum import StrEnum
from typing import TYPE_CHECKING, Annotated, Any, NotRequired, TypedDict

from msgspec import Meta, ValidationError, convert

from .errors import JournalError
from .space import Config

FORMAT = 2
Number = Annotated[int, Meta(ge=1, le=2**63 - 1)]  # of a trial, of an attempt
Count = Annotated[int, Meta(ge=0, le=2**63 - 1)]
Seconds = Annotated[float, Meta(ge=0, le=1e11)]  # three thousand years
Metrics = dict[str, float]
if not TYPE_CHECKING:
    # Read from a journal, integers stay integers; a report holds none beyond 64 bits.
    Metrics = dict[str, Annotated[int, Meta(ge=-(2**63), le=2**63 - 1)] | float]
_WORDS = {"nan": math.nan, "inf": math.inf, "-inf": -math.inf}


@dataclass(frozen=True, slots=True, kw_only=True)
class Asked:
    """A trial starts (`config` given) or goes on after `epoch` epochs (`config` None)."""

    trial: Number
    epoch: Count
    reason: str
    config: Config | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Reported:
    """One epoch of a trial. `seconds`: how long it took; `checkpoint`: it can be resumed here."""

    trial: Number
    epoch: Count
    metrics: Metrics
    seconds: Seconds | None = None
    checkpoint: bool = False
    decision: str = "continue"
    reason: str = ""


@dataclass(frozen=True, slots=True, kw_only=True)
class Finished:
    """The training function returned of its own accord."""

    trial: Number
    reason: str


class Cause(StrEnum):
    """What happens to trials; each is counted, and retried, for itself."""

    NONE = ""  # an error of its own, a wrong report, a driver that ended
    LOST = "lost"  # its worker died
    MEMORY = "memory"  # it needs more memory than there is
    HUNG = "hung"


@dataclass(frozen=True, slots=True, kw_only=True)
class Stopped:
    """The trial was stopped by hand."""

    trial: Number
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Failed:
    """The trial is lost: an error, a wrong report, or a `cause` that came too often."""

    trial: Number
    reason: str
    traceback: str = ""
    cause: str = Cause.NONE


@dataclass(frozen=True, slots=True, kw_only=True)
class Interrupted:
    """The trial lost its place, and goes on from `epoch` later; `cause`: what happened to it.

    `alone`: next with its device to itself. `split`: the parts that its batches are trained in.
    """

    trial: Number
    epoch: Count
    reason: str
    cause: str = Cause.NONE
    alone: bool = False
    split: Number = 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Changed:
    """The sweep was changed between two drivers: `{"trials": 100}`."""

    changes: dict[str, Any]


class Lesson(TypedDict):
    """A trial of an earlier sweep; `values`: what it reported at this one's rungs, by epoch."""

    trial: Number
    config: Config
    values: dict[str, Metrics]
    diverged: NotRequired[bool]


@dataclass(frozen=True, slots=True, kw_only=True)
class Learned:
    """What an earlier sweep has found is taken into account; `missed` trials did not fit.

    `leaders`: the best trials, to be tried first.
    """

    run: str
    results: list[Lesson]
    leaders: list[Number]
    missed: Count


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened:
    """A driver began to write: the first event of a run, and of each resume."""

    format: Number
    version: str
    host: str
    pid: Number


@dataclass(frozen=True, slots=True, kw_only=True)
class Started:
    """A worker took a trial up: its attempt (from 1), host, process and device.

    `gpus`: what its slot has of one, where that is measured (`gpus: auto`).
    """

    trial: Number
    attempt: Number
    host: str
    pid: Number
    device: str
    gpus: Seconds | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Shared:
    """So many trials share a GPU from now on (`gpus: auto`), and never more than `most`.

    `memory`: bytes of a device that the hungriest trial so far has needed; 0: not known.
    """

    each: Number
    most: Number
    memory: Count
    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Closed:
    """A driver ended: `done` when nothing was left to do. `elapsed`: its search time, seconds."""

    done: bool
    reason: str
    elapsed: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Due:
    """A driver has a deadline, `at` seconds since 1970; another goes on with it."""

    at: Seconds


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """Nothing is trained for a while: the sweep was paused by hand, or is outside its window."""

    reason: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Released:
    """It goes on."""


Event = (
    Asked | Reported | Finished | Stopped | Failed | Interrupted | Changed | Learned
    | Opened | Started | Shared | Closed | Due | Held | Released
)  # fmt: skip
_KINDS: dict[str, type[Event]] = {
    kind.__name__.lower(): kind
    for kind in (
        Asked, Reported, Finished, Stopped, Failed, Interrupted, Changed, Learned, Opened, Started,
        Shared, Closed, Due, Held, Released,
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
    """The opposite of `to_json`. Errors: JournalError on an unknown event, or a wrong value."""
    kind = _KINDS.get(str(values.get("event")))
    if kind is None:
        raise JournalError(f"unknown event {values.get('event')!r}")
    metrics = values.get("metrics")
    if kind is Reported and isinstance(metrics, dict):
        known = {
            name: _WORDS.get(value, value) if isinstance(value, str) else value
            for name, value in metrics.items()
        }
        values = {**values, "metrics": known}
    try:
        return convert(values, kind)
    except ValidationError as error:
        raise JournalError(f"{values['event']} event is not whole: {error}") from None
