"""A sweep as KubeRay's RayJob: the manifest, and what is refused before anybody sees it.

KubeRay v1.5.1 or later. Its rules that its schema does not hold (names, suspend with shutdown,
deadlines, tokens with a Ray version) are in ray-operator/controllers/ray/utils/validation.go.
"""

from __future__ import annotations

import hashlib
import math
import re
import socket
from collections.abc import Iterator, Mapping
from importlib.metadata import version
from pathlib import PurePosixPath
from typing import Any

import yaml

from ....search.errors import NightsweepError, Problem, SweepError
from ....search.kubernetes import taint
from ....search.sites import Kubernetes
from ....search.sweep import Sweep
from ..site import Job
from ..zoneless import zoneless
from .scripts import PLACE, SAVED_WITHIN, scripts

LONGEST = 47  # letters of a RayJob's name: KubeRay makes longer ones of it
LARGEST = 900_000  # bytes of a ConfigMap, which may have a MiB
OURS = {"app.kubernetes.io/managed-by": "nightsweep"}
NEEDS = {"cpu": "100m", "memory": "512Mi"}  # of a pod that does no more than a small thing
STOPPED = "nightsweep/stopped"  # the annotation that `nightsweep stop` sets
QUEUE = "kueue.x-k8s.io/queue-name"
WHY = {
    "jobId": "the job may ask Ray to stop it, by this name",
    "submissionMode": "a small pod submits it and prints its log; once more would do no harm",
    "backoffLimit": "a job that failed comes back so often in all, and goes on where it was",
    "activeDeadlineSeconds": "then it is stopped, saved, and does not come back by itself",
    "shutdownAfterJobFinishes": "no GPU is kept after the end",
    "authOptions": "nobody else may send this cluster work; KubeRay makes the token",
    "enableInTreeAutoscaling": "workers come and go as trials need them",
    "num-cpus": "no trial runs on the head: it should have no reason to go",
    "cluster-autoscaler.kubernetes.io/safe-to-evict": "without the head nothing trains",
    "terminationGracePeriodSeconds": "what trains is saved first: preStop",
}


class _Dumper(yaml.SafeDumper):
    """YAML for people: texts of several lines as blocks, and no aliases."""

    def ignore_aliases(self, data: Any) -> bool:
        return True


def _text(dumper: yaml.SafeDumper, text: str) -> yaml.Node:
    # What may look like a number to another parser (1e3) is quoted.
    style = "|" if "\n" in text else "'" if re.fullmatch(r"[-+.\d][\d.eE+-]*", text) else None
    return dumper.represent_scalar("tag:yaml.org,2002:str", text, style=style)


_Dumper.add_representer(str, _text)


def manifest(job: Job) -> str:
    """The ConfigMap and the RayJob. Errors: SweepError, naming the key in the sweep file."""
    check(job)
    head = (
        f"# {job.sweep.name} on Kubernetes, with KubeRay: a Ray cluster of its own.\n"
        f"# Its run folder: {names(job)[1]}\n---\n"
    )
    return head + dump(config(job)) + "---\n" + commented(dump(ray_job(job)))


def names(job: Job) -> tuple[str, str]:
    """The job's name in its namespace, and the run folder in the containers.

    The same for the same run folder; another for a folder of the same name elsewhere.
    """
    asked = job.asked.kubernetes
    shared = asked.runs is not None and job.run.is_relative_to(asked.runs)
    unique = str(job.run) if shared else f"{socket.gethostname()}:{job.run}"
    digest = hashlib.sha256(unique.encode()).hexdigest()[:5]
    slug = re.sub(r"[^a-z0-9]+", "-", job.name.lower()).strip("-")
    slug = slug if slug[:1].isalpha() else f"run-{slug}"
    name = f"{slug[: LONGEST - 6].rstrip('-')}-{digest}"
    return name, str(job.run) if shared else str(PurePosixPath(asked.runs or "/", name))


def check(job: Job) -> None:
    """Refuse what could not work. Errors: SweepError."""
    if job.begin:
        raise NightsweepError(
            f"kubernetes begins as soon as it can, not at {job.begin}; `nightsweep schedule` "
            "begins later"
        )
    problems = [
        Problem(key=("submit", "kubernetes", key), message=message)
        for key, message in _problems(job)
    ]
    problems += _without_zone(job.sweep)
    if problems:
        raise SweepError(problems, source=str(job.file))


