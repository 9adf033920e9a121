from __future__ import annotations

import math
from datetime import datetime
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from nightsweep.search.errors import SweepError
from nightsweep.search.sweep import Sweep
from nightsweep.search.sweepfile import load
from nightsweep.search.window import Window, change, is_open

BERLIN = ZoneInfo("Europe/Berlin")
TWINS = "metric: loss\nparameters: {x: {min: 0.0, max: 1.0}}\n"
NIGHT = "22:00-07:00 Europe/Berlin"


def moment(text: str) -> float:
    """Seconds since 1970 of a time on the wall in Berlin, fold and offset included."""
    parsed = datetime.fromisoformat(text)
    return (parsed if parsed.tzinfo else parsed.replace(tzinfo=BERLIN)).timestamp()


def windows(*texts: str) -> list[Window]:
    return [Window.parse(text) for text in texts]


def opened(*texts: str, now: str) -> bool:
    return is_open(windows(*texts), moment(now))


def changes(*texts: str, now: str) -> str:
    """When the windows change next, on the wall in Berlin."""
    seconds = change(windows(*texts), moment(now))
    return datetime.fromtimestamp(seconds, BERLIN).isoformat(" ", "minutes")


@pytest.mark.parametrize(
    ("now", "expected"),
    [
        ("2026-01-10 21:59", False),
        ("2026-01-10 22:00", True),
        ("2026-01-11 00:00", True),
        ("2026-01-11 06:59", True),
        ("2026-01-11 07:00", False),
        ("2026-01-11 12:00", False),
    ],
)
def test_a_window_over_midnight_is_open_from_its_begin_until_before_its_end(
    now: str, expected: bool
) -> None:
    assert opened(NIGHT, now=now) is expected


def test_a_window_of_the_day_is_closed_at_night() -> None:
    assert opened("09:00-17:30 Europe/Berlin", now="2026-01-10 17:29")
    assert not opened("09:00-17:30 Europe/Berlin", now="2026-01-10 17:30")
    assert not opened("09:00-17:30 Europe/Berlin", now="2026-01-10 03:00")


def test_the_next_change_is_the_end_of_an_open_window_and_the_begin_of_a_closed_one() -> None:
    assert changes(NIGHT, now="2026-01-10 23:00") == "2026-01-11 07:00+01:00"
    assert changes(NIGHT, now="2026-01-11 06:00") == "2026-01-11 07:00+01:00"
    assert changes(NIGHT, now="2026-01-11 07:00") == "2026-01-11 22:00+01:00"


@pytest.mark.parametrize(("evening", "hours"), [("2026-03-28 22:00", 8), ("2026-10-24 22:00", 10)])
def test_in_a_night_in_which_the_clocks_change_a_window_closes_when_the_wall_says_so(
    evening: str, hours: int
) -> None:
    assert change(windows(NIGHT), moment(evening)) - moment(evening) == hours * 3600


def test_an_hour_that_the_wall_shows_twice_is_searched_in_once() -> None:
    hour = "02:00-03:00 Europe/Berlin"
    assert opened(hour, now="2026-10-25 02:30+02:00")
    # Until 03:00 the wall shows 02:00 to 03:00 once more, and the window is open.
    assert opened(hour, now="2026-10-25 02:30+01:00")
    assert changes(hour, now="2026-10-25 02:30+02:00") == "2026-10-25 03:00+01:00"
    assert changes("02:15-02:45 Europe/Berlin", now="2026-10-25 02:20+02:00") == (
        "2026-10-25 02:45+02:00"
    )
    assert not opened("02:15-02:45 Europe/Berlin", now="2026-10-25 02:20+01:00")


def test_an_hour_that_the_wall_never_shows_is_left_out_and_the_next_night_has_it() -> None:
    hour = "02:00-03:00 Europe/Berlin"
    assert changes(hour, now="2026-03-28 04:00") == "2026-03-30 02:00+02:00"
    assert not opened(hour, now="2026-03-29 03:30")


def test_of_several_windows_any_will_do_and_those_that_touch_are_one() -> None:
    lunch = "12:00-13:00 Europe/Berlin"
    assert opened(NIGHT, lunch, now="2026-01-10 12:30")
    assert changes(NIGHT, lunch, now="2026-01-10 13:30") == "2026-01-10 22:00+01:00"
    early = ["20:00-22:00 Europe/Berlin", NIGHT]
    assert changes(*early, now="2026-01-10 21:00") == "2026-01-11 07:00+01:00"


def test_windows_that_leave_no_gap_never_close_and_none_at_all_is_always() -> None:
    whole = windows(NIGHT, "07:00-22:00 Europe/Berlin")
    assert is_open(whole, moment("2026-01-10 12:00"))
    assert change(whole, moment("2026-01-10 12:00")) == math.inf
    assert (is_open([], 0.0), change([], 0.0)) == (True, math.inf)


def test_windows_may_be_in_different_zones() -> None:
    assert opened(NIGHT, "22:00-23:00 Asia/Tokyo", now="2026-01-10 14:30")


def test_a_window_may_end_at_midnight() -> None:
    assert changes("18:00-24:00 Europe/Berlin", now="2026-01-10 23:00") == "2026-01-11 00:00+01:00"


def test_the_clock_of_a_window_is_that_of_its_zone() -> None:
    assert Window.parse("22:00-07:00 Asia/Tokyo").clock(moment("2026-01-10 14:00")) == "22:00"


@pytest.mark.parametrize(
    ("given", "written"),
    [
        ("22:00-07:00", "22:00-07:00"),
        (" 22:00 - 7:00 ", "22:00-07:00"),
        ("22:00-07:00   Europe/Berlin", NIGHT),
    ],
)
def test_a_window_is_written_in_one_way(given: str, written: str) -> None:
    assert str(Window.parse(given)) == written
    assert Window.parse(written) == Window.parse(given)


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ("at night", "'at night' is no window; write"),
        ("22:00", "'22:00' is no window; write"),
        ("22-7", "'22-7' is no window; write"),
        ("25:00-07:00", "'25:00-07:00' is no window ("),
        (1320, "1320 is no window; write"),
        ("22:00-22:00", "'22:00-22:00' opens when it closes; leave it out"),
        ("22:00-07:00 Europe/Berln", "'Europe/Berln' is no time zone; did you mean"),
    ],
    ids=str,
)
def test_what_is_no_window_is_refused_and_told_what_is(given: object, message: str) -> None:
    with pytest.raises(ValueError, match=r"^[^\n]*$") as caught:
        Window.parse(given)
    assert message in str(caught.value)


@pytest.mark.parametrize(
    "text", ["window: 22:00-07:00", 'window: "22:00-07:00"', "window: [22:00-7:00]"]
)
def test_a_sweep_file_gives_one_window_or_a_list(tmp_path: Path, text: str) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(TWINS + text)
    assert load(file).window == ("22:00-07:00",)


def test_a_wrong_one_in_a_sweep_file_is_a_mistake_with_its_line(tmp_path: Path) -> None:
    file = tmp_path / "s.yaml"
    file.write_text(TWINS + "window: at night\n")
    with pytest.raises(SweepError, match=r"s\.yaml:3: window.*'at night' is no window; write"):
        load(file)


def test_a_sweep_without_one_has_none() -> None:
    assert Sweep(metric="loss", parameters={"x": {"min": 0.0, "max": 1.0}}).window == ()
