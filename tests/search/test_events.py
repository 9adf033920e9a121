from __future__ import annotations

import json
import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.errors import JournalError
from nightsweep.search.events import (
    Asked,
    Changed,
    Closed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Opened,
    Reported,
    Shared,
    Started,
    from_json,
    to_json,
)

WORDS = st.text(max_size=8)
COUNT = st.integers(1, 10**6)
NUMBERS = st.one_of(st.floats(), st.integers(-(10**9), 10**9))
VALUES = st.one_of(st.none(), st.booleans(), st.integers(), st.floats(-9, 9), WORDS)
FINITE = st.floats(0, 1e9)

EVENTS: st.SearchStrategy[Event] = st.one_of(
    st.builds(
        Asked,
        trial=COUNT,
        epoch=COUNT,
        reason=WORDS,
        config=st.one_of(st.none(), st.dictionaries(WORDS, VALUES)),
    ),
    st.builds(
        Reported,
        trial=COUNT,
        epoch=COUNT,
        metrics=st.dictionaries(WORDS, NUMBERS),
        seconds=st.one_of(st.none(), FINITE),
        checkpoint=st.booleans(),
        decision=st.sampled_from(["continue", "pause", "stop"]),
        reason=WORDS,
    ),
    st.builds(Finished, trial=COUNT, reason=WORDS.filter(bool)),
    st.builds(Failed, trial=COUNT, reason=WORDS.filter(bool), traceback=WORDS),
    st.builds(Interrupted, trial=COUNT, epoch=COUNT, reason=WORDS.filter(bool)),
    st.builds(Changed, changes=st.dictionaries(WORDS, VALUES)),
    st.builds(Opened, format=COUNT, version=st.just("0.1.0"), host=WORDS.filter(bool), pid=COUNT),
    st.builds(
        Started,
        trial=COUNT,
        attempt=COUNT,
        host=WORDS.filter(bool),
        pid=COUNT,
        device=WORDS.filter(bool),
        gpus=st.one_of(st.none(), FINITE),
    ),
    st.builds(Shared, each=COUNT, most=COUNT, memory=COUNT, reason=WORDS.filter(bool)),
    st.builds(Closed, done=st.booleans(), reason=WORDS.filter(bool), elapsed=FINITE),
)


def asked(**values: Any) -> dict[str, Any]:
    return {"event": "asked", "trial": 1, "epoch": 0, "reason": "random"} | values


@given(EVENTS)
def test_an_event_survives_being_written_as_json(event: Event) -> None:
    if isinstance(event, Asked) and not event.reason:
        return  # an Asked without a reason is never made
    text = json.dumps(to_json(event), allow_nan=False)
    again = from_json(json.loads(text))
    assert type(again) is type(event)
    assert repr(again) == repr(event)  # equality would fail for NaN


@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_metrics_that_json_does_not_know_are_written_as_words(value: float) -> None:
    event = Reported(trial=1, epoch=1, metrics={"val_loss": value, "acc": 0.5})
    assert to_json(event)["metrics"] == {"val_loss": str(value), "acc": 0.5}


def test_empty_fields_are_left_out() -> None:
    event = Reported(trial=3, epoch=2, metrics={"loss": 1.0})
    assert to_json(event) == {
        "event": "reported",
        "trial": 3,
        "epoch": 2,
        "metrics": {"loss": 1.0},
        "checkpoint": False,
        "decision": "continue",
    }


def test_zero_and_false_are_not_empty() -> None:
    assert to_json(Closed(done=False, reason="stopped", elapsed=0.0)) == {
        "event": "closed",
        "done": False,
        "reason": "stopped",
        "elapsed": 0.0,
    }


def test_an_empty_configuration_is_not_a_missing_one() -> None:
    event = Asked(trial=1, epoch=0, reason="random", config={})
    assert from_json(to_json(event)) == event


def test_keys_of_later_versions_are_passed_over() -> None:
    assert from_json(asked(colour="blue")) == Asked(trial=1, epoch=0, reason="random")


@pytest.mark.parametrize("kind", ["exploded", None, 7])
def test_an_unknown_event_is_refused(kind: object) -> None:
    with pytest.raises(JournalError, match=f"^unknown event {kind!r}$"):
        from_json({"event": kind})


def test_an_event_without_a_field_that_it_needs_is_refused() -> None:
    with pytest.raises(JournalError, match=r"^interrupted event is not whole: .*`reason`$"):
        from_json({"event": "interrupted", "trial": 1, "epoch": 3})


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("trial", 0),
        ("trial", -3),
        ("trial", "1"),
        ("trial", True),
        ("trial", 1.5),
        ("trial", None),
        ("epoch", -1),
        ("epoch", "3"),
        ("seconds", -0.5),
        ("seconds", "2"),
        ("checkpoint", 1),
        ("decision", 1),
        ("reason", 7),
    ],
)
def test_a_value_of_the_wrong_kind_is_refused(key: str, value: object) -> None:
    right = {"event": "reported", "trial": 1, "epoch": 1, "metrics": {"loss": 1}}
    assert from_json(right)
    with pytest.raises(JournalError, match=rf"^reported event is not whole: .*{key}`$"):
        from_json(right | {key: value})


def test_an_integer_stays_one() -> None:
    values = {"event": "reported", "trial": 1, "epoch": 1, "metrics": {"count": 2**60 + 1}}
    event = from_json(values)
    assert isinstance(event, Reported)
    assert event.metrics["count"] == 2**60 + 1


@pytest.mark.parametrize(
    "metrics",
    [None, 3, {"loss": "high"}, {"loss": True}, {"loss": None}, {"loss": []}, {"loss": "1"}],
)
def test_metrics_that_are_no_numbers_are_refused(metrics: object) -> None:
    values = {"event": "reported", "trial": 1, "epoch": 1, "metrics": metrics}
    with pytest.raises(JournalError, match=r"^reported event is not whole: "):
        from_json(values)
