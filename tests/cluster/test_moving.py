"""Trials leave slots that are to end; no process runs."""

from __future__ import annotations

from nightsweep.cluster.work import Halt
from nightsweep.search.events import Interrupted
from nightsweep.search.record import Status
from nightsweep.trainables.job import Answer, End, Ended

from .test_foreman import Floor, between, halted, step

WHY = "2 trials share a GPU"


def leaving(*slots: str, **changes: object) -> Floor:
    """A floor on which these slots are to end, with a trial in each."""
    floor = Floor(**changes)  # type: ignore[arg-type]
    for slot in slots:
        floor.open(slot)
    floor.foreman.moving.retire(slots, WHY)
    return floor


def test_a_trial_in_a_slot_that_is_to_end_is_told_to_save_itself() -> None:
    floor = leaving("a")
    assert floor.hear("a") == [Halt()]
    assert floor.hear("a") == [], "it was told twice"


def test_once_it_is_saved_it_leaves_and_goes_on_elsewhere_from_there() -> None:
    floor = leaving("a", scheduler="none")
    floor.hear("a", between(1, 1))
    assert floor.hear("a", step(1, 2)) == [halted(1)]
    assert floor.recorded(Interrupted) == [Interrupted(trial=1, epoch=2, reason=WHY)]
    assert "a" not in floor.foreman.busy
    job = floor.open("b")
    assert (job.trial, job.epoch) == (1, 2)


def test_its_slot_gets_nothing_more() -> None:
    floor = leaving("a")
    orders = floor.hear("a", step(1, 1))
    assert orders == [halted(1)]
    assert floor.status(1) is Status.PAUSED
    assert floor.foreman.idle == {"a"}


def test_a_trial_that_ends_there_ends_as_ever() -> None:
    floor = leaving("a")
    assert floor.hear("a", step(1, 9, waits=False), Ended(trial=1, end=End.RETURNED)) == []
    assert floor.status(1) is Status.COMPLETED


def test_a_trial_that_cannot_be_saved_goes_on_to_its_end_where_it_is() -> None:
    floor = leaving("a", scheduler="none")
    assert floor.hear("a") == [Halt()]
    unsaved = [Halt(), Answer(trial=1, until=9)]
    assert floor.hear("a", step(1, 1, checkpoint=False)) == unsaved
    stays = [Halt(wanted=False), Answer(trial=1, until=9)]
    assert floor.hear("a", step(1, 2, checkpoint=False)) == stays
    assert floor.hear("a", between(1, 3)) == [], "it was told again"
    assert floor.recorded(Interrupted) == []


def test_a_report_that_crosses_the_order_is_not_taken_for_an_answer_to_it() -> None:
    floor = leaving("a", scheduler="none")
    assert floor.hear("a") == [Halt()]
    floor.hear("a", step(1, 1, checkpoint=False))
    assert floor.hear("a", step(1, 2)) == [halted(1)]


def test_one_that_stays_is_still_left_when_the_sweep_is_stopped() -> None:
    floor = leaving("a", scheduler="none")
    floor.hear("a")
    floor.hear("a", step(1, 1, checkpoint=False))
    floor.hear("a", step(1, 2, checkpoint=False))
    floor.foreman.stop("enough")
    assert floor.hear("a") == [Halt()]


def test_other_slots_go_on_as_ever() -> None:
    floor = leaving("a")
    assert floor.open("b").trial == 2
    assert floor.hear("b", between(2, 1)) == []


def test_a_slot_that_has_ended_is_forgotten() -> None:
    floor = leaving("a")
    floor.foreman.lost("a", "its worker died")
    assert not floor.foreman.moving
