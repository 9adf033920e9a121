"""Jobs on Kubernetes: a RayJob of KubeRay's for each, brought there by kubectl.

The sweep file travels in the job's manifest; the code and the data are in its image or on its
volumes, and so is the run folder, which `fetch` brings here.
"""

from __future__ import annotations

import json
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ....search.errors import NightsweepError, RunFolderError
from ....search.runfolder import RunFolder
from ....search.sites import Kubernetes, SiteName
from ...steer import driver
from .. import parcel, record
from ..site import ALIVE, Job, Standing, State
from .kubectl import LONG, Kubectl, NotThereError, current_context
from .manifest import QUEUE, STOPPED, manifest, names, reader
from .status import ENDED, standing, stuck

EVERY = 3.0  # seconds between two looks at a job; KubeRay's own
APPLY = ("apply", "--server-side", "--force-conflicts", "--field-manager=nightsweep")


class KubernetesSite:
    """`nightsweep submit --to kubernetes`."""

    name: SiteName = "kubernetes"

    def __init__(self, sleep: Callable[[float], None] = time.sleep) -> None:
        self._sleep = sleep

    def text(self, job: Job) -> str:
        """The manifest."""
        return manifest(job)

    def submit(self, job: Job) -> str:
        """Apply the manifest, once the API server has tried it; its id: namespace/name@context."""
        asked = job.asked.kubernetes
        text, name = manifest(job), names(job)[0]
        file = job.place / "manifest.yaml"
        job.place.mkdir(parents=True, exist_ok=True)
        file.write_text(text, encoding="utf-8")
        context = asked.context or current_context()
        there = Kubectl(context=context, namespace=asked.namespace or "")
        _refuse_volumes(there, asked)
        there.ask(*APPLY, "--dry-run=server", "--filename=-", send=text)
        before = there.get("rayjob", name)
        if before and (before.get("status") or {}).get("jobDeploymentStatus") in ENDED:
            there.ask("delete", "rayjob", name, "--wait", "--timeout=60s", patience=90.0)
        sent = there.ask(*APPLY, "--filename=-", "--output=json", send=text)
        return f"{_namespace(sent)}/{name}@{context}"

    def standing(self, run: Path, id: str) -> Standing:
        """By its RayJob; while it waits, by its pods too."""
        there, name = _there(id)
        job = there.get("rayjob", name)
        if job is None:
            return Standing(state=State.GONE, detail="the cluster does not know it")
        now = standing(job)
        if now.state is State.WAITING and (why := stuck(_pods(there, job))):
            return Standing(state=State.WAITING, detail=why)
        return now

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        """What its driver prints, by way of the pod that submitted it."""
        there, name = _there(id)
        if not follow:
            try:
                yield from there.ask(
                    "logs", f"job/{name}", "--tail=-1", patience=LONG
                ).splitlines()
            except NotThereError:
                raise NightsweepError(
                    f"{name} has printed nothing yet; it is {self.standing(run, id)}"
                ) from None
            return
        cluster, shown = "", 0
        while True:
            job = there.get("rayjob", name) or {}
            if not job and not shown:
                raise NightsweepError(f"the cluster does not know {name}: it was deleted")
            now = (job.get("status") or {}).get("rayClusterName", "")
            cluster, shown = now, shown if now == cluster else 0
            alive = bool(job) and standing(job).state in ALIVE
            # A log that is followed again begins at its beginning.
            for number, line in enumerate(there.follow("logs", "--follow", f"job/{name}")):
                if number >= shown:
                    shown = number + 1
                    yield line
            if not alive:
                return
            self._sleep(EVERY)

    def stop(self, run: Path, id: str) -> str:
        """Suspend it: KubeRay takes its pods away, which save what trains before they go.

        What a queue of Kueue's holds would be let begin again, and is deleted.
        """
        there, name = _there(id)
        job = there.get("rayjob", name)
        if job is None:
            return "nothing to do: the cluster does not know it"
        if QUEUE in ((job.get("metadata") or {}).get("labels") or {}):
            there.ask("delete", "rayjob", name, "--wait=false")
            return "it is taken from the queue, and its pods go as soon as trials are saved"
        stopped = {"metadata": {"annotations": {STOPPED: "true"}}, "spec": {"suspend": True}}
        there.ask("patch", "rayjob", name, "--type=merge", f"--patch={json.dumps(stopped)}")
        return "it is suspended, and its pods go as soon as trials are saved"

    def fetch(self, run: Path, id: str) -> str:
        """Bring the run folder here, without checkpoints but the best, from its volume."""
        known, folder = record.read(run), RunFolder(run)
        asked = known.asked.kubernetes if known else Kubernetes()
        mark = folder.job / "fetched"
        shared = asked.runs is not None and run.is_relative_to(asked.runs)
        if shared and folder.begun and not mark.exists():
            return f"{run} is on a volume that this machine has too"
        if (who := driver(folder)) is not None:
            raise RunFolderError(f"{who} drives {run} here; fetch when that has ended")
        there, name = _there(id)
        job = there.get("rayjob", name) or {}
        place = ((job.get("metadata") or {}).get("annotations") or {}).get("nightsweep/run")
        place = place or f"{asked.runs}/{name}"
        head = _head(_pods(there, job))
        text = _print(there, head, place) if head else self._by_a_pod(there, asked, name, place)
        packed, left_out = parcel.read(text)
        count = parcel.put(packed, run, mark=mark)
        but = f"; left out: {left_out}" if left_out else ""
        return f"{count} files of {place}, without its trials' checkpoints, are in {run}{but}"

    def _by_a_pod(self, there: Kubectl, asked: Kubernetes, name: str, place: str) -> str:
        """The run folder printed by a pod of its own, which is taken away again."""
        pod = reader(asked, f"{name}-fetch")
        there.ask("apply", "--filename=-", send=json.dumps(pod))
        try:
            ready = ("wait", "--for=condition=Ready", f"pod/{name}-fetch", "--timeout=300s")
            there.ask(*ready, patience=LONG)
            return _print(there, f"{name}-fetch", place)
        finally:
            there.ask("delete", "pod", f"{name}-fetch", "--wait=false", "--ignore-not-found")


