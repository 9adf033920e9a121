"""Which event can follow those before it.

A Study writes no others; in a journal they mean that it, or sweep.json, was changed by hand.
"""

from __future__ import annotations

import re

from .changing import allowed
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
    Lesson,
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
    match event:
        case Reported():
            return _reported(state, event)
        case Started() | Finished():
            return _not(state, event.trial, Status.RUNNING)
        case Asked():
            return _asked(state, event)
        case Stopped() | Failed():
            known = state.known(event.trial)
            if known.status.ended:
                return f"trial {known.id} ends, but is {known.status}"
            return _cause(event.cause) if isinstance(event, Failed) else None
        case Interrupted():
            return _interrupted(state, event)
        case Changed():
            allowed(state.sweep, event.changes)
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
    ends = event.epoch >= state.sweep.max_epochs or state.objective.unusable(event.metrics)
    if ends and event.decision != Decision.STOP:
        return f"trial {known.id} is to {event.decision} after its end"
    if not ends and event.epoch < known.until and event.decision != Decision.CONTINUE:
        return f"trial {known.id} is to {event.decision} before a decision is due"
    return None


def _interrupted(state: State, event: Interrupted) -> str | None:
    known = state.known(event.trial)
    if event.epoch > known.epoch:
        return f"trial {known.id} goes on after epoch {event.epoch}, beyond {known.epoch}"
    if known.status is Status.FAILED and not known.furthest:
        return _cause(event.cause)  # before its first epoch: the code was wrong, not the trial
    return _not(state, event.trial, Status.RUNNING) or _cause(event.cause)


def _learned(state: State, event: Learned) -> str | None:
    if state.trials:
        return f"{event.run} is learned from after the first trial"
    known = {result["trial"] for result in event.results}
    if unknown := set(event.leaders) - known:
        return f"leader {min(unknown)} of {event.run} is none of its results"
    found = (_unlearnable(state, result) for result in event.results)
    return next((why for why in found if why), None)


def _unlearnable(state: State, result: Lesson) -> str | None:
    """Why a result cannot have come from an earlier sweep."""
    objective = state.objective
    for rung, metrics in result["values"].items():
        if not re.fullmatch("[0-9]{1,9}", rung):
            return f"{rung!r} is no epoch"
        if objective.missing(metrics) or objective.unusable(metrics):
            return f"trial {result['trial']} of an earlier sweep lacks a metric"
    return _misfit(state.proposer.space, result["config"])


def _not(state: State, trial: int, *wanted: Status) -> str | None:
    known: Record = state.known(trial)
    return None if known.status in wanted else f"trial {trial} is {known.status}"


def _cause(given: str) -> str | None:
    return None if given in set(Cause) else f"there is no cause {given!r}"


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
    for name, known in space.parameters.items():
        if (name in config) != (known.when is None or space.active(name, config)):
            return f"{name} {'is not' if name in config else 'is'} used in such a configuration"
    return None if space.constants.keys() <= config.keys() else "a constant is missing"


LOOKING_WRONG = (
    ArithmeticError,
    AttributeError,
    LookupError,
    NightsweepError,
    TypeError,
    ValueError,
)
ADVICE = "journal.jsonl or sweep.json was changed by hand: put back a copy of it"
