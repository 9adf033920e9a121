from __future__ import annotations

from datetime import datetime
from zoneinfo import ZoneInfo

from nightsweep.cluster.hold import BY_HAND, Hold
from nightsweep.search.window import Window

BERLIN = ZoneInfo("Europe/Berlin")
NIGHT = [Window.parse("22:00-07:00 Europe/Berlin")]
OUTSIDE = "outside its window, 22:00-07:00 Europe/Berlin; goes on at 22:00"


def at(hour: int, minute: int = 0, day: int = 10) -> float:
    return datetime(2026, 1, day, hour, minute, tzinfo=BERLIN).timestamp()


def test_without_a_window_nothing_holds_a_sweep_but_a_hand() -> None:
    hold = Hold()
    assert hold.why(at(12)) == ""
    hold.pause()
    assert hold.why(at(12)) == hold.why(at(12, day=20)) == BY_HAND
    hold.go_on(at(13))
    assert hold.why(at(13)) == ""


def test_a_sweep_is_held_outside_its_window_and_says_until_when() -> None:
    hold = Hold(NIGHT)
    assert [hold.why(at(hour)) for hour in (6, 7, 12, 21, 22, 23)] == [
        "", OUTSIDE, OUTSIDE, OUTSIDE, "", "",
    ]  # fmt: skip


def test_all_windows_are_named() -> None:
    hold = Hold([*NIGHT, Window.parse("12:00-13:00 Europe/Berlin")])
    assert hold.why(at(9)) == (
        "outside its window, 22:00-07:00 Europe/Berlin and 12:00-13:00 Europe/Berlin; goes on at "
        "12:00"
    )


def test_what_is_paused_by_hand_waits_for_a_hand_when_its_window_opens() -> None:
    hold = Hold(NIGHT)
    hold.pause()
    assert [hold.why(at(hour)) for hour in (6, 12, 23)] == [BY_HAND] * 3
    hold.go_on(at(23))
    assert hold.why(at(23)) == ""


def test_told_to_go_on_outside_its_window_it_does_so_until_the_next_one_closes() -> None:
    hold = Hold(NIGHT)
    hold.go_on(at(12))
    assert [hold.why(at(hour)) for hour in (12, 21, 23)] == [""] * 3
    assert hold.why(at(6, day=11)) == ""
    assert hold.why(at(7, day=11)) == OUTSIDE


def test_a_pause_takes_back_a_word_to_go_on_only_for_as_long_as_it_lasts() -> None:
    hold = Hold(NIGHT)
    hold.go_on(at(12))
    hold.pause()
    assert hold.why(at(13)) == BY_HAND
    hold.go_on(at(14))
    assert hold.why(at(15)) == ""


def test_a_word_to_go_on_inside_the_window_says_nothing_of_the_time_outside() -> None:
    hold = Hold(NIGHT)
    hold.pause()
    hold.go_on(at(23))
    assert hold.why(at(7, day=11)) == OUTSIDE


def test_it_is_known_when_a_sweep_will_be_held_again() -> None:
    assert Hold(NIGHT).ends(at(23)) == Hold(NIGHT).ends(at(12)) == "07:00"
    assert Hold().ends(at(12)) == ""
