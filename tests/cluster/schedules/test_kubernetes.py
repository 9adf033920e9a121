"""A CronJob with a kubectl that talks to nobody."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from nightsweep.cluster.schedules.kubernetes import CronJob, fields
from nightsweep.cluster.schedules.timer import Entry
from nightsweep.search.errors import NightsweepError

from ..jobs.kubernetes.kube import Kube
from ..jobs.kubernetes.kube import job as kubernetes_job
from .plan import entry, schedule


@pytest.fixture
def kube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kube:
    return Kube(tmp_path / "kube", monkeypatch)


def one(tmp_path: Path, until: str | None = "07:00") -> Entry:
    made = entry(tmp_path, using="kubernetes", to="kubernetes", until=until, zone="Europe/Berlin")
    made.place.path.mkdir(parents=True)
    sweep = kubernetes_job(tmp_path).sweep
    return Entry(schedule=made.schedule, place=made.place, sweep=sweep)


def test_the_manifest_has_the_time_the_zone_and_the_end_of_every_night(tmp_path: Path) -> None:
    text = CronJob().text(one(tmp_path))
    (cron,) = [doc for doc in yaml.safe_load_all(text) if doc["kind"] == "CronJob"]
    assert (cron["spec"]["schedule"], cron["spec"]["timeZone"]) == ("0 22 * * *", "Europe/Berlin")
    assert "--deadline '07:00 Europe/Berlin'" in text


@pytest.mark.parametrize(
    ("days", "written"),
    [(range(7), "0 22 * * *"), (range(5), "0 22 * * MON-FRI"), ((5, 6), "0 22 * * SAT,SUN")],
)
def test_days_are_in_kubernetes_words(tmp_path: Path, days: object, written: str) -> None:
    assert fields(schedule(tmp_path, days=days)) == written


def test_what_was_applied_is_taken_away_where_it_was_applied(tmp_path: Path, kube: Kube) -> None:
    kube.tell("apply|delete", "cronjob.batch/digits changed\n")
    kube.tell("get", "cronjob.batch/digits\n")
    first = one(tmp_path)
    timer = CronJob(context=lambda: "elsewhere")
    added = Entry(schedule=timer.add(first), place=first.place)
    assert timer.holds(added)
    assert timer.remove(added)
    assert kube.asked == [
        "--context=lab apply --filename=-",
        "--context=lab get --filename=-",
        "--context=lab delete --ignore-not-found --filename=-",
    ]
    assert set(kube.applied) == {timer.text(first)}


def test_what_is_gone_is_no_error_and_not_held(tmp_path: Path, kube: Kube) -> None:
    kube.tell("apply", "made\n")
    kube.tell("get", err='Error from server (NotFound): cronjobs.batch "digits" not found')
    kube.tell("delete", "")
    first = one(tmp_path)
    timer = CronJob(context=lambda: "lab")
    added = Entry(schedule=timer.add(first), place=first.place)
    assert not timer.holds(added)
    assert not timer.remove(added)


def test_a_night_of_more_than_half_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NightsweepError, match="more than half a day"):
        CronJob().text(one(tmp_path, until="11:00"))


def test_a_cluster_that_does_not_answer_is_a_hindrance(kube: Kube) -> None:
    kube.tell("version", err="The connection to the server was refused: connection refused")
    assert "no Kubernetes cluster answers" in CronJob(context=lambda: "").hindrance()
