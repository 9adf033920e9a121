"""The commands that kubectl is given, with a real kubectl; the API server is the tests' own."""

from __future__ import annotations

import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest
import yaml

from nightsweep.cluster.jobs.kubernetes.cron import cron_manifest
from nightsweep.cluster.jobs.kubernetes.kubectl import Kubectl
from nightsweep.cluster.jobs.kubernetes.manifest import manifest
from nightsweep.cluster.jobs.kubernetes.site import KubernetesSite
from nightsweep.cluster.jobs.site import State
from nightsweep.search.errors import NightsweepError

from .apiserver import ApiServer
from .kube import job

PLACE = "/api/v1/namespaces/research"
CLAIM = {"apiVersion": "v1", "kind": "PersistentVolumeClaim", "metadata": {"name": "team-runs"}}


@pytest.fixture
def cluster(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[ApiServer]:
    """A cluster with the volume that jobs ask for."""
    if shutil.which("kubectl") is None:
        pytest.skip("kubectl is not installed, so its commands are tested with a fake alone")
    monkeypatch.setenv("KUBECONFIG", str(tmp_path / "config"))
    monkeypatch.setenv("HOME", str(tmp_path))  # where kubectl keeps what it discovered
    with ApiServer() as server:
        server.configure(tmp_path / "config")
        shared = CLAIM | {"spec": {"accessModes": ["ReadWriteMany"]}}
        server.objects[f"{PLACE}/persistentvolumeclaims/team-runs"] = shared
        yield server


def test_a_job_is_applied_stopped_and_let_go_on(tmp_path: Path, cluster: ApiServer) -> None:
    one, site = job(tmp_path), KubernetesSite()
    id = site.submit(one)
    config, made = yaml.safe_load_all(manifest(one))
    assert cluster.named("configmaps") == [config]
    assert cluster.named("rayjobs") == [made]
    assert site.standing(one.run, id).state is State.WAITING
    site.stop(one.run, id)
    (stopped,) = cluster.named("rayjobs")
    assert stopped["spec"] == made["spec"] | {"suspend": True}
    assert site.standing(one.run, id).state is State.STOPPED
    assert site.submit(one) == id
    assert cluster.named("rayjobs") == [made]


def test_a_job_that_has_ended_is_made_anew(tmp_path: Path, cluster: ApiServer) -> None:
    one, site = job(tmp_path), KubernetesSite()
    site.submit(one)
    (made,) = cluster.named("rayjobs")
    made["status"] = {"jobDeploymentStatus": "Failed", "message": "exit code 69"}
    site.submit(one)
    (anew,) = cluster.named("rayjobs")
    assert "status" not in anew


def test_a_namespace_that_is_not_there_is_named(tmp_path: Path, cluster: ApiServer) -> None:
    with pytest.raises(NightsweepError, match='namespaces "nobody" not found'):
        KubernetesSite().submit(job(tmp_path, {"namespace": "nobody"}))


def test_all_of_a_schedule_is_applied_and_taken_away(tmp_path: Path, cluster: ApiServer) -> None:
    text = cron_manifest(job(tmp_path), "0 22 * * *", "UTC")
    there = Kubectl(context="lab", namespace="research")
    before = dict(cluster.objects)
    there.ask("apply", "--server-side", "--filename=-", send=text)
    kinds = ["configmaps", "serviceaccounts", "roles", "rolebindings", "cronjobs"]
    assert [len(cluster.named(kind)) for kind in kinds] == [1] * 5
    there.ask("delete", "--wait=false", "--filename=-", send=text)
    assert cluster.objects == before
