"""Which event can follow those before it.

A Study writes no others; in a journal they mean that it, or sweep.json, was changed by hand.
"""

from __future__ import annotations

from .changing import CHANGEABLE
from .errors import JournalError, NightsweepError
from .events import (
    Asked,
    Cause,
    Changed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Learned,
    Reported,
    Started,
    Stopped,
)
from .parameter import same
from .record import Record, Status
from .schedulers import Decision
from .space import Config, Space
from .state import State


def follow(state: State, event: Event, place: str) -> None:
    """Apply an event that was read. Errors: JournalError, with its `place`, as `check`."""
    check(state, event, place)
    try:
        state.apply(event)
    except NightsweepError as error:
        raise JournalError(f"{place}: {error}; {ADVICE}") from None
    except (*LOOKING_WRONG, RuntimeError) as error:
        raise JournalError(f"{place}: {event} cannot be: {error!r}; {ADVICE}") from None


def check(state: State, event: Event, place: str) -> None:
    """Errors: JournalError where an event makes no sense after those before it."""
    try:
        objection = _objection(state, event)
    except LOOKING_WRONG as error:
        objection = str(error)
    if objection:
        raise JournalError(f"{place}: {objection}; {ADVICE}")


def _objection(state: State, event: Event) -> str | None:
    if isinstance(event, Failed | Interrupted) and event.cause not in set(Cause):
        return f"trial {event.trial} has an unknown cause {event.cause!r}"
    match event:
        case Reported():
            return _reported(state, event)
        case Started() | Finished():
            return _not(state, event.trial, Status.RUNNING)
        case Asked():
            return _asked(state, event)
        case Stopped() | Failed():
            known = state.known(event.trial)
            return f"trial {known.id} ends, but is {known.status}" if known.status.ended else None
        case Interrupted():
            return _interrupted(state, event)
        case Changed():
            return next((f"{k} cannot change" for k in event.changes if k not in CHANGEABLE), None)
        case Learned():
            return _learned(state, event)
    return None


def _asked(state: State, event: Asked) -> str | None:
    if event.config is None:
        known = state.known(event.trial)
        if known.epoch != event.epoch:
            return f"trial {known.id} goes on after epoch {event.epoch}, not {known.epoch}"
        return _not(state, event.trial, Status.PAUSED, Status.WAITING)
    if event.trial != len(state.trials) + 1:
        return f"trial {event.trial} begins after trial {len(state.trials)}"
    if event.epoch:
        return f"trial {event.trial} begins after epoch {event.epoch}, not 0"
    return _misfit(state.proposer.space, event.config)


def _reported(state: State, event: Reported) -> str | None:
    known = state.known(event.trial)
    if known.status is not Status.RUNNING:
        return _not(state, event.trial, Status.RUNNING)
    if event.epoch <= known.epoch:
        return f"trial {known.id} reported epoch {event.epoch} after epoch {known.epoch}"
    if missing := state.objective.missing(event.metrics):
        return f"trial {known.id} reported no {missing}"
    decision = Decision(event.decision)
    ends = state.objective.unusable(event.metrics) or event.epoch >= state.sweep.max_epochs
    if ends and decision is not Decision.STOP:
        return f"trial {known.id} is to {decision} after its end"
    if not ends and event.epoch < known.until and decision is not Decision.CONTINUE:
        return f"trial {known.id} is to {decision} before a decision is due"
    return None


def _interrupted(state: State, event: Interrupted) -> str | None:
    known = state.known(event.trial)
    if event.epoch > known.epoch:
        return f"trial {known.id} goes on after epoch {event.epoch}, beyond {known.epoch}"
    if known.status is Status.FAILED and not known.furthest:
        return None  # before its first epoch: the code was wrong, not the trial
    return _not(state, event.trial, Status.RUNNING)


def _learned(state: State, event: Learned) -> str | None:
    if state.trials:
        return f"{event.run} is learned from after the first trial"
    configs = {result["trial"]: result["config"] for result in event.results}
    if unknown := [trial for trial in event.leaders if trial not in configs]:
        return f"leader {unknown[0]} of {event.run} is none of its results"
    space = state.proposer.space
    return next((why for config in configs.values() if (why := _misfit(space, config))), None)


def _not(state: State, trial: int, *wanted: Status) -> str | None:
    known: Record = state.known(trial)
    return None if known.status in wanted else f"trial {trial} is {known.status}"


def _misfit(space: Space, config: Config) -> str | None:
    """Why a configuration cannot have been proposed."""
    for name, value in config.items():
        known = space.parameters.get(name)
        if known is None and (
            name not in space.constants or not same(space.constants[name], value)
        ):
            return f"{name} is no parameter of the sweep, or another constant"
        if known is not None and not known.contains(value):
            return f"{name} cannot be {value!r}, but {known.describe()}"
    whole = space.build(lambda name, _: config[name])
    return None if whole.keys() == config.keys() else "a configuration has parameters of another"


LOOKING_WRONG = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NightsweepError,
    TypeError,
    ValueError,
)
ADVICE = "journal.jsonl or sweep.json was changed by hand: put back a copy of it"
