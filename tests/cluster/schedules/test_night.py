from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.schedules.night import Night, Nothing, night
from nightsweep.cluster.schedules.starts import Start

from .plan import at, schedule

FRIDAY = Start(at=at("2026-11-20 22:00:01"), run="/runs/digits-1")


def tonight(
    folder: Path,
    *before: Start,
    now: str,
    done: tuple[str, ...] = (),
    due: bool = True,
    **changes: Any,
) -> Night | Nothing:
    """What a start does `now`; `done`: the runs that are."""
    made = schedule(folder, **changes)
    return night(made, before, at(now), lambda run: str(run) in done, due=due)


def nothing(found: Night | Nothing) -> Nothing:
    assert isinstance(found, Nothing)
    return found


def search(found: Night | Nothing) -> Night:
    assert isinstance(found, Night)
    return found


def test_the_first_night_begins_a_new_run(tmp_path: Path) -> None:
    assert tonight(tmp_path, now="2026-11-20 22:00:01") == Night(run=None)


def test_the_next_night_goes_on_with_the_run_that_is_not_done(tmp_path: Path) -> None:
    found = search(tonight(tmp_path, FRIDAY, now="2026-11-21 22:00:01"))
    assert (found.run, found.notes) == (Path("/runs/digits-1"), ())


def test_and_begins_a_new_one_after_a_run_that_is_done(tmp_path: Path) -> None:
    found = tonight(tmp_path, FRIDAY, now="2026-11-21 22:00:01", done=("/runs/digits-1",))
    assert search(found).run is None


def test_unless_it_was_to_be_one_sweep(tmp_path: Path) -> None:
    found = tonight(
        tmp_path, FRIDAY, now="2026-11-21 22:00:01", done=("/runs/digits-1",), once=True
    )
    assert nothing(found).over
    assert not nothing(found).why.startswith("it is not time")
    assert search(tonight(tmp_path, FRIDAY, now="2026-11-21 22:00:01", once=True)).run


def test_a_night_ends_on_its_own_morning(tmp_path: Path) -> None:
    found = search(tonight(tmp_path, now="2026-11-20 22:00:01", until="07:00"))
    assert found.options == ("--deadline", "2026-11-21 07:00 Etc/UTC")
    late = search(tonight(tmp_path, now="2026-11-21 02:00", until="07:00"))
    assert late.options == found.options


def test_a_day_ends_on_the_same_day(tmp_path: Path) -> None:
    found = tonight(tmp_path, now="2026-11-21 08:00:01", at="08:00", until="18:30")
    assert search(found).options == ("--deadline", "2026-11-21 18:30 Etc/UTC")


@pytest.mark.parametrize(
    ("now", "until", "why"),
    [
        ("2026-11-20 20:00", None, "it is not time; next start: Fri 2026-11-20 22:00"),
        ("2026-11-21 20:00", None, "the start of Fri 2026-11-20 22:00 came an hour or more too"),
        ("2026-11-21 07:00", "07:00", "the start of Fri 2026-11-20 22:00 came after 07:00, and"),
    ],
)
def test_a_timer_that_fires_at_another_time_starts_nothing(
    tmp_path: Path, now: str, until: str | None, why: str
) -> None:
    assert nothing(tonight(tmp_path, now=now, until=until)).why.startswith(why)


def test_a_timer_that_fires_twice_starts_once(tmp_path: Path) -> None:
    assert nothing(tonight(tmp_path, FRIDAY, now="2026-11-20 22:30")).why.startswith("it is not")


def test_by_hand_it_starts_at_any_time(tmp_path: Path) -> None:
    found = search(tonight(tmp_path, FRIDAY, now="2026-11-20 23:00", due=False, until="07:00"))
    assert found.run == Path("/runs/digits-1")
    assert found.options == ("--deadline", "2026-11-21 07:00 Etc/UTC")


def test_starts_that_were_missed_since_the_last_are_noted(tmp_path: Path) -> None:
    found = search(tonight(tmp_path, FRIDAY, now="2026-11-23 22:00:01"))
    assert found.notes == (
        "2 starts were missed: Sat 2026-11-21 22:00, Sun 2026-11-22 22:00 "
        "(this machine, or cron, was not running then)",
    )


def test_a_start_that_is_late_itself_is_not_noted_as_missed(tmp_path: Path) -> None:
    assert search(tonight(tmp_path, FRIDAY, now="2026-11-21 22:40", until="07:00")).notes == ()


def test_of_many_missed_starts_the_first_few_are_named(tmp_path: Path) -> None:
    (note,) = search(tonight(tmp_path, FRIDAY, now="2026-12-20 22:00:01")).notes
    assert note.startswith("29 starts were missed: Sat 2026-11-21 22:00, ")
    assert " and 24 more (" in note


def test_a_new_run_starts_warm_from_the_last_that_was_done(tmp_path: Path) -> None:
    second = Start(at=at("2026-11-21 22:00:01"), run="/runs/digits-2")
    both = ("/runs/digits-1", "/runs/digits-2")
    found = tonight(
        tmp_path, FRIDAY, second, now="2026-11-22 22:00:01", done=both, warm_start=True
    )
    assert search(found).options == ("--from", "/runs/digits-2")
    going = tonight(
        tmp_path, FRIDAY, second, now="2026-11-22 22:00:01", done=both[:1], warm_start=True
    )
    assert search(going).options == ()


def test_in_the_night_in_which_the_clocks_skip_the_time_it_starts_when_they_have_changed(
    tmp_path: Path,
) -> None:
    berlin: dict[str, Any] = {
        "at": "02:30",
        "zone": "Europe/Berlin",
        "made": at("2027-03-27 12:00"),
    }
    assert search(tonight(tmp_path, now="2027-03-28 01:00:01", **berlin)).run is None
    assert nothing(tonight(tmp_path, now="2027-03-28 00:30", **berlin))
