from __future__ import annotations

import shutil
import subprocess
from collections.abc import Sequence
from pathlib import Path

import pytest

from nightsweep.cluster.schedules.program import Ended
from nightsweep.cluster.schedules.systemd import Systemd, on_calendar
from nightsweep.search.errors import NightsweepError

from .plan import entry, schedule


class Manager:
    """Notes what systemctl was asked, and fails at one word."""

    def __init__(self, fails: str = "") -> None:
        self.asked: list[str] = []
        self.fails = fails

    def __call__(self, command: Sequence[str], given: str = "") -> Ended:
        words = " ".join(command)
        self.asked.append(words.removeprefix("systemctl --user "))
        if self.fails and self.fails in words:
            return Ended(code=1, err="Failed to connect to bus: No medium found\n")
        return Ended(out="Version=252\n")


def test_the_units_are_written_and_the_timer_is_started(tmp_path: Path) -> None:
    manager, units, one = Manager(), tmp_path / "units", entry(tmp_path, using="systemd")
    systemd = Systemd(units, manager)
    systemd.add(one)
    timer = (units / "nightsweep-digits.timer").read_text()
    service = (units / "nightsweep-digits.service").read_text()
    assert "OnCalendar=*-*-* 22:00:00 Etc/UTC\n" in timer
    assert f'ExecStart="{tmp_path}/state/digits/start.sh"\n' in service
    assert manager.asked == ["daemon-reload", "enable --now nightsweep-digits.timer"]
    assert timer in systemd.text(one)
    assert service in systemd.text(one)


def test_a_missed_start_is_caught_up_only_where_the_night_has_an_end(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path, Manager())
    assert "Persistent" not in systemd.text(entry(tmp_path))
    assert "Persistent=true" in systemd.text(entry(tmp_path, until="07:00"))


def test_its_own_units_go_and_others_stay(tmp_path: Path) -> None:
    manager, one = Manager(), entry(tmp_path)
    other = tmp_path / "nightsweep-digits-2.timer"
    other.write_text("[Timer]\n")
    systemd = Systemd(tmp_path, manager)
    assert not systemd.holds(one)
    systemd.add(one)
    assert systemd.holds(one)
    assert systemd.remove(one) == ""
    assert sorted(path.name for path in tmp_path.iterdir()) == [other.name]
    assert "disable --now nightsweep-digits.timer" in manager.asked
    assert systemd.remove(one) == "systemd did not know it any more"


def test_what_cannot_be_started_leaves_no_unit_behind(tmp_path: Path) -> None:
    systemd = Systemd(tmp_path, Manager(fails="enable"))
    with pytest.raises(NightsweepError, match=r"^systemctl --user enable .*No medium found$"):
        systemd.add(entry(tmp_path))
    assert list(tmp_path.iterdir()) == []


def test_a_manager_that_does_not_answer_is_a_hindrance(tmp_path: Path) -> None:
    assert "No medium found" in Systemd(tmp_path, Manager(fails="show")).hindrance()
    assert Systemd(tmp_path, Manager()).hindrance() == ""
    missing = Systemd(tmp_path, lambda words, given: Ended(code=127))
    assert missing.hindrance() == "there is no systemd"


def test_lingering_is_asked_for_and_told(tmp_path: Path) -> None:
    yes = Systemd(tmp_path, lambda words, given: Ended(out="Linger=yes\n"), user="ann")
    assert yes.lingers()
    assert not Systemd(tmp_path, Manager(), user="ann").lingers()


@pytest.mark.parametrize(
    ("days", "written"),
    [
        (range(5), "Mon..Fri *-*-* 22:00:00 Etc/UTC"),
        ((0, 5, 6), "Mon,Sat,Sun *-*-* 22:00:00 Etc/UTC"),
        (range(7), "*-*-* 22:00:00 Etc/UTC"),
    ],
)
def test_systemd_understands_the_times(tmp_path: Path, days: Sequence[int], written: str) -> None:
    text = on_calendar(schedule(tmp_path, days=days))
    assert text == written
    if shutil.which("systemd-analyze"):
        subprocess.run(["systemd-analyze", "calendar", text], check=True, capture_output=True)


@pytest.mark.skipif(not shutil.which("systemd-analyze"), reason="there is no systemd-analyze")
def test_systemd_finds_nothing_wrong_with_the_units(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    one = entry(tmp_path / "100% $mine", until="07:00")
    one.place.path.mkdir(parents=True)
    one.place.script.write_text("#!/bin/sh\n")
    one.place.script.chmod(0o700)
    Systemd(tmp_path, Manager()).add(one)
    monkeypatch.setenv("XDG_RUNTIME_DIR", str(tmp_path))
    units = [str(tmp_path / f"nightsweep-digits.{kind}") for kind in ("service", "timer")]
    done = subprocess.run(
        ["systemd-analyze", "verify", "--user", "--man=no", *units], capture_output=True, text=True
    )
    assert (done.returncode, done.stdout + done.stderr) == (0, "")
