from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from datetime import date, datetime, timedelta
from datetime import time as wall_time
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nightsweep.search.deadline import NIGHT, Deadline, due
from nightsweep.search.errors import SweepError
from nightsweep.search.sweep import Sweep
from nightsweep.search.sweepfile import load

BERLIN = ZoneInfo("Europe/Berlin")
TWINS = "metric: loss\nparameters: {x: {min: 0.0, max: 1.0}}\n"


def moment(text: str, zone: ZoneInfo = BERLIN) -> float:
    """Seconds since 1970 of a time on the wall."""
    return datetime.fromisoformat(text).replace(tzinfo=zone).timestamp()


def after(deadline: str, now: str) -> str:
    """When a deadline comes, in Berlin, after a time in Berlin."""
    seconds = Deadline.parse(deadline).after(moment(now))
    return datetime.fromtimestamp(seconds, BERLIN).isoformat(" ", "minutes")


@pytest.fixture
def machine_in(monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Puts this machine into a time zone."""

    def move(zone: str) -> None:
        monkeypatch.setenv("TZ", zone)
        time.tzset()

    yield move
    monkeypatch.undo()
    time.tzset()


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-10 19:00", "2026-01-11 07:00+01:00"),
        ("2026-01-11 06:59", "2026-01-11 07:00+01:00"),
        ("2026-01-11 07:00", "2026-01-12 07:00+01:00"),
        ("2026-12-31 19:00", "2027-01-01 07:00+01:00"),
    ],
)
def test_a_time_of_day_is_the_next_one(now: str, expected: str) -> None:
    assert after("07:00 Europe/Berlin", now) == expected


@pytest.mark.parametrize(
    ("evening", "hours"), [("2026-03-28 19:00", 11), ("2026-10-24 19:00", 13)]
)
def test_in_a_night_in_which_the_clocks_change_it_is_what_the_wall_says(
    evening: str, hours: int
) -> None:
    deadline = Deadline.parse("07:00 Europe/Berlin")
    assert deadline.after(moment(evening)) - moment(evening) == hours * 3600


def test_a_time_that_the_wall_never_shows_comes_an_hour_later() -> None:
    assert after("02:30 Europe/Berlin", "2026-03-28 19:00") == "2026-03-29 03:30+02:00"


def test_of_a_time_that_the_wall_shows_twice_the_first_is_meant() -> None:
    assert after("02:30 Europe/Berlin", "2026-10-24 19:00") == "2026-10-25 02:30+02:00"


def test_a_plain_time_is_one_of_the_machine_s_zone(machine_in: Callable[[str], None]) -> None:
    now = moment("2026-10-24 19:00")
    machine_in("Europe/Berlin")
    assert Deadline.parse("07:00").after(now) == moment("2026-10-25 07:00")
    machine_in("Asia/Tokyo")
    assert Deadline.parse("07:00").after(now) == moment("2026-10-25 07:00", ZoneInfo("Asia/Tokyo"))


def test_a_deadline_with_a_day_is_that_one_also_when_it_has_passed() -> None:
    for now in ("2026-11-20 12:00", "2026-11-24 12:00"):
        assert after("2026-11-23 07:00 Europe/Berlin", now) == "2026-11-23 07:00+01:00"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("07:00", "07:00"),
        (" 7:00 ", "07:00"),
        ("07:00  Europe/Berlin", "07:00 Europe/Berlin"),
        ("2026-11-23T07:00", "2026-11-23 07:00"),
        ("2026-11-23 07:00 UTC", "2026-11-23 07:00 UTC"),
        (wall_time(7, 0), "07:00"),
        (datetime(2026, 11, 23, 7, 0), "2026-11-23 07:00"),
    ],
)
def test_a_deadline_is_written_in_one_way(given: object, written: str) -> None:
    assert str(Deadline.parse(given)) == written
    assert Deadline.parse(written) == Deadline.parse(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("tomorrow", "'tomorrow' is no deadline; write"),
        ("25:00", "'25:00' is no deadline ("),
        ("2026-02-30 07:00", "'2026-02-30 07:00' is no deadline ("),
        ("0001-01-01 00:00 Asia/Tokyo", "'0001-01-01 00:00 Asia/Tokyo' is no deadline ("),
        ("2026-11-23", "'2026-11-23' is no deadline; write"),
        (420, "420 is a number; write \"07:00\""),
        (True, "True is no deadline; write"),
        (wall_time(7, 0, 30), "is no deadline; write"),
        (date(2026, 11, 23), "is no deadline; write"),
        ("07:00 Europe/Berln", "'Europe/Berln' is no time zone; did you mean \"Europe/Berlin\"?"),
        ("07:00 ../../etc/passwd", "'../../etc/passwd' is no time zone; "),
    ],
    ids=str,
)  # fmt: skip
def test_what_is_no_deadline_is_refused_and_told_what_is(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        Deadline.parse(given)
    assert message in str(caught.value)
    assert "07:00 Europe/Berlin" in str(caught.value)


@pytest.mark.parametrize(
    ("name", "line"),
    [
        ("s.yaml", "deadline: 07:00"),
        ("s.yaml", "deadline: 7:00"),
        ("s.yaml", 'deadline: "07:00"'),
        ("s.toml", "deadline = 07:00:00"),
        ("s.toml", 'deadline = "07:00"'),
    ],
)
def test_in_a_sweep_file_it_needs_no_quotes(
    write: Callable[[str, str], Path], name: str, line: str
) -> None:
    rest = (
        TWINS if name == "s.yaml" else 'metric = "loss"\nparameters.x = {min = 0.0, max = 1.0}\n'
    )
    assert load(write(name, f"{line}\n{rest}")).deadline == "07:00"


def test_a_wrong_one_names_its_line(write: Callable[[str, str], Path]) -> None:
    with pytest.raises(SweepError, match=r"s\.yaml:3: deadline: 'soon' is no deadline; write"):
        load(write("s.yaml", f"{TWINS}deadline: soon\n"))


def test_a_sweep_that_was_read_back_has_the_same_deadline() -> None:
    values: dict[str, Any] = {"metric": "loss", "parameters": {"x": {"min": 0.0, "max": 1.0}}}
    sweep = Sweep(**values, deadline="7:00 UTC")
    assert Sweep(**sweep.model_dump(mode="json")).deadline == sweep.deadline == "07:00 UTC"


SEVEN = "07:00 Europe/Berlin"
TONIGHT = moment("2026-01-11 07:00")


@pytest.mark.parametrize("again", ["2026-01-10 23:00", "2026-01-11 07:05", "2026-01-11 18:59"])
def test_a_driver_after_one_that_was_killed_goes_on_with_its_deadline(again: str) -> None:
    assert due(SEVEN, moment(again), TONIGHT) == TONIGHT


def test_in_the_next_evening_the_next_morning_is_meant() -> None:
    assert due(SEVEN, TONIGHT + NIGHT, TONIGHT) == TONIGHT + timedelta(days=1).total_seconds()


def test_without_one_before_it_is_the_next() -> None:
    assert due(SEVEN, moment("2026-01-10 19:00")) == TONIGHT