def _problems(job: Job) -> Iterator[tuple[str, str]]:
    asked = job.asked.kubernetes
    if asked.image is None:
        yield (
            "image",
            "is missing; write image: team/digits:1, with nightsweep and your code in it",
        )
    if asked.runs is None:
        yield "runs", "is missing; write runs: /runs, and volumes: {team-runs: /runs}"
    elif not any(PurePosixPath(asked.runs).is_relative_to(on) for on in asked.volumes.values()):
        yield "runs", f"{asked.runs} is on no volume, and would be lost with its pod; add volumes"
    if asked.max_workers is not None and asked.max_workers < asked.workers:
        yield "max_workers", f"must be at least workers, {asked.workers}, not {asked.max_workers}"
    if asked.suspend and asked.queue:
        yield "suspend", f"is Kueue's to say, with queue: {asked.queue}; leave one of them out"
    for key in ("cpus", "gpus"):
        wanted = getattr(job.sweep.resources, key)
        if isinstance(wanted, int | float) and wanted > getattr(asked, key):
            each = f"a trial takes {wanted:g}; write {key}: {math.ceil(wanted)}, or more"
            yield key, f"a worker has {getattr(asked, key)}, and {each}"
    if not re.fullmatch(r"[\w.-]+", job.file.name):
        yield "folder", f"no file can be mounted as {job.file.name!r}; rename it"
    if job.file.is_file() and job.file.stat().st_size > LARGEST:
        yield "folder", f"{job.file.name} is too large for a ConfigMap: 900 KB at most"


def _without_zone(sweep: Sweep) -> list[Problem]:
    """Times of the day that would be another in a container, whose zone is UTC as a rule."""
    return [
        Problem(key=(key,), message=f"{at} would be UTC in a container; write {at} Europe/Berlin")
        for key, at in zoneless(sweep)
    ]


def config(job: Job) -> dict[str, Any]:
    """The ConfigMap: the sweep file and the scripts, as they are."""
    name, run = names(job)
    files = {_key(job): job.file.read_text(encoding="utf-8-sig")}
    return {
        "apiVersion": "v1",
        "kind": "ConfigMap",
        "metadata": _metadata(job, name),
        "data": files | scripts(job, job.asked.kubernetes, name, run),
    }


def _key(job: Job) -> str:
    """Of the sweep file in the ConfigMap."""
    return f"sweep{job.file.suffix.lower()}"


def ray_job(job: Job) -> dict[str, Any]:
    """The RayJob."""
    asked = job.asked.kubernetes
    name, run = names(job)
    limit = {"activeDeadlineSeconds": math.ceil(asked.time)} if asked.time else {}
    held = {} if asked.queue else {"suspend": asked.suspend}  # else Kueue says so
    metadata = _metadata(job, name) | {"annotations": {STOPPED: "false", "nightsweep/run": run}}
    metadata["labels"] |= {QUEUE: asked.queue} if asked.queue else {}
    return {
        "apiVersion": "ray.io/v1",
        "kind": "RayJob",
        "metadata": metadata,
        "spec": {
            "entrypoint": f"bash {PLACE}/start.sh",
            "jobId": name,
            "submissionMode": "K8sJobMode",
            **held,
            "backoffLimit": asked.retries,
            **limit,
            "shutdownAfterJobFinishes": True,
            "rayClusterSpec": {
                "rayVersion": version("ray"),
                "authOptions": {"mode": "token"},
                **({"enableInTreeAutoscaling": True} if asked.max_workers else {}),
                "headGroupSpec": _head(job, name),
                "workerGroupSpecs": [_workers(job, name)],
            },
        },
    }


def reader(asked: Kubernetes, name: str) -> dict[str, Any]:
    """A pod that sees the volumes, for ten minutes."""
    mounts = [
        {"name": f"volume-{number}", "mountPath": folder, "readOnly": True}
        for number, folder in enumerate(asked.volumes.values(), start=1)
    ]
    container = {
        "name": "fetch",
        "image": asked.image,
        "command": ["sleep", "600"],
        "resources": {"requests": NEEDS, "limits": NEEDS},
        "volumeMounts": mounts,
    }
    pod = _pod(asked, "", container, asked.head_selector, None)
    pod["volumes"] = [volume for volume in pod["volumes"] if volume["name"] != "nightsweep"]
    return {
        "apiVersion": "v1",
        "kind": "Pod",
        "metadata": {"name": name, "labels": dict(OURS)},
        "spec": pod | {"restartPolicy": "Never", "terminationGracePeriodSeconds": 0},
    }


