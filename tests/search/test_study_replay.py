"""A study is what its events say: replayed, or when they cannot be written down."""

from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from nightsweep.search import Choice, Study, Sweep
from nightsweep.search.errors import RunFolderError
from nightsweep.search.events import Asked, Cause, Event, from_json, to_json
from nightsweep.search.record import Status

Action = tuple[str, int, float]
ACTIONS = st.lists(
    st.tuples(
        st.sampled_from(["ask"] * 4 + ["report"] * 6 + ["finish", "fail", "interrupt", "change"]),
        st.integers(0, 99),
        st.one_of(st.floats(-9, 9), st.sampled_from([math.nan, math.inf])),
    ),
    max_size=60,
)


def sweep(sampler: str = "random", **changes: Any) -> Sweep:
    """12 points; rungs at 1 and 3 of 9 epochs; the grid ends by itself."""
    values = {
        "metric": "loss",
        "parameters": {"a": Choice(values=[1, 2, 3, 4]), "b": Choice(values=["x", "y", "z"])},
        "max_epochs": 9,
        "trials": None if sampler == "grid" else 12,
        "sampler": {"name": "tpe", "startup": 3} if sampler == "tpe" else {"name": sampler},
    }
    return Sweep(**(values | changes))


def play(study: Study, actions: list[Action]) -> list[str]:
    """Act on the study, on a running trial picked by number; what it answered."""
    answers = []
    for action, pick, value in actions:
        running = study.running
        if action == "ask":
            answers.append(repr(study.ask()))
        elif action == "change":
            study.change(trials=10 + pick % 5)
        elif running:
            answers.append(act(study, running[pick % len(running)].id, action, pick, value))
    return answers


def act(study: Study, trial: int, action: str, pick: int, value: float) -> str:
    epoch = study.trials[trial].epoch
    if action == "report":
        epoch += 3 if pick > 90 else 1
        return study.report(trial, epoch, {"loss": value}, seconds=1.0, checkpoint=pick % 5 > 0)
    if action == "finish" and epoch:
        study.finish(trial)
    elif action == "fail":
        study.fail(trial, "raised ValueError")
    elif action == "interrupt":
        study.interrupt(trial, "its node was lost", cause=[Cause.NONE, Cause.LOST][pick % 2])
    return action


def state(study: Study) -> str:
    """All that can be seen; as text, since NaN equals nothing."""
    best = study.best and study.best.id
    return repr((study.trials, study.trained, best, study.ladder, study.sweep, study.running))


def check_replay(made_with: Sweep, before: list[Action], after: list[Action]) -> None:
    events: list[Event] = []
    study = Study(made_with, events.append)
    play(study, before)
    written = [json.dumps(to_json(event), allow_nan=False) for event in events]
    again = Study.replay(made_with, [from_json(json.loads(line)) for line in written])
    assert state(again) == state(study)
    assert play(again, after) == play(study, after)
    assert state(again) == state(study)


@given(ACTIONS, ACTIONS)
def test_a_replayed_study_is_the_study_and_decides_like_it(
    before: list[Action], after: list[Action]
) -> None:
    check_replay(sweep(), before, after)


@pytest.mark.parametrize(
    "scheduler",
    [
        "none",
        {"name": "asha", "audit": 0},
        {"name": "asha", "mode": "conservative", "eta": 2, "audit": 0.5},
        {"name": "asha", "form": "stopping", "audit": 0.3},
        {"name": "hyperband", "eta": 2},
        {"name": "median", "min_trials": 2},
    ],
)
@given(ACTIONS, ACTIONS)
def test_a_replayed_study_with_another_scheduler_is_the_study(
    scheduler: Any, before: list[Action], after: list[Action]
) -> None:
    check_replay(sweep(scheduler=scheduler), before, after)


@given(ACTIONS, ACTIONS)
def test_a_replayed_study_of_a_grid_is_the_study(
    before: list[Action], after: list[Action]
) -> None:
    check_replay(sweep("grid"), before, after)


@given(ACTIONS, ACTIONS)
@settings(max_examples=20)
def test_a_replayed_study_with_tpe_proposes_the_same(
    before: list[Action], after: list[Action]
) -> None:
    check_replay(sweep("tpe"), before, after)


