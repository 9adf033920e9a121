"""A CronJob with a kubectl that talks to nobody."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
import yaml

from nightsweep.cluster.jobs import record
from nightsweep.cluster.jobs.kubernetes.manifest import names
from nightsweep.cluster.jobs.kubernetes.site import KubernetesSite
from nightsweep.cluster.schedules.kubernetes import CronJob, as_job, fields
from nightsweep.cluster.schedules.timer import Entry
from nightsweep.cluster.schedules.told import line, made
from nightsweep.search.errors import NightsweepError

from ..jobs.kubernetes.kube import Kube
from ..jobs.kubernetes.kube import job as kubernetes_job
from .plan import at, entry, schedule

SENT = {"kind": "List", "items": [{"metadata": {"namespace": "research"}}]}
NOT_FOUND = 'Error from server (NotFound): rayjobs.ray.io "digits" not found'


@pytest.fixture
def kube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kube:
    return Kube(tmp_path / "kube", monkeypatch)


def one(tmp_path: Path, until: str | None = "07:00") -> Entry:
    made = entry(tmp_path, using="kubernetes", to="kubernetes", until=until, zone="Europe/Berlin")
    made.place.path.mkdir(parents=True)
    sweep = kubernetes_job(tmp_path).sweep
    return Entry(schedule=made.schedule, place=made.place, sweep=sweep)


def kinds(text: str) -> list[str]:
    """Of the objects that kubectl was given."""
    return [document["kind"] for document in yaml.safe_load_all(text)]


def test_the_manifest_has_the_time_the_zone_and_the_end_of_every_night(tmp_path: Path) -> None:
    text = CronJob().text(one(tmp_path))
    (cron,) = [doc for doc in yaml.safe_load_all(text) if doc["kind"] == "CronJob"]
    assert (cron["spec"]["schedule"], cron["spec"]["timeZone"]) == ("0 22 * * *", "Europe/Berlin")
    assert "--deadline '07:00 Europe/Berlin'" in text


@pytest.mark.parametrize(
    ("days", "written"),
    [
        (range(7), "0 22 * * *"),
        (range(5), "0 22 * * MON-FRI"),
        ((5, 6), "0 22 * * SAT,SUN"),
        ((4, 5, 6), "0 22 * * FRI,SAT,SUN"),
        ((0, 4, 5, 6), "0 22 * * MON,FRI,SAT,SUN"),
        (range(1, 7), "0 22 * * TUE-SAT,SUN"),
        ((6,), "0 22 * * SUN"),
    ],
)
def test_days_are_in_kubernetes_words_and_no_range_ends_on_a_sunday_which_is_its_first_day(
    tmp_path: Path, days: object, written: str
) -> None:
    assert fields(schedule(tmp_path, days=days)) == written


def test_what_was_applied_is_taken_away_where_it_was_applied(tmp_path: Path, kube: Kube) -> None:
    kube.tell("apply", SENT)
    kube.tell("delete", "cronjob.batch/digits deleted\n")
    kube.tell("get rayjob", err=NOT_FOUND)
    kube.tell("get", "cronjob.batch/digits\n")
    first = one(tmp_path)
    timer = CronJob(context=lambda: "elsewhere")
    added = Entry(schedule=timer.add(first), place=first.place)
    assert timer.holds(added)
    assert timer.remove(added) == ""
    name = names(as_job(first))[0]
    apply = "apply --server-side --force-conflicts --field-manager=nightsweep-schedule"
    assert kube.asked == [
        f"--context=lab {apply} --dry-run=server --filename=-",
        f"--context=lab {apply} --filename=- --output=json",
        "--context=lab get --filename=-",
        "--context=lab delete --ignore-not-found --filename=-",
        f"--context=lab --namespace=research get rayjob {name} --output json",
        "--context=lab delete --ignore-not-found --filename=-",
    ]
    tried, applied, held, *deleted = kube.applied
    assert {tried, applied, held} == {timer.text(first)}
    assert [kinds(text) for text in deleted] == [
        ["ServiceAccount", "Role", "RoleBinding", "CronJob"],
        ["ConfigMap"],
    ]


def test_what_is_gone_is_no_error_and_not_held(tmp_path: Path, kube: Kube) -> None:
    kube.tell("apply", SENT)
    kube.tell("get", err=NOT_FOUND)
    kube.tell("delete", "")
    first = one(tmp_path)
    timer = CronJob(context=lambda: "lab")
    added = Entry(schedule=timer.add(first), place=first.place)
    assert not timer.holds(added)
    assert timer.remove(added) == "kubernetes did not know it any more"


def test_a_night_that_is_at_work_keeps_its_configmap(tmp_path: Path, kube: Kube) -> None:
    kube.tell("apply", SENT)
    kube.tell("delete", "cronjob.batch/digits deleted\n")
    status = {"jobDeploymentStatus": "Running", "jobStatus": "RUNNING"}
    kube.tell("get rayjob", {"metadata": {}, "status": status})
    first = one(tmp_path)
    timer = CronJob(context=lambda: "lab")
    said = timer.remove(Entry(schedule=timer.add(first), place=first.place))
    assert f"reads the ConfigMap {names(as_job(first))[0]}, which stays" in said
    assert "ConfigMap" not in kinds(kube.applied[-1])


def test_a_cluster_without_kuberay_has_no_night_at_work(tmp_path: Path, kube: Kube) -> None:
    kube.tell("apply", SENT)
    kube.tell("delete", "cronjob.batch/digits deleted\n")
    kube.tell("get rayjob", err='error: the server doesn\'t have a resource type "rayjob"')
    first = one(tmp_path)
    timer = CronJob(context=lambda: "lab")
    assert timer.remove(Entry(schedule=timer.add(first), place=first.place)) == ""
    assert kinds(kube.applied[-1]) == ["ConfigMap"]


def test_its_run_is_a_job_that_can_be_asked_for_its_log_stopped_and_fetched(
    tmp_path: Path, kube: Kube
) -> None:
    kube.tell("apply", SENT)
    first = one(tmp_path)
    made = CronJob(context=lambda: "lab").add(first)
    assert made.run == tmp_path / "runs" / "digits-20261120-130000"  # when it was scheduled
    known = record.read(made.run)
    assert known is not None
    assert (known.site, known.id) == ("kubernetes", f"research/{names(as_job(first))[0]}@lab")
    assert known.words == ("--deadline", "07:00 Europe/Berlin")
    kube.tell("logs", "1 s: 0 of 40 trials\n")
    assert list(KubernetesSite().logs(made.run, known.id, follow=False)) == ["1 s: 0 of 40 trials"]


def test_a_later_schedule_of_the_same_name_has_a_run_of_its_own(tmp_path: Path) -> None:
    first = one(tmp_path)
    later = replace(first, schedule=schedule(tmp_path, made=first.schedule.made + 60))
    assert as_job(first).run != as_job(later).run
    assert names(as_job(first)) != names(as_job(later))


@pytest.mark.parametrize(("refused", "deleted"), [("--dry-run=server", 0), ("output=json", 1)])
def test_what_the_cluster_refuses_leaves_nothing_behind(
    tmp_path: Path, kube: Kube, refused: str, deleted: int
) -> None:
    kube.tell(refused, err='Error from server (Forbidden): roles "digits" is forbidden')
    kube.tell("apply|delete")
    with pytest.raises(NightsweepError, match="forbidden"):
        CronJob(context=lambda: "lab").add(one(tmp_path))
    assert sum(" delete " in words for words in kube.asked) == deleted
    assert not list((tmp_path / "runs").iterdir())


def test_what_is_said_of_a_schedule_names_its_run_and_how_its_nights_stand(
    tmp_path: Path, kube: Kube, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    kube.tell("apply", SENT)
    kube.tell("version", "{}")
    kube.tell("get rayjob", {"metadata": {}, "status": {"jobDeploymentStatus": "Complete"}})
    kube.tell("get", "cronjob.batch/digits\n")
    first = one(tmp_path)
    timer = CronJob(context=lambda: "lab")
    added = replace(first, schedule=timer.add(first))
    assert "fetch of runs/digits-20261120-130000 tell" in [*made(added, "", {}, lingers=True)][2]
    added.place.write(added.schedule)
    assert line(added.place, timer, at("2026-11-20 20:59")).job == ""
    assert line(added.place, timer, at("2026-11-20 21:01")).job.endswith("kubernetes is done")


def test_a_night_of_more_than_half_a_day_is_refused(tmp_path: Path) -> None:
    with pytest.raises(NightsweepError, match="more than half a day"):
        CronJob().text(one(tmp_path, until="11:00"))


def test_a_cluster_that_does_not_answer_is_a_hindrance(kube: Kube) -> None:
    kube.tell("version", err="The connection to the server was refused: connection refused")
    assert "no Kubernetes cluster answers" in CronJob(context=lambda: "").hindrance()
