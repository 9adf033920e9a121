from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.schedules import starts
from nightsweep.cluster.schedules.cron import Cron
from nightsweep.cluster.schedules.starts import Start
from nightsweep.cluster.schedules.told import endless, line, made
from nightsweep.search.sweep import Sweep

from .plan import Crontab, at, entry

SUNDAY = at("2026-11-22 12:00")


def told(folder: Path, environ: dict[str, str] | None = None, **changes: Any) -> list[str]:
    return list(made(entry(folder, **changes), "why", environ or {}, lingers=False))


def test_a_new_schedule_tells_when_it_starts_and_what_it_does_then(tmp_path: Path) -> None:
    assert told(tmp_path, until="07:00") == [
        "digits is scheduled: 22:00-07:00 daily Etc/UTC, by cron (why)",
        "next start: Fri 2026-11-20 22:00",
        "each night goes on with the run that is not done, or begins one in runs/digits-<time>",
        "to try it now: nightsweep tonight digits; to end it: nightsweep unschedule digits",
    ]
    assert "once that is done, no more" in told(tmp_path, once=True)[2]


@pytest.mark.parametrize(
    ("changes", "expected"),
    [
        ({}, True),
        ({"trials": 40}, False),
        ({"time": "20h"}, False),
        ({"sampler": "grid", "parameters": {"x": {"values": [1, 2]}}}, False),
    ],
)
def test_a_sweep_without_an_end_of_its_own_is_told_to_have_none(
    tmp_path: Path, changes: dict[str, Any], expected: bool
) -> None:
    sweep = Sweep(**{"metric": "loss", "parameters": {"x": {"min": 0.0, "max": 1.0}}} | changes)
    assert endless(replace(entry(tmp_path, until="07:00"), sweep=sweep)) is expected
    assert not endless(replace(entry(tmp_path), sweep=sweep))


def test_the_nights_in_which_the_clocks_change_are_named(tmp_path: Path) -> None:
    def odd(**changes: Any) -> list[str]:
        said = told(tmp_path, zone="Europe/Berlin", **changes)
        return [text for text in said if text.startswith("on ")]

    assert odd(at="02:30") == [
        "on 2027-03-28 the clocks skip 02:30: it starts when they have changed",
        "on 2027-10-31 the clocks show 02:30 twice: it starts the first time",
    ]
    assert odd(at="02:30", using="systemd")[0] == (
        "on 2027-03-28 the clocks skip 02:30: systemd starts nothing in that night"
    )
    assert odd(until="02:30") == [
        "on 2027-03-28 the clocks skip 02:30: it ends when they have changed",
        "on 2027-10-31 the clocks show 02:30 twice: it ends the first time",
    ]


def test_secrets_that_were_left_out_are_named_with_what_to_do(tmp_path: Path) -> None:
    said = told(tmp_path, {"HOME": "/home/ann", "HF_TOKEN": "hf_s3cret"})
    (text,) = [text for text in said if "HF_TOKEN" in text]
    assert "/home/ann/.config/nightsweep/environment (chmod 600)" in text
    assert "s3cret" not in text


def test_who_does_not_linger_reads_that_systemd_ends_at_logout(tmp_path: Path) -> None:
    assert [text for text in told(tmp_path, using="systemd") if "loginctl enable-linger" in text]
    assert not [text for text in told(tmp_path) if "linger" in text]


def lines(folder: Path, *known: Start, held: bool = False) -> list[str]:
    """What the list says of the digits, which cron has."""
    one = entry(folder)
    one.place.path.mkdir(parents=True)
    one.place.write(one.schedule)
    cron = Cron(Crontab(), alive=lambda: True, zone="Etc/UTC")
    cron.add(one)
    for start in known:
        starts.add(one.place.starts, start)
    if not held:
        return list(line(one.place, cron, SUNDAY).lines)
    with one.place.alone():
        return list(line(one.place, cron, SUNDAY).lines)


FRIDAY = Start(at=at("2026-11-20 22:00:01"), run="/runs/digits-1")
SATURDAY = replace(FRIDAY, at=at("2026-11-21 22:00:01"))


def test_a_night_that_is_at_work_and_one_that_was_killed_are_told_apart(tmp_path: Path) -> None:
    assert lines(tmp_path / "a", SATURDAY, held=True)[2] == (
        "  last start Sat 2026-11-21 22:00: at work, in /runs/digits-1"
    )
    assert lines(tmp_path / "b", SATURDAY)[2].endswith(": was killed, in /runs/digits-1")


def test_what_came_of_the_last_start_is_told_by_its_exit_code(tmp_path: Path) -> None:
    words = [
        lines(tmp_path / str(code), replace(SATURDAY, ended=SATURDAY.at + 9, code=code))[2][35:]
        for code in (0, 1, 2, 75, 137)
    ]
    assert words == [
        "done, in /runs/digits-1",
        "done, no trial has reported a finite value, in /runs/digits-1",
        "refused, in /runs/digits-1",
        "not done yet, in /runs/digits-1",
        "failed with exit code 137: its log says why, in /runs/digits-1",
    ]


def test_a_start_that_came_to_nothing_says_why(tmp_path: Path) -> None:
    said = replace(SATURDAY, said="digits.yaml: no such file\nand more")
    assert lines(tmp_path, said)[2].endswith(": digits.yaml: no such file")


def test_starts_that_have_been_missed_since_the_last_are_listed(tmp_path: Path) -> None:
    assert lines(tmp_path, FRIDAY)[-1].startswith("  1 start was missed: Sat 2026-11-21 22:00 (")
    assert not [text for text in lines(tmp_path / "b", SATURDAY) if "missed" in text]