@pytest.mark.parametrize("scheduler", ["asha", "hyperband", {"name": "median", "min_trials": 2}])
@given(ACTIONS)
def test_with_goal_maximize_negated_losses_get_the_same_decisions(
    scheduler: Any, actions: list[Action]
) -> None:
    turned = [(action, pick, -value) for action, pick, value in actions]
    upward = Study(sweep(metric={"name": "loss", "goal": "maximize"}, scheduler=scheduler))
    downward = Study(sweep(scheduler=scheduler))
    assert play(upward, turned) == play(downward, actions)
    statuses = [[known.status for known in s.trials.values()] for s in (upward, downward)]
    assert statuses[0] == statuses[1]


@given(ACTIONS)
def test_the_best_is_the_lowest_finite_value_ever_reported(actions: list[Action]) -> None:
    events: list[Event] = []
    study = Study(sweep(), events.append)
    play(study, actions)
    values = [event.metrics["loss"] for event in events if hasattr(event, "metrics")]
    finite = [value for value in values if math.isfinite(value)]
    assert (study.best and study.best.best) == (min(finite) if finite else None)


def test_a_grid_that_is_known_to_be_exhausted_stays_so_when_replayed() -> None:
    """Rung 3's only trial goes on because no others come; before that is known, rung 1's would."""
    made_with = sweep("grid", parameters={"a": Choice(values=[1, 2, 3, 4, 5, 6])})
    events: list[Event] = []
    study = Study(made_with, events.append)
    for _ in range(6):
        assert study.ask() is not None
    for trial, loss in ((1, 0.6), (2, 0.5), (3, 0.1)):
        study.report(trial, 1, {"loss": loss})
    assert study.ask() is None
    study.report(3, 3, {"loss": 0.1})
    for trial, loss in ((4, 0.55), (5, 0.7), (6, 0.8)):
        study.report(trial, 1, {"loss": loss})
    again = Study.replay(made_with, events)
    assert again.expected_epochs == study.expected_epochs
    assert again.ask() == study.ask()


def test_a_replayed_study_records_only_what_comes_after() -> None:
    events: list[Event] = []
    study = Study(sweep(), events.append)
    study.ask()
    later: list[Event] = []
    again = Study.replay(sweep(), events, later.append)
    assert later == []
    again.ask()
    assert [event.trial for event in later if isinstance(event, Asked)] == [2]
    assert len(events) == 1


def test_no_events_replay_to_a_new_study() -> None:
    assert state(Study.replay(sweep(), [])) == state(Study(sweep()))


class FullDisk:
    """Takes events until it is full."""

    def __init__(self) -> None:
        self.full = False
        self.events: list[Event] = []

    def __call__(self, event: Event) -> None:
        if self.full:
            raise RunFolderError("journal.jsonl cannot be written: No space left on device")
        self.events.append(event)


CALLS: dict[str, Any] = {
    "ask": lambda study: study.ask(),
    "report": lambda study: study.report(2, 1, {"loss": 0.1}),
    "report nan": lambda study: study.report(2, 1, {"loss": math.nan}),
    "finish": lambda study: study.finish(1),
    "fail": lambda study: study.fail(3, "raised"),
    "interrupt": lambda study: study.interrupt(1, "lost"),
    "change": lambda study: study.change(trials=99),
}


@pytest.mark.parametrize("call", CALLS)
def test_what_cannot_be_written_down_has_not_happened(call: str) -> None:
    disk = FullDisk()
    study = Study(sweep(scheduler={"name": "asha", "grace": 2, "audit": 0}), disk)
    for _ in range(3):
        study.ask()
    study.report(1, 1, {"loss": 0.5})
    study.report(3, 2, {"loss": 0.5})
    assert study.trials[3].status is Status.PAUSED
    before, disk.full = state(study), True
    with pytest.raises(RunFolderError, match="No space left on device"):
        CALLS[call](study)
    assert state(study) == before


def test_with_room_again_a_study_goes_on_as_if_nothing_had_been() -> None:
    disk, other = FullDisk(), Study(sweep())
    study = Study(sweep(), disk)
    disk.full = True
    with pytest.raises(RunFolderError, match="No space left"):
        study.ask()
    disk.full = False
    assert [study.ask(), study.ask()] == [other.ask(), other.ask()]
    assert state(Study.replay(sweep(), disk.events)) == state(study)
