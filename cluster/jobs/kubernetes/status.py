"""How a RayJob stands, by its status and its pods."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any

from ....search.units import plural
from ..ending import ending
from ..site import Standing, State
from .manifest import QUEUE, STOPPED

ENDED = (
    "Complete",
    "Failed",
    "ValidationFailed",
)  # such a RayJob never begins again: another takes its name
STUCK = {
    "ImagePullBackOff": "the image cannot be had",
    "ErrImagePull": "the image cannot be had",
    "InvalidImageName": "the image cannot be had",
    "CreateContainerConfigError": "a secret or ConfigMap is missing",
    "CrashLoopBackOff": "a container ends as soon as it begins",
}


def standing(job: Mapping[str, Any]) -> Standing:
    """By a RayJob as the API server gives it."""
    status = job.get("status") or {}
    match status.get("jobDeploymentStatus", ""):
        case "Running":
            started = status.get("jobStatus", "") not in ("", "PENDING")
            return Standing(state=State.RUNNING if started else State.WAITING, detail=_up(status))
        case "Complete" if status.get("jobStatus") == "STOPPED":
            return Standing(state=State.STOPPED, detail="by hand, or refused: its log says it")
        case "Complete":
            return Standing(state=State.DONE)
        case "Failed" | "ValidationFailed":
            return _failed(job, status)
        case "Retrying":
            return Standing(state=State.WAITING, detail=_again(job, status))
        case "Suspending" | "Suspended":
            return _suspended(job)
    if (job.get("spec") or {}).get("suspend"):
        return _suspended(job)
    return Standing(state=State.WAITING, detail=_up(status))


def stuck(pods: Sequence[Mapping[str, Any]]) -> str:
    """Why pods do not start, in the cluster's words; empty where nothing is known against them."""
    for pod in pods:
        status = pod.get("status") or {}
        for condition in status.get("conditions") or ():
            if condition.get("reason") == "Unschedulable":
                return f"no node has room: {_line(condition.get('message', ''))}"
        for container in status.get("containerStatuses") or ():
            waiting = (container.get("state") or {}).get("waiting") or {}
            if waiting.get("reason") in STUCK:
                message = _line(waiting.get("message") or waiting["reason"])
                return f"{STUCK[waiting['reason']]}: {message}"
    return ""


def _failed(job: Mapping[str, Any], status: Mapping[str, Any]) -> Standing:
    message = str(status.get("message") or "")
    if status.get("reason") == "DeadlineExceeded":
        limit = (job.get("spec") or {}).get("activeDeadlineSeconds", "?")
        detail = f"its time of {limit} s was over; nightsweep submit goes on with it"
        return Standing(state=State.STOPPED, detail=detail)
    if found := re.search(r"exit code (\d+)", message):
        ended = ending(int(found[1]))
        return Standing(state=State.FAILED, detail=ended.detail, code=ended.code)
    return Standing(state=State.FAILED, detail=_line(message) or str(status.get("reason") or ""))


def _again(job: Mapping[str, Any], status: Mapping[str, Any]) -> str:
    limit = (job.get("spec") or {}).get("backoffLimit", 0)
    return f"it comes back, {status.get('failed', 1)} of {limit} times"


def _suspended(job: Mapping[str, Any]) -> Standing:
    metadata = job.get("metadata") or {}
    if (metadata.get("annotations") or {}).get(STOPPED) == "true":
        return Standing(state=State.STOPPED, detail="nightsweep submit goes on with it")
    queue = (metadata.get("labels") or {}).get(QUEUE)
    who = f"in Kueue's queue {queue}" if queue else "suspended, until somebody lets it begin"
    return Standing(state=State.WAITING, detail=who)


def _up(status: Mapping[str, Any]) -> str:
    cluster = status.get("rayClusterStatus") or {}
    wanted = cluster.get("desiredWorkerReplicas")
    if not wanted:
        return ""
    return f"{cluster.get('availableWorkerReplicas', 0)} of {plural(wanted, 'worker')} up"


def _line(text: str) -> str:
    first = text.strip().partition("\n")[0]
    return first if len(first) <= 160 else f"{first[:157]}..."
