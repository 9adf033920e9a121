"""Jobs on Kubernetes, through a kubectl that is the tests' own: no cluster can run here."""

from __future__ import annotations

import json
import os
from pathlib import Path
from typing import Any

import pytest
import yaml

from nightsweep.cluster.jobs import parcel, record
from nightsweep.cluster.jobs.kubernetes.kubectl import Kubectl
from nightsweep.cluster.jobs.kubernetes.manifest import names
from nightsweep.cluster.jobs.kubernetes.site import KubernetesSite
from nightsweep.cluster.jobs.record import Record, Sent
from nightsweep.cluster.jobs.site import Job
from nightsweep.search.errors import ClusterDownError, NightsweepError, RunFolderError
from nightsweep.search.lock import Lock
from nightsweep.search.runfolder import RunFolder

from .kube import Kube, job

NOT_FOUND = 'Error from server (NotFound): rayjobs.ray.io "digits" not found\n'
SHARED = {"spec": {"accessModes": ["ReadWriteMany"]}}
SENT = {"kind": "List", "items": [{"metadata": {"namespace": "research"}}]}


@pytest.fixture
def kube(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Kube:
    """A cluster with the volume that jobs ask for."""
    fake = Kube(tmp_path / "kube", monkeypatch)
    fake.tell("get persistentvolumeclaim", SHARED)
    fake.tell("--dry-run=server", "")
    fake.tell("apply .*--output=json", SENT)
    return fake


@pytest.fixture
def site() -> KubernetesSite:
    """One that waits for nothing."""
    return KubernetesSite(sleep=lambda seconds: None)


def ray_job(deployed: str, **values: Any) -> dict[str, Any]:
    """A RayJob of that status."""
    status = {
        "jobDeploymentStatus": deployed,
        "jobStatus": "RUNNING",
        "rayClusterName": "digits-x",
    }
    return {"metadata": {"name": "digits"}, "spec": {}, "status": status} | values


def sent(one: Job, id: str) -> Path:
    """The run of a job that was submitted, with its record."""
    one.place.mkdir(parents=True, exist_ok=True)
    asked = Record(
        site="kubernetes",
        file=str(one.file),
        digest="0",
        asked=one.asked,
        sent=(Sent(id=id, at="2026-11-22T22:00:00+01:00"),),
    )
    record.write(one.run, asked)
    return one.run


def test_what_is_shown_is_what_is_tried_applied_and_kept(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("get rayjob", err=NOT_FOUND)
    one = job(tmp_path)
    id = site.submit(one)
    assert id == f"research/{names(one)[0]}@lab"
    text = site.text(one)
    assert kube.applied == [text, text]
    assert (one.place / "manifest.yaml").read_text() == text
    assert "--dry-run=server" in kube.asked[-3]
    assert "--context=lab --namespace=research apply --server-side" in kube.asked[-1]


def test_a_job_that_has_ended_makes_room_for_the_one_that_goes_on(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("get rayjob", ray_job("Failed"))
    kube.tell("delete rayjob")
    site.submit(job(tmp_path))
    assert [words.split()[2] for words in kube.asked[-3:]] == ["get", "delete", "apply"]


def test_a_job_that_was_stopped_is_let_go_on(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("get rayjob", ray_job("Suspended"))
    site.submit(job(tmp_path))
    assert not any("delete" in words for words in kube.asked)
    made = list(yaml.safe_load_all(kube.applied[-1]))[-1]
    assert made["spec"]["suspend"] is False
    assert made["metadata"]["annotations"]["nightsweep/stopped"] == "false"


def test_without_a_context_in_the_file_the_current_one_is_kept(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("config current-context", "home\n")
    kube.tell("get rayjob", err=NOT_FOUND)
    assert site.submit(job(tmp_path, {"context": None})).endswith("@home")
    assert kube.asked[-1].startswith("--context=home")


@pytest.mark.parametrize(
    ("claim", "said"),
    [
        ({"out": {"spec": {"accessModes": ["ReadWriteOnce"]}}}, "it must be ReadWriteMany"),
        ({"err": NOT_FOUND}, "there is no volume claim 'team-runs'"),
    ],
)
def test_a_volume_that_would_keep_pods_waiting_is_refused_first(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    site: KubernetesSite,
    claim: dict[str, Any],
    said: str,
) -> None:
    fake = Kube(tmp_path / "kube", monkeypatch)
    fake.tell("get persistentvolumeclaim", **claim)
    with pytest.raises(NightsweepError, match=said):
        site.submit(job(tmp_path))
    assert fake.applied == []


def test_what_the_api_server_refuses_is_not_sent(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: KubernetesSite
) -> None:
    fake = Kube(tmp_path / "kube", monkeypatch)
    fake.tell("get persistentvolumeclaim", err="Error from server (Forbidden): not you\n")
    denied = 'Error from server (Forbidden): admission webhook "gpu" denied the request: too many'
    fake.tell("--dry-run=server", err=f"Warning: something\n{denied}\n")
    with pytest.raises(NightsweepError) as refused:
        site.submit(job(tmp_path))
    assert str(refused.value).startswith("kubectl apply was refused: (Forbidden): admission webho")
    assert "dry-run" in fake.asked[-1]


@pytest.mark.parametrize(
    ("err", "said"),
    [
        (
            'error: no matches for kind "RayJob" in version "ray.io/v1"',
            "this cluster has no KubeR",
        ),
        (
            'Error from server (BadRequest): unknown field "spec.rayClusterSpec.authOptions"',
            "this cluster's KubeRay is older than v1.5.1",
        ),
        ("dial tcp 127.0.0.1:8080: connect: connection refused", "no Kubernetes cluster answers"),
        (
            "The connection to the server 127.0.0.1:1 was refused - did you specify the right",
            "no Kubernetes cluster answers",
        ),
        ("error: You must be logged in to the server (Unauthorized)", "You must be logged in"),
        ('error: context "lab" does not exist', 'context "lab" does not exist'),
    ],
)
def test_a_refusal_is_one_sentence(
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
    err: str,
    said: str,
) -> None:
    fake = Kube(tmp_path / "kube", monkeypatch)
    fake.tell("", err=f"{err}\n")
    with pytest.raises(NightsweepError, match=said) as refused:
        Kubectl().ask("apply")
    assert "\n" not in str(refused.value)


def test_a_machine_without_kubectl_is_told_of_dry_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, site: KubernetesSite
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    one = job(tmp_path, {"context": None})
    with pytest.raises(NightsweepError, match=r"no kubectl on this machine; --dry-run prints"):
        site.submit(one)


def test_a_cluster_that_does_not_answer_is_not_waited_for(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program = tmp_path / "kubectl"
    program.write_text("#!/bin/sh\nexec sleep 60\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    with pytest.raises(ClusterDownError, match="kubectl get has not answered for 0 s"):
        Kubectl().ask("get", patience=0.2)


def test_a_job_that_waits_says_what_its_pods_wait_for(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("get rayjob", ray_job("Initializing"))
    condition = {"reason": "Unschedulable", "message": "0/3 nodes: Insufficient nvidia.com/gpu"}
    kube.tell("get pods", {"items": [{"status": {"conditions": [condition]}}]})
    now = site.standing(tmp_path, "research/digits@lab")
    assert str(now) == "waiting: no node has room: 0/3 nodes: Insufficient nvidia.com/gpu"
    assert "--selector ray.io/cluster=digits-x" in kube.asked[-1]


def test_a_job_that_the_cluster_has_lost_is_gone(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("get rayjob", err=NOT_FOUND)
    assert str(site.standing(tmp_path, "research/digits@lab")).startswith("gone")


def test_the_log_is_the_submitters(tmp_path: Path, kube: Kube, site: KubernetesSite) -> None:
    kube.tell("logs job/digits", "one\ntwo\n")
    assert list(site.logs(tmp_path, "research/digits@lab", follow=False)) == ["one", "two"]


def test_a_log_that_is_not_there_yet_says_how_the_job_stands(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("logs", err='Error from server (NotFound): jobs.batch "digits" not found\n')
    kube.tell("get rayjob", {"metadata": {}, "spec": {}})
    with pytest.raises(NightsweepError, match="has printed nothing yet; it is waiting"):
        list(site.logs(tmp_path, "research/digits@lab", follow=False))


def test_a_log_is_followed_through_lost_connections_and_new_clusters(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    anew = {"jobDeploymentStatus": "Running", "jobStatus": "RUNNING", "rayClusterName": "anew"}
    kube.tell("get rayjob", ray_job("Running"), times=2)
    kube.tell("get rayjob", ray_job("Running", status=anew), times=1)
    kube.tell("get rayjob", ray_job("Complete", status=anew | {"jobDeploymentStatus": "Complete"}))
    for text in ("one\n", "one\ntwo\n", "three\n", "three\nfour\n"):
        kube.tell("logs --follow job/digits", text, times=1)
    lines = list(site.logs(tmp_path, "research/digits@lab", follow=True))
    assert lines == ["one", "two", "three", "four"]


def test_a_job_is_stopped_by_suspending_it(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    kube.tell("get rayjob", ray_job("Running"))
    kube.tell("patch rayjob digits")
    assert "trials are saved" in site.stop(tmp_path, "research/digits@lab")
    patch = json.loads(kube.asked[-1].partition("--patch=")[2])
    assert patch["spec"] == {"suspend": True}
    assert patch["metadata"]["annotations"] == {"nightsweep/stopped": "true"}


def test_a_job_in_a_queue_is_stopped_by_deleting_it(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    labels = {"labels": {"kueue.x-k8s.io/queue-name": "team"}}
    kube.tell("get rayjob", ray_job("Running", metadata=labels))
    kube.tell("delete rayjob digits --wait=false")
    assert "taken from the queue" in site.stop(tmp_path, "research/digits@lab")


def there(folder: Path) -> str:
    """A run at the cluster, as its parcel's lines."""
    run = RunFolder.create(folder / "cluster" / "digits")
    run.resolved.write_text('{"format": 2}')
    run.journal.write_text("{}\n")
    (run.path / "trials.csv").write_text("trial\n1\n")
    return "\n".join(parcel.write(run.path))


def test_results_come_from_the_head_while_it_is_there(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    run = sent(job(tmp_path), "research/digits@lab")
    annotated = {"annotations": {"nightsweep/run": "/runs/digits-9"}}
    kube.tell("get rayjob", ray_job("Running", metadata=annotated))
    head = {"name": "digits-head", "labels": {"ray.io/node-type": "head"}}
    worker = {"name": "digits-worker", "labels": {"ray.io/node-type": "worker"}}
    up = {"phase": "Running"}
    kube.tell("get pods", {"items": [{"metadata": m, "status": up} for m in (worker, head)]})
    kube.tell("exec digits-head -- python .*parcel /runs/digits-9$", there(tmp_path))
    assert site.fetch(run, "research/digits@lab").startswith("3 files of /runs/digits-9")
    assert (run / "job" / "fetched").exists()
    assert (run / "trials.csv").read_text() == "trial\n1\n"


def test_results_come_through_a_pod_of_their_own_when_the_cluster_has_gone(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    run = sent(job(tmp_path), "research/digits@lab")
    kube.tell("get rayjob", err=NOT_FOUND)
    kube.tell("apply --filename=-")
    kube.tell("wait --for=condition=Ready pod/digits-fetch")
    kube.tell("exec digits-fetch -- python .*parcel /runs/digits$", there(tmp_path))
    kube.tell("delete pod digits-fetch")
    site.fetch(run, "research/digits@lab")
    pod = json.loads(kube.applied[-1])
    assert pod["spec"]["volumes"] == [
        {"name": "volume-1", "persistentVolumeClaim": {"claimName": "team-runs"}}
    ]
    assert "delete pod digits-fetch" in kube.asked[-1]


def test_the_pod_is_taken_away_though_fetching_fails(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    run = sent(job(tmp_path), "research/digits@lab")
    kube.tell("get rayjob", err=NOT_FOUND)
    kube.tell("apply --filename=-")
    kube.tell(" wait ", err="error: timed out waiting for the condition on pods/digits-fetch\n")
    kube.tell("delete pod digits-fetch")
    with pytest.raises(NightsweepError, match="kubectl wait was refused: timed out"):
        site.fetch(run, "research/digits@lab")
    assert "delete pod digits-fetch" in kube.asked[-1]


def test_nothing_is_fetched_into_a_run_that_is_driven_here(
    tmp_path: Path, kube: Kube, site: KubernetesSite
) -> None:
    run = sent(job(tmp_path), "research/digits@lab")
    lock = Lock(RunFolder(run).lock)
    try:
        with pytest.raises(RunFolderError, match="fetch when that has ended"):
            site.fetch(run, "research/digits@lab")
    finally:
        lock.release()
