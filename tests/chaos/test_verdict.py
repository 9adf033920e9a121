"""What the soak takes for the same result, and what it finds in a journal."""

from __future__ import annotations

import pandas as pd
import pytest

from nightsweep.search.events import Asked, Event, Interrupted, Reported

from .verdict import Repeated, differences, lost, repeated


def table(**changes: object) -> pd.DataFrame:
    columns = {"trial": [1, 2], "best/loss": [0.5, None], "seconds": [1.0, 2.0]}
    return pd.DataFrame({**columns, **changes})


def reported(epoch: int, *, checkpoint: bool = False) -> Reported:
    return Reported(
        trial=1,
        epoch=epoch,
        metrics={"loss": 1.0},
        seconds=0.1,
        checkpoint=checkpoint,
        decision="continue",
        reason="",
    )


BEGUN = Asked(trial=1, epoch=0, reason="random", config={"x": 1})


def test_times_and_attempts_may_differ() -> None:
    assert differences(table(), table(seconds=[3.0, 4.0])) == []


def test_a_last_digit_may_not() -> None:
    assert differences(table(), table(**{"best/loss": [0.5000000000000001, None]})) == [
        "row 0: best/loss is 0.5000000000000001 instead of 0.5"
    ]


def test_a_value_in_the_place_of_none_is_a_difference() -> None:
    assert len(differences(table(), table(**{"best/loss": [0.5, 0.6]}))) == 1


def test_rows_and_columns_must_be_the_same() -> None:
    assert differences(table(), table().head(1)) == ["1 rows instead of 2"]
    assert differences(table(), table(more=[1, 2])) == ["columns of one table only: more"]


def test_epochs_after_the_last_checkpoint_are_repeated() -> None:
    events: list[Event] = [
        BEGUN,
        reported(1, checkpoint=True),
        reported(2),
        reported(3),
        Interrupted(trial=1, epoch=1, reason="its driver ended"),
        reported(2),
        Interrupted(trial=1, epoch=1, reason="its worker died"),
    ]
    assert repeated(events) == Repeated(epochs=3, interruptions=2, most=2)
    assert lost(events) == []


@pytest.mark.parametrize("epoch", [0, 2])
def test_to_go_on_from_elsewhere_than_the_last_checkpoint_is_a_loss(epoch: int) -> None:
    events: list[Event] = [
        BEGUN,
        reported(1, checkpoint=True),
        reported(2),
        Interrupted(trial=1, epoch=epoch, reason="its worker died"),
    ]
    assert lost(events) == [f"trial 1 went on from epoch {epoch} instead of 1: its worker died"]


def test_a_damaged_checkpoint_may_send_a_trial_back() -> None:
    reason = "its checkpoint after epoch 1 is damaged (state.pt is gone); began again"
    events: list[Event] = [
        BEGUN,
        reported(1, checkpoint=True),
        Interrupted(trial=1, epoch=0, reason=reason),
        Interrupted(trial=1, epoch=0, reason="its worker died"),
    ]
    assert lost(events) == []
