"""Which starts of slots say that the cluster is down."""

from __future__ import annotations

from nightsweep.cluster.starts import PAUSE, UNLUCKY, Starts


def fails(starts: Starts, *slots: str, others: bool = False, now: float = 0.0) -> list[bool]:
    """Slots that are opened together, and lost."""
    for slot in slots:
        starts.opened(slot)
    return [starts.lost(slot, now, others=others) for slot in slots]


def test_slots_that_fail_three_times_one_after_the_other_are_no_accident() -> None:
    starts = Starts()
    down = [fails(starts, slot)[0] for slot in "abc"]
    assert down == [False, False, True]


def test_many_that_go_at_once_as_with_their_node_count_once() -> None:
    starts = Starts()
    assert fails(starts, *"abcdefgh") == [False] * 8
    assert fails(starts, *"ijklmnop") == [False] * 8
    assert fails(starts, *"qrstuvwx")[0]


def test_one_that_comes_up_ends_the_row() -> None:
    starts = Starts()
    fails(starts, "a")
    fails(starts, "b")
    starts.opened("c")
    starts.up("c")
    assert fails(starts, "d") == fails(starts, "e") == [False]


def test_a_slot_that_was_up_has_not_failed_to_start() -> None:
    starts = Starts()
    for slot in "abcdef":
        starts.opened(slot)
        starts.up(slot)
    assert not any(starts.lost(slot, 0.0, others=False) for slot in "abcdef")


def test_while_others_are_up_a_sick_node_ends_nothing_and_is_tried_now_and_then() -> None:
    starts = Starts()
    for slot in range(UNLUCKY - 1):
        fails(starts, str(slot), others=True, now=100.0)
        assert starts.may_open(100.0)
    assert fails(starts, "the last", others=True, now=100.0) == [False]
    assert not starts.may_open(100.0 + PAUSE - 1)
    assert starts.may_open(100.0 + PAUSE)


def test_and_when_the_others_go_too_it_takes_a_new_row() -> None:
    starts = Starts()
    for slot in range(UNLUCKY):
        fails(starts, str(slot), others=True)
    down = [fails(starts, slot)[0] for slot in "abc"]
    assert down == [False, False, True]
