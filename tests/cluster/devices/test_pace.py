import pytest

from nightsweep.cluster.devices.pace import Kinds, Paces


def paces(**places: dict[int, list[float]]) -> Paces[str]:
    """`fast={1: [2.0, 2.0]}`: the seconds of each trial's epochs, by place."""
    found = Paces[str]()
    for place, trials in places.items():
        for trial, epochs in trials.items():
            for seconds in epochs:
                found.note(place, trial, seconds)
    return found


def test_a_trial_that_was_in_both_places_says_how_much_slower_one_is() -> None:
    found = paces(fast={1: [2.0, 2.0, 2.0]}, slow={1: [5.0, 7.0, 6.0]})
    assert found.ratio("slow", "fast") == 3.0
    assert found.ratio("fast", "slow") == pytest.approx(1 / 3)


def test_trials_that_were_in_both_are_compared_each_with_itself() -> None:
    """Their configurations differ a hundredfold, and the device by a half."""
    found = paces(
        fast={1: [1.0], 2: [100.0], 3: [10.0], 9: [1000.0]},
        slow={1: [1.5], 2: [150.0], 3: [15.0], 8: [1.0]},
    )
    assert found.ratio("slow", "fast") == 1.5


def test_where_too_few_were_in_both_many_are_compared_with_many() -> None:
    found = paces(
        fast={1: [1.0], 2: [2.0], 3: [3.0], 4: [4.0], 5: [5.0]},
        slow={5: [10.0], 6: [4.0], 7: [8.0], 8: [6.0]},
    )
    assert found.ratio("slow", "fast") == 7.0 / 3.0


def test_few_trials_say_nothing() -> None:
    found = paces(fast={1: [1.0, 1.0], 2: [1.0]}, slow={1: [2.0, 2.0], 3: [9.0]})
    assert found.ratio("slow", "fast") is None
    assert found.ratio("slow", "elsewhere") is None


def test_epochs_that_took_no_time_are_left_out() -> None:
    assert paces(fast={1: [0.0] * 9}, slow={1: [0.0] * 9}).ratio("slow", "fast") is None


def mixed(fast: int, slow: int, *, ratio: float = 2.0) -> Kinds:
    """So many slots of each kind; every trial has trained three epochs on both."""
    kinds = Kinds()
    for kind, count, seconds in (("H100", fast, 10.0), ("T4", slow, 10.0 * ratio)):
        for number in range(count):
            slot = f"{kind} {number}"
            kinds.sits(slot, kind)
            for epoch in range(3):
                kinds.trained(slot, 1, seconds + epoch)
    return kinds


def test_a_slow_slot_leaves_a_promotion_to_each_fast_one() -> None:
    kinds = mixed(2, 5)
    assert kinds.slower("T4 0") == pytest.approx(21 / 11)
    assert (kinds.leaves("T4 0"), kinds.leaves("H100 0")) == (2, 0)


def test_a_slot_that_is_gone_gets_no_promotion_left_to_it() -> None:
    kinds = mixed(2, 1)
    kinds.left("H100 1")
    assert kinds.leaves("T4 0") == 1


def test_the_fastest_that_is_up_need_not_be_the_fastest_ever_seen() -> None:
    kinds = mixed(1, 2)
    assert kinds.least == 1.0
    kinds.left("H100 0")
    assert kinds.least == kinds.slower("T4 0") > 1.0
    assert Kinds().least == 1.0


def test_kinds_that_hardly_differ_are_the_same() -> None:
    assert mixed(2, 5, ratio=1.2).leaves("T4 0") == 0


def test_where_all_are_of_a_kind_nobody_is_slow() -> None:
    kinds = mixed(3, 0)
    assert (kinds.slower("H100 0"), kinds.leaves("H100 0")) == (1.0, 0)


def test_slots_whose_kind_is_not_known_are_as_fast_as_any() -> None:
    kinds = mixed(2, 2)
    kinds.sits("other", "")
    kinds.trained("other", 1, 1000.0)
    assert (kinds.slower("other"), kinds.leaves("other")) == (1.0, 0)


def test_of_several_kinds_each_is_compared_with_the_fastest() -> None:
    kinds = mixed(1, 1, ratio=1.0)
    for slot, kind, seconds in (("a", "A100", 5.0), ("b", "V100", 40.0)):
        kinds.sits(slot, kind)
        for _ in range(3):
            kinds.trained(slot, 1, seconds)
    assert kinds.slower("a") == 1.0
    assert kinds.slower("b") == pytest.approx(8.0)
