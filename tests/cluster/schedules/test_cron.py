from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from nightsweep.cluster.schedules.calendar import Calendar, wall
from nightsweep.cluster.schedules.cron import Cron, alive, when
from nightsweep.cluster.schedules.program import Ended
from nightsweep.search.errors import NightsweepError

from .plan import Crontab, at, entry

OTHERS = """\
# m h  dom mon dow   command
MAILTO=ann@example.org
CRON_TZ=Asia/Tokyo

*/5 * * * * /usr/bin/true  # nightsweep digits
0 3 * * * backup "$HOME" \\%F \xe4 \udce4
# nightsweep digits
"""


def cron(table: Crontab, zone: str = "Etc/UTC") -> Cron:
    return Cron(table, alive=lambda: True, zone=zone)


def test_the_line_comes_first_so_that_no_setting_of_others_is_taken_for_it(tmp_path: Path) -> None:
    table, one = Crontab(OTHERS), entry(tmp_path)
    cron(table).add(one)
    line = f"0 22 * * * {tmp_path}/state/digits/start.sh # nightsweep digits\n"
    assert table.text == line + OTHERS
    assert cron(table).text(one) == line


@pytest.mark.parametrize("before", [OTHERS, "\n", "# only a comment\n", OTHERS + "\n\n"])
def test_what_is_removed_is_exactly_what_was_added(tmp_path: Path, before: str) -> None:
    table, one, two = Crontab(before), entry(tmp_path), entry(tmp_path, name="other")
    cron(table).add(two)
    with_two = table.text
    cron(table).add(one)
    assert cron(table).holds(one)
    assert cron(table).remove(one) == ""
    assert table.text == with_two
    assert not cron(table).holds(one)
    assert cron(table).remove(one) == "cron did not know it any more"
    assert cron(table).remove(two) == ""
    assert table.text == before


def test_who_had_no_crontab_has_none_after_it(tmp_path: Path) -> None:
    table, one = Crontab(), entry(tmp_path)
    cron(table).add(one)
    cron(table).remove(one)
    assert table.text is None


def test_a_last_line_without_an_end_is_kept_and_gets_the_end_that_crontab_wants(
    tmp_path: Path,
) -> None:
    table, one = Crontab("0 3 * * * backup"), entry(tmp_path)
    cron(table).add(one)
    cron(table).remove(one)
    assert table.text == "0 3 * * * backup\n"


def test_a_percent_sign_does_not_cut_the_command(tmp_path: Path) -> None:
    table, one = Crontab(), entry(tmp_path / "100% mine")
    cron(table).add(one)
    assert f"'{tmp_path}/100\\% mine/state/digits/start.sh'" in (table.text or "")
    assert cron(table).remove(one) == ""


def test_an_entry_that_was_added_twice_is_there_once(tmp_path: Path) -> None:
    table, one = Crontab(OTHERS), entry(tmp_path)
    cron(table).add(one)
    once = table.text
    cron(table).add(one)
    assert table.text == once


@pytest.mark.parametrize(
    ("days", "fields"), [("mon-fri", "1-5"), ("sat,sun", "0,6"), ("daily", "*"), ("wed", "3")]
)
def test_days_are_in_crons_numbers(tmp_path: Path, days: str, fields: str) -> None:
    from nightsweep.cluster.schedules.calendar import days as read

    one = entry(tmp_path, days=sorted(read(days)))
    assert cron(Crontab()).text(one).startswith(f"0 22 * * {fields} ")


def fields(time: str, zone: str, there: str) -> list[str]:
    calendar = Calendar(at=wall(time, "--at"), zone=zone, days=frozenset({0}))
    return when(calendar, there, at("2026-11-20 12:00"))


def test_in_the_systems_zone_there_is_one_line_whatever_the_clocks_do() -> None:
    assert fields("02:30", "Europe/Berlin", "Europe/Berlin") == ["30 2 * * 1"]


def test_in_another_zone_there_is_a_line_for_each_hour_that_it_can_be() -> None:
    assert fields("22:00", "Asia/Tokyo", "Etc/UTC") == ["0 13 * * 1"]
    assert fields("22:00", "Europe/Berlin", "Etc/UTC") == ["0 20 * * 1", "0 21 * * 1"]
    assert fields("01:30", "Europe/Berlin", "Etc/UTC") == ["30 0 * * 1", "30 23 * * 0"]


def test_cron_that_is_not_running_is_a_hindrance_and_so_is_one_that_is_not_there() -> None:
    still = Cron(Crontab(), alive=lambda: False)
    assert "does not run here; start it: service cron start" in still.hindrance()
    gone = Cron(lambda words, given: Ended(code=127), alive=lambda: True)
    assert gone.hindrance() == "there is no crontab"
    assert cron(Crontab()).hindrance() == ""


def test_a_user_who_may_not_use_cron_reads_why(tmp_path: Path) -> None:
    said = "You (ann) are not allowed to use this program (crontab)"
    forbidden = cron(Crontab(refuses=f"{said}\nSee crontab(1) for more information\n"))
    assert forbidden.hindrance() == f"crontab refuses ({said})"
    with pytest.raises(NightsweepError, match=r"^the crontab cannot be read: You \(ann\)"):
        forbidden.add(entry(tmp_path))


def test_cron_is_known_by_its_name_or_by_its_pid_file(tmp_path: Path) -> None:
    proc, run = tmp_path / "proc", tmp_path / "run"
    for path in (proc / "1", proc / "77", run):
        path.mkdir(parents=True)
    (proc / "1" / "comm").write_text("init\n")
    assert not alive(proc, run)
    (run / "crond.pid").write_text(f"{os.getpid()}\n")
    assert alive(proc, run)
    ended = subprocess.Popen(["true"])
    ended.wait()
    (run / "crond.pid").write_text(f"{ended.pid}\n")
    assert not alive(proc, run)
    (proc / "77" / "comm").write_text("cron\n")
    assert alive(proc, run)