def _there(id: str) -> tuple[Kubectl, str]:
    place, _, context = id.partition("@")
    namespace, _, name = place.rpartition("/")
    return Kubectl(context=context, namespace=namespace), name


def _namespace(sent: str) -> str:
    """Of what was applied: a list of objects, or one after the other."""
    found = json.loads(sent)
    items = found.get("items", [found])
    return str(items[0]["metadata"].get("namespace", "default"))


def _pods(there: Kubectl, job: dict[str, Any]) -> list[dict[str, Any]]:
    cluster = (job.get("status") or {}).get("rayClusterName")
    return there.labelled("pods", f"ray.io/cluster={cluster}") if cluster else []


def _head(pods: list[dict[str, Any]]) -> str:
    """The name of the head's pod, if it runs and is not on its way out."""
    for pod in pods:
        metadata = pod["metadata"]
        is_head = (metadata.get("labels") or {}).get("ray.io/node-type") == "head"
        runs = (pod.get("status") or {}).get("phase") == "Running"
        if is_head and runs and "deletionTimestamp" not in metadata:
            return str(metadata["name"])
    return ""


def _print(there: Kubectl, pod: str, place: str) -> str:
    python = ("python", "-P", "-m", "nightsweep.cluster.jobs.parcel", place)
    return there.ask("exec", pod, "--", *python, patience=LONG)


def _refuse_volumes(there: Kubectl, asked: Kubernetes) -> None:
    """Claims that are missing would keep the pods waiting for ever. Errors: NightsweepError."""
    for claim, folder in asked.volumes.items():
        try:
            found = there.get("persistentvolumeclaim", claim)
        except NightsweepError as error:
            if "Forbidden" in str(error):  # one may use claims without seeing them
                continue
            raise
        if found is None:
            raise NightsweepError(
                f"submit.kubernetes.volumes: there is no volume claim {claim!r} in this "
                "namespace; kubectl get persistentvolumeclaims lists them"
            )
        modes = (found.get("spec") or {}).get("accessModes") or []
        shared = asked.runs is not None and Path(asked.runs).is_relative_to(folder)
        if shared and "ReadWriteMany" not in modes:
            raise NightsweepError(
                f"submit.kubernetes.volumes: {claim!r} is {', '.join(modes)}, and all pods write "
                f"to runs, {asked.runs}; it must be ReadWriteMany"
            )
