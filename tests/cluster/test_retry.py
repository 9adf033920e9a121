import pytest

from nightsweep.cluster.retry import Again, again, given_up
from nightsweep.search.events import Cause
from nightsweep.search.record import Record


def hung(times: int) -> Record:
    """A trial that has hung so often, before this time."""
    known = Record(id=5, config={}, origin="random", epoch=6)
    known.troubles[Cause.HUNG] = times
    return known


def tried_again(times: int, *, retries: int) -> bool:
    known = hung(times)
    how = again(known, Cause.HUNG, retries=retries, beside=False, divides=False)
    return how is not None


@pytest.mark.parametrize("retries", [1, 2, 9])
def test_a_trial_that_hangs_is_tried_once_more_however_often_others_are(retries: int) -> None:
    assert tried_again(0, retries=retries)
    assert not tried_again(1, retries=retries)


def test_and_not_even_once_where_nothing_is_tried_again() -> None:
    assert not tried_again(0, retries=0)
    assert given_up(hung(0), Cause.HUNG, "hung: no report") == "hung: no report"


def test_one_that_hangs_again_is_given_up_in_so_many_words() -> None:
    reason = "hung: no report for 12 min at epoch 7"
    assert given_up(hung(1), Cause.HUNG, reason) == "hung twice: no report for 12 min at epoch 7"


def short(*, alone: bool = False, split: int = 1, times: int = 0) -> Record:
    """A trial that runs out of memory, and has so often before."""
    known = Record(id=5, config={}, origin="random", alone=alone, split=split)
    known.troubles[Cause.MEMORY] = times
    return known


def after(known: Record, **how: bool) -> Again | None:
    """How it is tried next; `how`: beside others, dividing its batches, killed."""
    values = {"beside": False, "divides": False} | how
    return again(known, Cause.MEMORY, retries=2, **values)


def test_what_does_not_fit_beside_others_is_tried_alone_first() -> None:
    assert after(short(), beside=True) == Again(alone=True, split=1)
    assert after(short(), beside=True, divides=True) == Again(alone=True, split=1)
    assert after(short(split=4), beside=True, divides=True) == Again(alone=True, split=4)


def test_alone_its_batches_are_halved_until_they_are_in_sixteen_parts() -> None:
    known, splits = short(alone=True), []
    while how := after(known, beside=True, divides=True):
        assert how.alone
        known.split = how.split
        splits.append(how.split)
    assert splits == [2, 4, 8, 16]


def test_one_that_has_its_device_to_itself_anyhow_begins_there() -> None:
    assert after(short(), divides=True) == Again(alone=False, split=2)


def test_one_that_takes_its_batches_whole_does_not_fit_alone_and_is_given_up() -> None:
    assert after(short(alone=True), beside=True) is None
    assert after(short()) is None


def test_however_often_others_are_tried_the_ladder_is_the_same() -> None:
    for retries in (0, 9):
        how = again(short(times=7), Cause.MEMORY, retries=retries, beside=True, divides=False)
        assert how == Again(alone=True, split=1)
        known = short(alone=True, times=1)
        assert not again(known, Cause.MEMORY, retries=retries, beside=True, divides=False)


def test_one_that_was_ended_to_make_room_is_tried_alone_and_then_as_often_as_other_losses() -> (
    None
):
    """Those beside it may be gone already: Ray ends several at once."""
    assert after(short(), killed=True) == Again(alone=True, split=1)
    assert after(short(alone=True, times=1), killed=True) == Again(alone=True, split=1)
    assert after(short(alone=True, times=2), killed=True) is None
    assert after(short(alone=True, times=2), killed=True, divides=True) == Again(
        alone=True, split=2
    )


def test_one_that_is_given_up_does_not_fit_and_says_what_was_tried() -> None:
    def said(known: Record) -> str:
        return given_up(known, Cause.MEMORY, "ran out of memory, asking for 2 GB")

    assert said(short()) == "does not fit: ran out of memory, asking for 2 GB"
    assert said(short(alone=True)) == (
        "does not fit: ran out of memory, asking for 2 GB, even alone on its device"
    )
    assert said(short(split=16)) == (
        "does not fit: ran out of memory, asking for 2 GB, even with each batch in 16 parts"
    )
    assert said(short(alone=True, split=16)) == (
        "does not fit: ran out of memory, asking for 2 GB, even alone on its device, "
        "with each batch in 16 parts"
    )
