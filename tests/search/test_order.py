from __future__ import annotations

import math
from typing import Any

import pytest

from nightsweep.search import Study, Sweep
from nightsweep.search.errors import JournalError
from nightsweep.search.events import (
    Asked,
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

SWEEP = Sweep(
    metric="loss",
    parameters={
        "x": {"min": 0, "max": 3},
        "y": {"min": 0.0, "max": 1.0, "when": {"x": 3}},
        "fixed": "relu",
    },
    sampler="random",
    max_epochs=9,
)
X1 = {"x": 1, "fixed": "relu"}


def asked(trial: int = 1, **changes: Any) -> Asked:
    values: dict[str, Any] = {"trial": trial, "epoch": 0, "reason": "random", "config": X1}
    return Asked(**values | changes)


def reported(epoch: int = 2, **changes: Any) -> Reported:
    values: dict[str, Any] = {"trial": 1, "metrics": {"loss": 0.5}, "checkpoint": True}
    return Reported(**values | {"epoch": epoch} | changes)


def lost(**changes: Any) -> Interrupted:
    values: dict[str, Any] = {"trial": 1, "epoch": 0, "reason": "its worker died"}
    return Interrupted(**values | changes)


def learned(config: dict[str, Any] = X1, rung: str = "1", **changes: Any) -> Learned:
    lesson = Lesson(trial=7, config=config, values={rung: {"loss": 0.5}})
    values: dict[str, Any] = {"run": "r", "results": [lesson], "leaders": [7], "missed": 0}
    return Learned(**values | changes)


PAUSED = reported(decision="pause", reason="rung 1")
FAILED = Failed(trial=1, reason="raised")


def refusal(*events: Event) -> str:
    """Why no study can have written these events."""
    with pytest.raises(JournalError) as caught:
        Study.replay(SWEEP, events)
    message, _, advice = str(caught.value).rpartition("; ")
    assert advice == "journal.jsonl or sweep.json was changed by hand: put back a copy of it"
    return message


@pytest.mark.parametrize(
    ("events", "message"),
    [
        ([reported()], "event 1: there is no trial 1"),
        ([asked(2)], "event 1: trial 2 begins after trial 0"),
        ([asked(), asked()], "event 2: trial 1 begins after trial 1"),
        ([asked(epoch=3)], "event 1: trial 1 begins after epoch 3, not 0"),
        ([asked(), asked(config=None)], "event 2: trial 1 is running"),
        ([asked(), PAUSED, asked(config=None)], "event 3: trial 1 goes on after epoch 0, not 2"),
        ([asked(), reported(), reported(1)], "event 3: trial 1 reported epoch 1 after epoch 2"),
        ([asked(), PAUSED, reported(3)], "event 3: trial 1 is paused"),
        ([asked(), reported(metrics={"acc": 1.0})], "event 2: trial 1 reported no loss"),
        ([asked(), reported(9)], "event 2: trial 1 is to continue after its end"),
        (
            [asked(), reported(metrics={"loss": math.nan})],
            "event 2: trial 1 is to continue after its end",
        ),
        (
            [asked(), reported(1), reported(2, decision="stop")],
            "event 3: trial 1 is to stop before a decision is due",
        ),
        ([asked(), FAILED, Finished(trial=1, reason="")], "event 3: trial 1 is failed"),
        ([asked(), FAILED, FAILED], "event 3: trial 1 ends, but is failed"),
        (
            [asked(), PAUSED, Stopped(trial=1, reason=""), FAILED],
            "event 4: trial 1 ends, but is stopped",
        ),
        ([lost()], "event 1: there is no trial 1"),
        ([asked(), lost(), lost()], "event 3: trial 1 is waiting"),
        ([asked(), lost(epoch=3)], "event 2: trial 1 goes on after epoch 3, beyond 0"),
        ([asked(), lost(cause="moon")], "event 2: there is no cause 'moon'"),
        (
            [asked(), lost(), Started(trial=1, attempt=1, host="h", pid=1, device="cpu")],
            "event 3: trial 1 is waiting",
        ),
        ([Changed(changes={"trials": 0})], "event 1: sweep: trials: must be at least 1, not 0"),
        ([asked(), learned()], "event 2: r is learned from after the first trial"),
        ([learned(leaders=[8])], "event 1: leader 8 of r is none of its results"),
        ([learned(rung="-1")], "event 1: '-1' is no epoch"),
        ([learned({"x": 9, "fixed": "relu"})], "event 1: x cannot be 9, but 0 to 3"),
    ],
)
def test_what_no_study_writes_is_refused_with_its_place(events: list[Event], message: str) -> None:
    assert refusal(*events) == message


@pytest.mark.parametrize(
    ("config", "message"),
    [
        ({"x": 9, "fixed": "relu"}, "x cannot be 9, but 0 to 3"),
        ({"x": True, "fixed": "relu"}, "x cannot be True, but 0 to 3"),
        ({"x": 1, "fixed": "tanh"}, "fixed is no parameter of the sweep, or another constant"),
        ({"x": 1, "fixed": "relu", "z": 1}, "z is no parameter of the sweep, or another constant"),
        ({"x": 1}, "a constant is missing"),
        ({"fixed": "relu"}, "x is used in such a configuration"),
        ({"x": 3, "fixed": "relu"}, "y is used in such a configuration"),
        ({**X1, "y": 0.5}, "y is not used in such a configuration"),
    ],
)
def test_a_configuration_that_could_not_be_proposed_is_refused(
    config: dict[str, Any], message: str
) -> None:
    assert refusal(asked(config=config)) == f"event 1: {message}"


def test_a_trial_that_failed_before_its_first_epoch_may_be_tried_again() -> None:
    study = Study.replay(SWEEP, [asked(), FAILED, lost(), asked(config=None), reported(1)])
    assert study.trials[1].epoch == 1
