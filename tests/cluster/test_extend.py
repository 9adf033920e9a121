from __future__ import annotations

from typing import TYPE_CHECKING

import pytest

from nightsweep.cluster.extend import extended
from nightsweep.search.errors import NightsweepError
from nightsweep.search.results import Results

if TYPE_CHECKING:
    from collections.abc import Callable

    from tests.cluster.conftest import Evening
    from tests.conftest import Command


def loaded(evening: Evening) -> Results:
    return Results.load(evening.folder.path)


def test_more_trials_are_counted_from_those_of_the_sweep(finished: Evening) -> None:
    assert extended(loaded(finished), trials=40) == {"trials": 46}


def test_more_time_counts_from_what_was_given_or_from_what_was_used(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(time="1h")
    evening.close()
    assert extended(loaded(evening), time=600.0) == {"time": 4200.0}
    evening = begin_again(evening)
    assert extended(loaded(evening), time=600.0) == {"time": 720.0}


def begin_again(evening: Evening) -> Evening:
    """The same run, whose sweep has no time: its driver has searched for 120 s."""
    evening.header["sweep"].pop("time")
    evening.write_header()
    return evening


def test_epochs_are_given_as_the_new_last_one(finished: Evening) -> None:
    assert extended(loaded(finished), max_epochs=9) == {"max_epochs": 9}


def test_extending_by_nothing_is_refused(finished: Evening, nightsweep: Command) -> None:
    with pytest.raises(NightsweepError, match="nothing to extend by"):
        extended(loaded(finished))
    told = nightsweep("extend", finished.folder.path)
    assert told.code == 2
    assert "nothing to extend by; give --trials 40" in told.err
