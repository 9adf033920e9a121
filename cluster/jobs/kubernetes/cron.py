"""A sweep at certain times in Kubernetes: a CronJob, and what it needs.

KubeRay's own RayCronJob is alpha, and off by default. So a CronJob's pod makes the RayJob, with a
service account that may do no more than that.
"""

from __future__ import annotations

import zoneinfo
from collections.abc import Iterator, Sequence
from dataclasses import replace
from typing import Any

from ....search.deadline import Deadline
from ....search.errors import NightsweepError
from ..site import Job
from .manifest import NEEDS, OURS, check, commented, config, dump, names, ray_job
from .scripts import PLACE

LATE = 3600  # seconds after its time in which a night still begins
VERBS = ["get", "create", "delete"]
WHY = {
    "timeZone": "Kubernetes 1.27 or later",
    "concurrencyPolicy": "nights do not overlap; nor do their sweeps: the pod looks first",
    "startingDeadlineSeconds": "a night that cannot begin in time begins within the hour, or not",
}


def cron_manifest(job: Job, cron: str, zone: str) -> str:
    """All that `kubectl apply` needs for a sweep at `cron` (five fields) in an IANA zone.

    Every night goes on in one run folder. Errors: NightsweepError.
    """
    _refuse(cron, zone)
    job = replace(job, words=tuple(_zoned(job.words, zone)))
    check(job)
    name, run = names(job)
    mine = {"name": name, "labels": dict(OURS)}
    if job.asked.kubernetes.namespace:
        mine["namespace"] = job.asked.kubernetes.namespace
    head = (
        f"# {job.sweep.name} on Kubernetes at {cron} ({zone}): a CronJob makes a RayJob of it.\n"
        f"# Its run folder: {run}\n---\n"
    )
    documents = [_config(job), *_account(mine), _cron_job(job, mine, cron, zone)]
    return head + "---\n".join(commented(dump(document), WHY) for document in documents)


def _refuse(cron: str, zone: str) -> None:
    if len(cron.split()) != 5:
        raise NightsweepError(f"{cron!r} is no time for cron; write five fields: 0 22 * * MON-FRI")
    try:
        zoneinfo.ZoneInfo(zone)
    except (zoneinfo.ZoneInfoNotFoundError, ValueError, OSError):
        raise NightsweepError(f"{zone!r} is no time zone; write Europe/Berlin, or UTC") from None


def _zoned(words: Sequence[str], zone: str) -> Iterator[str]:
    """The options with the zone in a deadline that has none: a container's is another."""
    for before, word in zip(("", *words), words, strict=False):
        bare = before == "--deadline" and not Deadline.parse(word).zone
        yield f"{word} {zone}" if bare else word


def _config(job: Job) -> dict[str, Any]:
    """That of a job, with its RayJob as one more file."""
    made = config(job)
    made["data"]["rayjob.yaml"] = commented(dump(ray_job(job)))
    return made


def _account(mine: dict[str, Any]) -> list[dict[str, Any]]:
    """An account that may make RayJobs in this namespace, and nothing else."""
    group = "rbac.authorization.k8s.io"
    who = {key: mine[key] for key in ("name", "namespace") if key in mine}
    rule = {"apiGroups": ["ray.io"], "resources": ["rayjobs"], "verbs": VERBS}
    return [
        {"apiVersion": "v1", "kind": "ServiceAccount", "metadata": mine},
        {"apiVersion": f"{group}/v1", "kind": "Role", "metadata": mine, "rules": [rule]},
        {
            "apiVersion": f"{group}/v1",
            "kind": "RoleBinding",
            "metadata": mine,
            "roleRef": {"apiGroup": group, "kind": "Role", "name": mine["name"]},
            "subjects": [{"kind": "ServiceAccount", **who}],
        },
    ]


def _cron_job(job: Job, mine: dict[str, Any], cron: str, zone: str) -> dict[str, Any]:
    asked = job.asked.kubernetes
    python = ["python", "-P", "-m", "nightsweep.cluster.jobs.kubernetes.night"]
    container = {
        "name": "begin",
        "image": asked.image,
        "command": [*python, f"{PLACE}/rayjob.yaml"],
        "resources": {"requests": NEEDS, "limits": NEEDS},
        "volumeMounts": [{"name": "nightsweep", "mountPath": PLACE, "readOnly": True}],
    }
    pod: dict[str, Any] = {
        "restartPolicy": "Never",
        "serviceAccountName": mine["name"],
        "nodeSelector": dict(asked.head_selector),
        "imagePullSecrets": [{"name": secret} for secret in asked.pull_secrets],
        "containers": [container],
        "volumes": [{"name": "nightsweep", "configMap": {"name": mine["name"]}}],
    }
    return {
        "apiVersion": "batch/v1",
        "kind": "CronJob",
        "metadata": mine,
        "spec": {
            "schedule": cron,
            "timeZone": zone,
            "concurrencyPolicy": "Forbid",
            "startingDeadlineSeconds": LATE,
            "jobTemplate": {
                "spec": {
                    "backoffLimit": 3,
                    "activeDeadlineSeconds": LATE,
                    "template": {"spec": {key: value for key, value in pod.items() if value}},
                }
            },
        },
    }
