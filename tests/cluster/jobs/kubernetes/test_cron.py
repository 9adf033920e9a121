"""A sweep at certain times in Kubernetes: all that a CronJob needs."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
import yaml

from nightsweep.cluster.jobs.kubernetes.cron import cron_manifest
from nightsweep.cluster.jobs.kubernetes.manifest import ray_job
from nightsweep.search.errors import NightsweepError, SweepError

from .kube import job

NIGHTS = ("0 22 * * MON-FRI", "Europe/Berlin")


def made(folder: Path, asked: dict[str, Any] | None = None) -> dict[str, dict[str, Any]]:
    """The objects of the manifest, by their kind."""
    documents = yaml.safe_load_all(cron_manifest(job(folder, asked), *NIGHTS))
    return {document["kind"]: document for document in documents}


def test_a_cron_job_begins_at_its_time_in_its_zone(tmp_path: Path) -> None:
    spec = made(tmp_path)["CronJob"]["spec"]
    assert (spec["schedule"], spec["timeZone"]) == NIGHTS
    assert spec["concurrencyPolicy"] == "Forbid"
    assert spec["startingDeadlineSeconds"] == 3600


def test_its_pod_makes_the_ray_job_of_the_config_map(tmp_path: Path) -> None:
    objects = made(tmp_path)
    pod = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    (container,) = pod["containers"]
    assert container["command"][-2:] == [
        "nightsweep.cluster.jobs.kubernetes.night",
        "/nightsweep/rayjob.yaml",
    ]
    (volume,) = pod["volumes"]
    assert volume["configMap"]["name"] == objects["ConfigMap"]["metadata"]["name"]
    data = objects["ConfigMap"]["data"]
    assert yaml.safe_load(data["rayjob.yaml"]) == ray_job(job(tmp_path))
    assert {"sweep.yaml", "start.sh", "stop.sh", "leave.sh"} < data.keys()


def test_its_account_may_make_ray_jobs_and_nothing_else(tmp_path: Path) -> None:
    objects = made(tmp_path)
    (rule,) = objects["Role"]["rules"]
    assert (rule["apiGroups"], rule["resources"]) == (["ray.io"], ["rayjobs"])
    assert set(rule["verbs"]) == {"get", "create", "delete"}
    name = objects["ServiceAccount"]["metadata"]["name"]
    pod = objects["CronJob"]["spec"]["jobTemplate"]["spec"]["template"]["spec"]
    assert objects["RoleBinding"]["subjects"][0]["name"] == name == pod["serviceAccountName"]
    assert objects["RoleBinding"]["roleRef"]["name"] == objects["Role"]["metadata"]["name"]


def test_all_of_it_is_in_one_namespace_under_one_name(tmp_path: Path) -> None:
    places = {(o["metadata"]["name"], o["metadata"]["namespace"]) for o in made(tmp_path).values()}
    assert len(places) == 1
    assert places.pop()[1] == "research"


@pytest.mark.parametrize(
    ("cron", "zone", "said"),
    [
        ("22:00", "UTC", "'22:00' is no time for cron"),
        ("0 22 * * *", "Berlin", "'Berlin' is no time zone"),
        ("0 22 * * *", "../etc", "is no time zone"),
    ],
)
def test_a_time_or_zone_that_is_none_is_refused(
    tmp_path: Path, cron: str, zone: str, said: str
) -> None:
    with pytest.raises(NightsweepError, match=said):
        cron_manifest(job(tmp_path), cron, zone)


def test_what_no_job_could_be_is_no_schedule_either(tmp_path: Path) -> None:
    with pytest.raises(SweepError, match=r"submit\.kubernetes\.image"):
        made(tmp_path, {"image": None})


def test_a_night_ends_by_the_clock_of_its_zone(tmp_path: Path) -> None:
    one = job(tmp_path, words=("--deadline", "07:00", "--trials", "60"))
    data = next(yaml.safe_load_all(cron_manifest(one, *NIGHTS)))["data"]
    assert "--deadline '07:00 Europe/Berlin' --trials 60 &" in data["start.sh"]