def _head(job: Job, name: str) -> dict[str, Any]:
    asked = job.asked.kubernetes
    container = _container(asked, "ray-head", asked.head_cpus, asked.head_memory, "stop.sh")
    # Ray kills a job that it is told to stop after 3 s, unless this says more.
    container["env"] += [{"name": "RAY_JOB_STOP_WAIT_TIME_S", "value": str(SAVED_WITHIN)}]
    file = {"mountPath": str(PurePosixPath(asked.folder, job.file.name)), "subPath": _key(job)}
    container["volumeMounts"] += [{"name": "nightsweep", **file, "readOnly": True}]
    pod = _pod(asked, name, container, asked.head_selector, asked.head_priority)
    stays = {"cluster-autoscaler.kubernetes.io/safe-to-evict": "false"}
    return {
        "rayStartParams": {"num-cpus": "0", "dashboard-host": "0.0.0.0"},
        "template": {"metadata": {"annotations": stays}, "spec": pod},
    }


def _workers(job: Job, name: str) -> dict[str, Any]:
    asked = job.asked.kubernetes
    container = _container(asked, "ray-worker", asked.cpus, asked.memory, "leave.sh")
    if asked.gpus:
        for kind in ("requests", "limits"):
            container["resources"][kind][asked.gpu] = asked.gpus
    pod = _pod(asked, name, container, asked.selector, asked.priority)
    if asked.tolerations:
        pod["tolerations"] = [_toleration(text) for text in asked.tolerations]
    return {
        "groupName": "workers",
        "replicas": asked.workers,
        "minReplicas": asked.workers,
        "maxReplicas": asked.max_workers or asked.workers,
        "rayStartParams": {"num-gpus": str(asked.gpus)} if asked.gpus else {},
        "template": {"spec": pod},
    }


def _container(asked: Kubernetes, name: str, cpus: int, memory: str, leave: str) -> dict[str, Any]:
    needs = {"cpu": cpus, "memory": memory}
    mounts = [
        {"name": f"volume-{number}", "mountPath": folder}
        for number, folder in enumerate(asked.volumes.values(), start=1)
    ]
    secrets = [{"secretRef": {"name": secret}} for secret in asked.secrets]
    return {
        "name": name,
        "image": asked.image,
        "resources": {"requests": dict(needs), "limits": dict(needs)},
        "env": [{"name": "RAY_USAGE_STATS_ENABLED", "value": "0"}],
        **({"envFrom": secrets} if secrets else {}),
        "lifecycle": {"preStop": {"exec": {"command": ["bash", f"{PLACE}/{leave}"]}}},
        "volumeMounts": [*mounts, {"name": "nightsweep", "mountPath": PLACE, "readOnly": True}],
    }


def _pod(
    asked: Kubernetes,
    name: str,
    container: dict[str, Any],
    selector: Mapping[str, str],
    priority: str | None,
) -> dict[str, Any]:
    volumes = [
        {"name": f"volume-{number}", "persistentVolumeClaim": {"claimName": claim}}
        for number, claim in enumerate(asked.volumes, start=1)
    ]
    pod: dict[str, Any] = {
        "terminationGracePeriodSeconds": 2 * SAVED_WITHIN,
        "serviceAccountName": asked.service_account,
        "priorityClassName": priority,
        "nodeSelector": dict(selector),
        "imagePullSecrets": [{"name": secret} for secret in asked.pull_secrets],
        "containers": [container],
        "volumes": [*volumes, {"name": "nightsweep", "configMap": {"name": name}}],
    }
    return {key: value for key, value in pod.items() if value}


def _toleration(text: str) -> dict[str, str]:
    key, value, effect = taint(text)
    match = {"operator": "Equal", "value": value} if value else {"operator": "Exists"}
    return {"key": key, **match, **({"effect": effect} if effect else {})}


def _metadata(job: Job, name: str) -> dict[str, Any]:
    namespace = job.asked.kubernetes.namespace
    place = {"namespace": namespace} if namespace else {}
    return {"name": name, **place, "labels": dict(OURS)}


def dump(document: Mapping[str, Any]) -> str:
    """One document as YAML, in the order of its keys."""
    return yaml.dump(dict(document), Dumper=_Dumper, sort_keys=False, width=95)


def commented(text: str, why: Mapping[str, str] = WHY) -> str:
    """A document with what its keys are for, once each; blocks of text stay as they are."""
    lines, left, block = [], dict(why), -1
    for line in text.splitlines():
        indent = len(line) - len(line.lstrip())
        if block >= 0 and (not line or indent > block):
            lines.append(line)
            continue
        block = indent if line.endswith((": |", ": |-", ": |+")) else -1
        found = re.match(r"( *)([\w./-]+):", line)
        if found and (reason := left.pop(found[2], "")):
            lines.append(f"{found[1]}# {reason}")
        lines.append(line)
    return "\n".join(lines) + "\n"
