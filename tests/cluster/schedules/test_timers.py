from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.schedules.cron import Cron
from nightsweep.cluster.schedules.program import Ended
from nightsweep.cluster.schedules.schedule import Using
from nightsweep.cluster.schedules.scrontab import Scrontab
from nightsweep.cluster.schedules.systemd import Systemd
from nightsweep.cluster.schedules.timer import Timer
from nightsweep.cluster.schedules.timers import USING, choose, system_zone, timer
from nightsweep.search.errors import NightsweepError

from .plan import Crontab


@dataclass(frozen=True)
class Other:
    name: Using
    why: str

    def hindrance(self) -> str:
        return self.why

    def __getattr__(self, name: str) -> Any: ...


def place(*works: str, lingers: bool = False) -> Mapping[Using, Timer]:
    """A place where these work."""

    def systemctl(command: object, given: str) -> Ended:
        if "loginctl" in str(command):
            return Ended(out="Linger=yes" if lingers else "Linger=no")
        return Ended(out="Version=252") if "systemd" in works else Ended(code=127)

    return {
        "cron": Cron(Crontab(), alive=lambda: "cron" in works),
        "systemd": Systemd(Path("units"), systemctl, user="ann"),
        "scrontab": Scrontab(
            lambda words, given: Ended() if "scrontab" in works else Ended(code=127)
        ),
        "slurm": Other("slurm", "" if "slurm" in works else "there is no Slurm"),
        "kubernetes": Other("kubernetes", "" if "kubernetes" in works else "there is no kubectl"),
    }


def name(found: Mapping[Using, Timer], to: Any = "local", *, one_night: bool = True) -> str:
    return choose(found, to, None, one_night=one_night)[0].name


def test_systemd_is_the_first_choice_only_where_it_lives_on_without_a_login() -> None:
    assert name(place("systemd", "cron", lingers=True)) == "systemd"
    assert name(place("systemd", "cron")) == "cron"
    assert name(place("systemd")) == "systemd"


def test_why_it_is_that_one_is_told() -> None:
    _, why = choose(place("systemd"), "local", None, one_night=True)
    assert why.startswith("cron is installed, but does not run here")
    _, why = choose(place("cron"), "local", None, one_night=True)
    assert why == "it runs here, whoever is logged in"


def test_slurm_itself_starts_one_night_where_nothing_else_does() -> None:
    assert name(place("slurm"), "slurm") == "slurm"
    assert name(place("slurm", "cron"), "slurm") == "cron"
    assert name(place("slurm", "scrontab"), "slurm") == "scrontab"
    assert name(place("slurm", "scrontab"), "slurm", one_night=False) == "scrontab"
    with pytest.raises(NightsweepError):
        name(place("slurm"), "slurm", one_night=False)
    with pytest.raises(NightsweepError):
        name(place("slurm"), "local")


def test_kubernetes_starts_its_own_jobs_where_it_answers() -> None:
    assert name(place("kubernetes", "cron"), "kubernetes") == "kubernetes"
    assert name(place("cron"), "kubernetes") == "cron"
    assert name(place("cron", "kubernetes"), "local") == "cron"


def test_where_nothing_works_each_hindrance_is_told() -> None:
    with pytest.raises(NightsweepError) as caught:
        choose(place(), "local", None, one_night=True)
    assert str(caught.value) == (
        "nothing here starts a sweep at its time: cron is installed, but does not run here; start "
        "it: service cron start; there is no systemd"
    )


def test_what_was_asked_for_and_does_not_work_is_refused_unless_only_to_be_read() -> None:
    with pytest.raises(NightsweepError, match=r"^--using systemd: there is no systemd$"):
        choose(place("cron"), "local", "systemd", one_night=True)
    chosen, why = choose(place(), "local", "systemd", one_night=True, unseen=True)
    assert (chosen.name, why) == ("systemd", "as asked for")


def test_every_timer_has_its_name(tmp_path: Path) -> None:
    environ = {"HOME": str(tmp_path)}
    assert [timer(using, environ).name for using in USING] == list(USING)


def test_the_systems_zone_is_that_of_etc_localtime(tmp_path: Path) -> None:
    link, named = tmp_path / "localtime", tmp_path / "timezone"
    assert system_zone(link, named) == ""
    named.write_text("Europe/Paris\n")
    assert system_zone(link, named) == "Europe/Paris"
    os.symlink("/usr/share/zoneinfo/Europe/Berlin", link)
    assert system_zone(link, named) == "Europe/Berlin"
