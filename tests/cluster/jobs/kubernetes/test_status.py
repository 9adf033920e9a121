"""How a RayJob stands, as KubeRay's status has it."""

from __future__ import annotations

from typing import Any

import pytest

from nightsweep.cluster.jobs.kubernetes.status import standing, stuck


def ray_job(
    deployed: str = "",
    job: str = "",
    *,
    suspended: bool = False,
    labels: dict[str, str] | None = None,
    annotations: dict[str, str] | None = None,
    **status: Any,
) -> dict[str, Any]:
    """One as the API server gives it."""
    return {
        "metadata": {"name": "digits-1", "labels": labels, "annotations": annotations},
        "spec": {"suspend": suspended, "backoffLimit": 3, "activeDeadlineSeconds": 28800},
        "status": {"jobDeploymentStatus": deployed, "jobStatus": job} | status,
    }


WORKERS: dict[str, Any] = {
    "rayClusterStatus": {"desiredWorkerReplicas": 2, "availableWorkerReplicas": 1}
}
FAILED = "Job entrypoint command failed with exit code {}, last available logs (truncated):\nno"


@pytest.mark.parametrize(
    ("made", "said"),
    [
        ({"metadata": {}, "spec": {}}, "waiting"),
        (ray_job("Initializing", **WORKERS), "waiting: 1 of 2 workers up"),
        (ray_job("Running", "PENDING", **WORKERS), "waiting: 1 of 2 workers up"),
        (ray_job("Running", "RUNNING", **WORKERS), "running: 1 of 2 workers up"),
        (ray_job("Retrying", failed=2), "waiting: it comes back, 2 of 3 times"),
        (ray_job("Complete", "SUCCEEDED"), "done"),
        (ray_job("Complete", "STOPPED"), "stopped: by hand, or refused: its log says it"),
        (ray_job("Failed", "FAILED", message=FAILED.format(2)), "failed: refused: its log says"),
        (ray_job("Failed", "FAILED", message=FAILED.format(69)), "failed: its cluster was down"),
        (ray_job("Failed", reason="SubmissionFailed", message="no\nmore"), "failed: no"),
        (
            ray_job("Failed", reason="DeadlineExceeded", message="passed"),
            "stopped: its time of 28800 s was over; nightsweep submit goes on with it",
        ),
        (
            ray_job("Suspended", suspended=True, annotations={"nightsweep/stopped": "true"}),
            "stopped: nightsweep submit goes on with it",
        ),
        (
            ray_job("Suspended", suspended=True, annotations={"nightsweep/stopped": "false"}),
            "waiting: suspended, until somebody lets it begin",
        ),
        (
            ray_job("", suspended=True, labels={"kueue.x-k8s.io/queue-name": "team"}),
            "waiting: in Kueue's queue team",
        ),
    ],
)
def test_a_status_in_words(made: dict[str, Any], said: str) -> None:
    assert str(standing(made)).startswith(said)


def test_a_pod_without_a_node_says_what_is_missing() -> None:
    message = "0/3 nodes are available: 3 Insufficient nvidia.com/gpu."
    condition = {"type": "PodScheduled", "reason": "Unschedulable", "message": message}
    assert stuck([{"status": {"conditions": [condition]}}]) == f"no node has room: {message}"


def test_a_pod_without_its_image_says_so() -> None:
    waiting = {"reason": "ImagePullBackOff", "message": 'Back-off pulling image "team/digits:1"'}
    pod = {"status": {"containerStatuses": [{"state": {"waiting": waiting}}]}}
    assert stuck([{}, pod]).startswith("the image cannot be had: Back-off pulling")


def test_pods_that_are_only_starting_say_nothing() -> None:
    waiting = {"reason": "ContainerCreating"}
    assert stuck([{"status": {"containerStatuses": [{"state": {"waiting": waiting}}]}}]) == ""


def test_the_exit_code_of_a_driver_that_failed_is_known() -> None:
    assert standing(ray_job("Failed", "FAILED", message=FAILED.format(69))).code == 69
