from __future__ import annotations

from datetime import date, datetime, time
from zoneinfo import ZoneInfo

import pytest

from nightsweep.cluster.schedules.calendar import DAILY, Calendar, days, spoken, wall

BERLIN = ZoneInfo("Europe/Berlin")
WORK = frozenset(range(5))


def moment(text: str) -> float:
    """Seconds since 1970 of a time on the wall in Berlin, or with an offset of its own."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=BERLIN)).timestamp()


def berlin(at: str, on: frozenset[int] = DAILY, *, leaves_out: bool = False) -> Calendar:
    clock = time.fromisoformat(at)
    return Calendar(at=clock, days=on, zone="Europe/Berlin", leaves_out=leaves_out)


def walls(calendar: Calendar, after: str, until: str) -> list[str]:
    found = calendar.between(moment(after), moment(until))
    return [datetime.fromtimestamp(m, BERLIN).isoformat(" ", "minutes") for m in found]


def test_the_next_time_is_later_today_or_tomorrow() -> None:
    calendar = berlin("22:00")
    assert calendar.stamp(calendar.next(moment("2026-11-23 21:59"))) == "Mon 2026-11-23 22:00"
    assert calendar.stamp(calendar.next(moment("2026-11-23 22:00"))) == "Tue 2026-11-24 22:00"


def test_days_that_are_not_named_are_passed_over() -> None:
    calendar = berlin("22:00", WORK)
    assert calendar.stamp(calendar.next(moment("2026-11-20 23:00"))) == "Mon 2026-11-23 22:00"
    assert calendar.stamp(calendar.latest(moment("2026-11-22 12:00"))) == "Fri 2026-11-20 22:00"


def test_a_time_is_between_two_moments_if_it_is_after_the_first_and_not_after_the_second() -> None:
    assert walls(berlin("22:00"), "2026-11-20 22:00", "2026-11-22 22:00") == [
        "2026-11-21 22:00+01:00",
        "2026-11-22 22:00+01:00",
    ]


def test_a_time_that_the_clocks_skip_comes_when_they_have_changed() -> None:
    assert walls(berlin("02:30"), "2027-03-27 12:00", "2027-03-29 12:00") == [
        "2027-03-28 03:00+02:00",
        "2027-03-29 02:30+02:00",
    ]


def test_or_not_at_all_in_that_night_where_the_timer_leaves_it_out() -> None:
    calendar = berlin("02:30", leaves_out=True)
    assert walls(calendar, "2027-03-27 12:00", "2027-03-29 12:00") == ["2027-03-29 02:30+02:00"]


def test_the_latest_is_found_where_the_one_of_this_week_was_left_out() -> None:
    sundays = berlin("02:30", frozenset({6}), leaves_out=True)
    assert sundays.stamp(sundays.latest(moment("2027-04-03 12:00"))) == "Sun 2027-03-21 02:30"


def test_a_time_that_the_clocks_show_twice_comes_the_first_time() -> None:
    assert walls(berlin("02:30"), "2026-10-24 12:00", "2026-10-26 12:00") == [
        "2026-10-25 02:30+02:00",
        "2026-10-26 02:30+01:00",
    ]


def test_the_odd_days_of_the_coming_year_are_named() -> None:
    found = berlin("02:30").odd(moment("2026-11-22 12:00"))
    assert [(odd.day, odd.what) for odd in found] == [
        (date(2027, 3, 28), "skip"),
        (date(2027, 10, 31), "show twice"),
    ]
    assert berlin("02:30", WORK).odd(moment("2026-11-22 12:00")) == []  # both are Sundays
    assert berlin("22:00").odd(moment("2026-11-22 12:00")) == []


def test_without_a_zone_it_is_the_machines() -> None:
    calendar = Calendar(at=time(22))
    assert datetime.fromtimestamp(calendar.next(moment("2026-11-22 12:00"))).hour == 22


@pytest.mark.parametrize("text", ["25:00", "22", "22:60", "tonight", "", "10pm"])
def test_what_is_no_time_of_the_day_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"^--at .* is no time of the day; write 00:00 to 23:59"):
        wall(text, "--at")


@pytest.mark.parametrize(
    ("text", "found", "again"),
    [
        ("daily", range(7), "daily"),
        ("mon-fri", range(5), "mon-fri"),
        ("sat,sun", (5, 6), "sat,sun"),
        ("Monday, friday", (0, 4), "mon,fri"),
        ("fri-mon", (4, 5, 6, 0), "mon,fri-sun"),
        ("wed", (2,), "wed"),
        ("mon-sun", range(7), "daily"),
    ],
)
def test_days_are_read_and_spoken(text: str, found: object, again: str) -> None:
    assert days(text) == frozenset(found)  # type: ignore[call-overload]
    assert spoken(days(text)) == again


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("tues-fry", "'fry' is no day; did you mean"),
        ("weekdays", "'weekdays' is no day"),
        ("mon-", "'' is no day"),
        ("", "'' is no day"),
    ],
)
def test_what_is_no_day_is_refused(text: str, said: str) -> None:
    with pytest.raises(ValueError, match=r"^--days") as caught:
        days(text)
    assert said in str(caught.value)
