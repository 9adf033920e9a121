"""A sweep as a RayJob: what is in it, and what is refused before anybody sees it."""

from __future__ import annotations

import functools
import os
import re
from pathlib import Path
from typing import Any

import jsonschema
import pytest
import yaml

from nightsweep.cluster.jobs.kubernetes.manifest import commented, dump, manifest, names, ray_job
from nightsweep.search.errors import NightsweepError, SweepError

from .kube import job

SCHEMA = "NIGHTSWEEP_KUBERAY_CRD"
EVERYTHING = {
    "volumes": {"team-runs": "/runs", "team-data": "/data"},
    "workers": 2,
    "max_workers": 6,
    "cpus": 8,
    "gpus": 2,
    "memory": "64Gi",
    "head_cpus": 2,
    "head_memory": "8Gi",
    "selector": {"pool": "spot"},
    "head_selector": {"pool": "on-demand"},
    "tolerations": ["nvidia.com/gpu:NoSchedule", "dedicated=ann"],
    "priority": "low",
    "head_priority": "high",
    "service_account": "trainer",
    "secrets": "wandb",
    "pull_secrets": ["registry"],
    "retries": 5,
    "time": "8h",
    "setup": "export OMP_NUM_THREADS=1",
}


def read(text: str) -> tuple[dict[str, Any], dict[str, Any]]:
    """The ConfigMap and the RayJob of a manifest."""
    config, made = yaml.safe_load_all(text)
    return config, made


def pods(made: dict[str, Any]) -> tuple[dict[str, Any], dict[str, Any]]:
    """The specs of the head's pod and of the workers'."""
    cluster = made["spec"]["rayClusterSpec"]
    (group,) = cluster["workerGroupSpecs"]
    return cluster["headGroupSpec"]["template"]["spec"], group["template"]["spec"]


def test_the_manifest_has_all_that_the_sweep_asks_for(tmp_path: Path) -> None:
    _, made = read(manifest(job(tmp_path, EVERYTHING)))
    cluster = made["spec"]["rayClusterSpec"]
    head, worker = pods(made)
    assert made["metadata"]["namespace"] == "research"
    assert made["spec"]["backoffLimit"] == 5
    assert made["spec"]["activeDeadlineSeconds"] == 28800
    assert made["spec"]["shutdownAfterJobFinishes"] is True
    assert cluster["enableInTreeAutoscaling"] is True
    (group,) = cluster["workerGroupSpecs"]
    assert [group[key] for key in ("replicas", "minReplicas", "maxReplicas")] == [2, 2, 6]
    assert group["rayStartParams"] == {"num-gpus": "2"}
    limits = {"cpu": 8, "memory": "64Gi", "nvidia.com/gpu": 2}
    assert worker["containers"][0]["resources"] == {"requests": limits, "limits": limits}
    assert (head["nodeSelector"], worker["nodeSelector"]) == (
        {"pool": "on-demand"},
        {"pool": "spot"},
    )
    assert (head["priorityClassName"], worker["priorityClassName"]) == ("high", "low")
    assert worker["tolerations"] == [
        {"key": "nvidia.com/gpu", "operator": "Exists", "effect": "NoSchedule"},
        {"key": "dedicated", "operator": "Equal", "value": "ann"},
    ]
    for pod in (head, worker):
        assert pod["serviceAccountName"] == "trainer"
        assert pod["imagePullSecrets"] == [{"name": "registry"}]
        (container,) = pod["containers"]
        assert container["image"] == "team/digits:1"
        assert container["envFrom"] == [{"secretRef": {"name": "wandb"}}]
        claims = [v["persistentVolumeClaim"]["claimName"] for v in pod["volumes"][:2]]
        mounted = [mount["mountPath"] for mount in container["volumeMounts"][:2]]
        assert dict(zip(claims, mounted, strict=True)) == EVERYTHING["volumes"]


