from __future__ import annotations

from datetime import UTC, datetime, time
from pathlib import Path

from nightsweep.cluster.schedules import starts
from nightsweep.cluster.schedules.calendar import Calendar
from nightsweep.cluster.schedules.starts import Start

NIGHTLY = Calendar(at=time(22), zone="Etc/UTC")


def at(text: str) -> float:
    return datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp()


def missed(*came: str, since: str = "2026-11-20 12:00", now: str) -> list[str]:
    known = [Start(at=at(text)) for text in came]
    found = starts.missed(NIGHTLY, known, at(since), at(now))
    return [f"{datetime.fromtimestamp(moment, UTC):%a %H:%M}" for moment in found]


def test_a_start_that_came_is_not_missed_and_one_that_did_not_is() -> None:
    came = ["2026-11-20 22:00:01", "2026-11-22 22:00:02"]
    assert missed(*came, now="2026-11-23 12:00") == ["Sat 22:00"]


def test_a_late_start_counts_for_the_time_before_it() -> None:
    assert missed("2026-11-20 23:40", now="2026-11-21 12:00") == []


def test_clocks_may_differ_by_some_seconds() -> None:
    assert missed("2026-11-20 21:59:40", now="2026-11-21 12:00") == []


def test_one_that_is_due_just_now_is_given_some_minutes() -> None:
    assert missed(now="2026-11-20 22:04") == []
    assert missed(now="2026-11-20 22:06") == ["Fri 22:00"]


def test_nothing_was_due_before_the_schedule_was_made() -> None:
    assert missed(since="2026-11-20 22:30", now="2026-11-21 12:00") == []


def test_starts_are_read_as_they_were_put_down_with_their_ends(tmp_path: Path) -> None:
    path = tmp_path / "starts.jsonl"
    first, second = Start(at=1.0, run="/runs/a"), Start(at=2.0, said="left out")
    starts.add(path, first)
    starts.ended(path, first, "", 60.0, 75)
    starts.add(path, second)
    ended = Start(at=1.0, run="/runs/a", ended=60.0, code=75)
    assert starts.read(path) == [ended, second]


def test_a_line_that_a_crash_has_cut_is_left_out(tmp_path: Path) -> None:
    path = tmp_path / "starts.jsonl"
    starts.add(path, Start(at=1.0))
    with path.open("a") as file:
        file.write('{"at": 2.0, "ru')
    assert starts.read(path) == [Start(at=1.0)]


def test_the_end_of_a_night_whose_schedule_has_gone_is_told_to_nobody(tmp_path: Path) -> None:
    starts.ended(tmp_path / "gone" / "starts.jsonl", Start(at=1.0), "", 2.0, 0)
    assert list(tmp_path.iterdir()) == []
