"""Devices of other people are left alone, and named."""

from __future__ import annotations

from dataclasses import replace

import pytest

from nightsweep.cluster.devices.busy import all_taken, free, taken
from nightsweep.cluster.devices.device import Reading
from nightsweep.search.errors import ClusterError

from .cards import GB, card, used

MINE = 7


def alice(pid: int) -> str:
    return "alice" if pid == 4242 else ""


def by(reading: Reading | None, processes: int | None = None) -> str:
    found = taken(card(1, processes=processes), reading, {MINE}, alice)
    return found.by if found else ""


def test_a_device_that_computes_for_somebody_else_is_taken_and_named() -> None:
    found = taken(card(1), used(31 * GB), {MINE}, alice)
    assert str(found) == "GPU 1 (NVIDIA A100, 31 GB in use by pid 4242 of alice)"


def test_a_user_who_cannot_be_seen_is_not_named() -> None:
    assert by(used(31 * GB, pid=99)) == "31 GB in use by pid 99"


def test_of_several_processes_the_largest_is_named() -> None:
    several = Reading(used=9 * GB, processes={1: 2 * GB, 4242: 6 * GB, 3: GB})
    assert by(several) == "9 GB in use by pid 4242 of alice and 2 more"


def test_our_own_processes_take_nothing() -> None:
    assert by(used(31 * GB, pid=MINE)) == ""


def test_a_little_memory_is_no_work() -> None:
    assert by(used(150 * 10**6)) == ""
    assert by(used(250 * 10**6)) != ""


def test_what_draws_a_desktop_does_not_count() -> None:
    assert by(Reading(used=2 * GB, screens={900: 2 * GB})) == ""


def test_memory_of_processes_that_cannot_be_seen_counts() -> None:
    hidden = Reading(used=31 * GB, processes={MINE: GB}, screens={900: GB})
    assert by(hidden) == "29 GB in use by processes that cannot be seen from here"


def test_a_few_gigabytes_may_be_the_users_own_desktop() -> None:
    """A container is told of no process outside, or by numbers that mean nothing inside."""
    assert by(Reading(used=3 * GB)) == ""
    assert by(Reading(used=5 * GB)) == "5 GB in use by processes that cannot be seen from here"


def test_on_a_small_device_a_gigabyte_may_be() -> None:
    small = replace(card(1), memory=2 * GB)
    found = [taken(small, Reading(used=n * GB // 10), {MINE}, alice) for n in (9, 11)]
    assert [bool(one) for one in found] == [False, True]


def test_what_windows_uses_does_not_count_and_who_is_named_there_does() -> None:
    shared = [Reading(used=31 * GB), used(31 * GB)]
    found = [taken(card(1), reading, {MINE}, alice, windows=True) for reading in shared]
    assert [bool(one) for one in found] == [False, True]


def test_a_device_that_lets_one_process_in_is_taken_by_any() -> None:
    assert by(used(10**6), processes=1) != ""
    assert by(Reading(used=0), processes=1) == ""


def test_a_device_on_which_nobody_may_compute_is_left_alone() -> None:
    assert by(Reading(used=0), processes=0) == "its compute mode is prohibited"


def test_a_device_that_says_nothing_is_taken_for_free() -> None:
    assert by(None) == ""


def test_the_free_ones_are_left() -> None:
    cards = [card(0), card(1), card(2)]
    others = all_taken(cards, {cards[1]: used(GB)}, set(), alice)
    assert free(cards, others) == [cards[0], cards[2]]


def test_where_all_are_taken_each_is_named() -> None:
    cards = [card(0), card(1)]
    others = all_taken(cards, dict.fromkeys(cards, used(31 * GB)), set(), alice)
    with pytest.raises(
        ClusterError,
        match=r"^the sweep needs GPUs, and all are in use by others: GPU 0 \(NVIDIA A100, 31 GB "
        r"in use by pid 4242 of alice\); GPU 1 \(.*\); wait for them, or name those to use all "
        r"the same in CUDA_VISIBLE_DEVICES$",
    ):
        free(cards, others)