def test_the_head_trains_nothing_and_is_not_evicted(tmp_path: Path) -> None:
    _, made = read(manifest(job(tmp_path)))
    head = made["spec"]["rayClusterSpec"]["headGroupSpec"]
    assert head["rayStartParams"]["num-cpus"] == "0"
    annotations = head["template"]["metadata"]["annotations"]
    assert annotations == {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    assert "tolerations" not in head["template"]["spec"]


def test_pods_that_must_go_have_time_to_save(tmp_path: Path) -> None:
    for pod, script in zip(pods(ray_job(job(tmp_path))), ("stop.sh", "leave.sh"), strict=True):
        (container,) = pod["containers"]
        command = container["lifecycle"]["preStop"]["exec"]["command"]
        assert command == ["bash", f"/nightsweep/{script}"]
        assert pod["terminationGracePeriodSeconds"] >= 60


def test_the_cluster_takes_work_from_nobody_without_its_token(tmp_path: Path) -> None:
    cluster = ray_job(job(tmp_path))["spec"]["rayClusterSpec"]
    assert cluster["authOptions"] == {"mode": "token"}
    assert re.fullmatch(r"2\.\d+\.\d+", cluster["rayVersion"])


def test_the_sweep_file_travels_as_it_is(tmp_path: Path) -> None:
    given = "# mine\nmetric: loss\nsuspend: 1e-5  # mine\nbackoffLimit: x\n"
    (tmp_path / "digits.yaml").write_text(given)
    config, made = read(manifest(job(tmp_path, {"folder": "/work/digits"})))
    assert config["data"]["sweep.yaml"] == given
    head, worker = pods(made)
    assert config["metadata"]["name"] == head["volumes"][-1]["configMap"]["name"]
    mount = head["containers"][0]["volumeMounts"][-1]
    assert (mount["mountPath"], mount["subPath"]) == ("/work/digits/digits.yaml", "sweep.yaml")
    assert not any("subPath" in mount for mount in worker["containers"][0]["volumeMounts"])


def test_a_queue_of_kueues_says_when_it_begins(tmp_path: Path) -> None:
    made = ray_job(job(tmp_path, {"queue": "team"}))
    assert made["metadata"]["labels"]["kueue.x-k8s.io/queue-name"] == "team"
    assert "suspend" not in made["spec"]
    assert ray_job(job(tmp_path, {"suspend": True}))["spec"]["suspend"] is True
    assert ray_job(job(tmp_path))["spec"]["suspend"] is False


def test_the_same_run_has_the_same_name_and_another_folders_run_another(tmp_path: Path) -> None:
    one = names(job(tmp_path))
    assert one == names(job(tmp_path))
    assert one[1] == f"/runs/{one[0]}"
    assert one[0].startswith("digits-20261122-220000-")
    assert names(job(tmp_path, run=tmp_path / "others" / "digits-20261122-220000"))[0] != one[0]


@pytest.mark.parametrize("run", ["R" * 80, "2026_Läuft.gut", "a--", "9"])
def test_a_name_is_one_that_kuberay_takes(tmp_path: Path, run: str) -> None:
    name, _ = names(job(tmp_path, run=tmp_path / run))
    assert re.fullmatch(r"[a-z]([-a-z0-9]*[a-z0-9])?", name)
    assert len(name) <= 47


def test_runs_on_a_volume_that_is_here_too_are_the_same_folders(tmp_path: Path) -> None:
    run = Path("/runs/digits-1")
    assert names(job(tmp_path, run=run))[1] == "/runs/digits-1"


@pytest.mark.parametrize(
    ("asked", "said"),
    [
        ({"image": None}, "submit.kubernetes.image: is missing; write image: team/digits:1"),
        ({"runs": None}, "submit.kubernetes.runs: is missing"),
        ({"runs": "/runners"}, "submit.kubernetes.runs: /runners is on no volume"),
        ({"workers": 3, "max_workers": 2}, "max_workers: must be at least workers, 3, not 2"),
        ({"suspend": True, "queue": "q"}, "suspend: is Kueue's to say, with queue: q"),
    ],
)
def test_what_cannot_work_is_refused_by_its_key(
    tmp_path: Path, asked: dict[str, Any], said: str
) -> None:
    with pytest.raises(SweepError, match=re.escape(said)):
        manifest(job(tmp_path, asked))


def test_a_worker_must_have_what_one_trial_takes(tmp_path: Path) -> None:
    with pytest.raises(SweepError) as refused:
        manifest(job(tmp_path, sweep={"resources": {"cpus": 3, "gpus": 0.5}}))
    assert "cpus: a worker has 1, and a trial takes 3; write cpus: 3, or more" in str(
        refused.value
    )
    assert "gpus: a worker has 0, and a trial takes 0.5; write gpus: 1, or more" in str(
        refused.value
    )


@pytest.mark.parametrize(("key", "at"), [("deadline", "07:00"), ("window", "22:00-07:00")])
def test_a_time_of_the_day_needs_its_zone(tmp_path: Path, key: str, at: str) -> None:
    with pytest.raises(SweepError, match=f"{key}: {at} would be UTC in a container; write {at} E"):
        manifest(job(tmp_path, sweep={key: at}))
    manifest(job(tmp_path, sweep={key: f"{at} Europe/Berlin"}))


def test_a_time_to_begin_is_refused_with_what_begins_later(tmp_path: Path) -> None:
    with pytest.raises(NightsweepError, match="nightsweep schedule"):
        manifest(job(tmp_path, begin="2026-11-22T22:00:00"))


def test_comments_say_why_and_change_nothing(tmp_path: Path) -> None:
    made = ray_job(job(tmp_path, EVERYTHING))
    text = commented(dump(made))
    assert yaml.safe_load(text) == made
    assert "  # a job that failed comes back so often in all, and goes on where it was\n" in text


@pytest.mark.parametrize(
    "text", ["1e3", "12", "0x1F", "2.60.0", "-1", "on", "true", "null", "1_0"]
)
def test_text_that_looks_like_something_else_is_quoted(text: str) -> None:
    assert re.fullmatch(r"key: ['\"].*['\"]\n", dump({"key": text}))


def test_no_secret_is_in_the_manifest(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "hunter22")
    monkeypatch.setenv("RAY_AUTH_TOKEN", "hunter22")
    assert "hunter22" not in manifest(job(tmp_path, EVERYTHING))


@pytest.mark.parametrize("asked", [{}, EVERYTHING, {"queue": "team"}, {"suspend": True}])
def test_kuberays_own_schema_takes_the_manifest(tmp_path: Path, asked: dict[str, Any]) -> None:
    validator = jsonschema.Draft202012Validator(strict(kuberay()))
    made = ray_job(job(tmp_path, asked))
    assert [error.message for error in validator.iter_errors(made)] == []
    made["spec"]["rayClusterSpec"]["workerGroupSpecs"][0]["replica"] = 1
    assert list(validator.iter_errors(made)), "the schema would take anything"


@functools.cache
def kuberay() -> dict[str, Any]:
    """The schema of RayJob, from the file that the environment names."""
    file = os.environ.get(SCHEMA)
    if not file:
        pytest.skip(
            f"KubeRay's schema is not checked: set {SCHEMA} to its "
            "helm-chart/kuberay-operator/crds/ray.io_rayjobs.yaml"
        )
    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    crd = yaml.load(Path(file).read_text(), loader)
    found = next(v for v in crd["spec"]["versions"] if v["name"] == "v1")
    schema: dict[str, Any] = found["schema"]["openAPIV3Schema"]
    return schema


def strict(schema: Any) -> Any:
    """A structural schema as JSON Schema in which fields that it does not name are mistakes."""
    if isinstance(schema, list):
        return [strict(part) for part in schema]
    if not isinstance(schema, dict):
        return schema
    made = {
        key: {name: strict(part) for name, part in value.items()}
        if key == "properties"
        else strict(value)
        for key, value in schema.items()
        if key != "default" and not key.startswith("x-kubernetes-")
    }
    if schema.get("x-kubernetes-int-or-string"):
        made.pop("type", None)
    if "properties" in made and "additionalProperties" not in made:
        made["additionalProperties"] = bool(schema.get("x-kubernetes-preserve-unknown-fields"))
    if "required" in made:  # defaults are filled in first
        known = schema.get("properties", {})
        made["required"] = [k for k in made["required"] if "default" not in known.get(k, {})]
    return made


def test_the_schemas_reading_refuses_what_kubernetes_would() -> None:
    read = strict(
        {
            "type": "object",
            "required": ["n", "d"],
            "properties": {"n": {"type": "integer"}, "d": {"type": "string", "default": "x"}},
        }
    )
    validator = jsonschema.Draft202012Validator(read)
    assert validator.is_valid({"n": 1})
    assert not validator.is_valid({"n": "1"})
    assert not validator.is_valid({"n": 1, "m": 1})
    assert not validator.is_valid({})
