"""What is posted to a Ray jobs server for a sweep, and what travels with it."""

from __future__ import annotations

import hashlib
import os
import re
import shlex
import socket
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import yaml

from ....search.earlier import place
from ....search.errors import NightsweepError
from ..site import Job
from ..zoneless import zoneless
from .package import Package, project

GRACE = 60  # seconds that a driver has to save its trials; Ray's own are 3

TEXT = """\
# A Ray job: `request` is posted to the jobs server at `address`.
# working_dir is {project}; what .gitignore and .rayignore name stays here.
# py_modules is {ourselves}; what it needs (torch, optuna, ...) is installed there.
# --keep-going starts a driver that died again; --address auto is the cluster that the job runs on.
# RAY_JOB_STOP_WAIT_TIME_S: when it is stopped, it has so many seconds to save its trials.
"""


@dataclass(frozen=True, slots=True, kw_only=True)
class Load:
    """What travels with a job: the folder `root`, and nightsweep."""

    root: Path
    project: Package
    ourselves: Package

    def __iter__(self) -> Iterator[Package]:
        return iter((self.project, self.ourselves))


def text(address: str, job: Job, load: Load, number: int) -> str:
    """The request, for people and as it is posted. `number`: of the submission, from 1."""
    head = TEXT.format(project=load.project, ourselves=load.ourselves)
    sent = {"address": address, "request": _request(job, load, number)}
    return head + yaml.safe_dump(sent, sort_keys=False, width=1000)


def under(setup: tuple[str, ...], command: str) -> str:
    """A command after the setup, in one line."""
    if not setup:
        return command
    return f"exec bash -c {shlex.quote(' && '.join([*setup, command]))}"


def _request(job: Job, load: Load, number: int) -> dict[str, Any]:
    """The request, as the jobs server takes it."""
    asked, away = job.asked.ray, _away(job)
    file = os.path.relpath(job.file, load.root)
    words = ["-m", "nightsweep", "run", file, "--out", str(away), "--resume"]
    words += ["--keep-going", "--address", "auto", *job.words]
    request: dict[str, Any] = {
        "submission_id": _id(job.run, number),
        "entrypoint": under(asked.setup, f"exec python {shlex.join(words)}"),
        "runtime_env": {
            "working_dir": load.project.uri,
            "py_modules": [load.ourselves.uri],
            "env_vars": {"RAY_JOB_STOP_WAIT_TIME_S": str(GRACE)},
        },
        "metadata": {"nightsweep": str(away), "from": f"{socket.gethostname()}:{job.run}"},
    }
    if asked.cpus:
        request["entrypoint_num_cpus"] = asked.cpus
    if asked.resources:
        request["entrypoint_resources"] = dict(asked.resources)
    return request


def load(job: Job, ourselves: Package) -> Load:
    """What travels. Errors: NightsweepError where what is needed would not."""
    if job.begin:
        raise NightsweepError(
            f"ray begins at once, not at {job.begin}; `nightsweep schedule` submits later"
        )
    for key, at in zoneless(job.sweep) if job.asked.ray.runs else ():
        raise NightsweepError(
            f"{key}: {at} would be that of the cluster's zone, which may be another than here; "
            f"write {at} Europe/Berlin, say"
        )
    root = _root(job, Path.cwd())
    found = Load(root=root, project=project(root, job.run), ourselves=ourselves)
    for path in _needed(job):
        if not _travels(os.path.relpath(path, root), found.project):
            raise NightsweepError(
                f"{path} would not be sent to the cluster: {root} is, without what .gitignore and "
                ".rayignore name, and run folders; have it there, or name it by a path of the "
                "cluster's, from / on"
            )
    return found


def _travels(inside: str, project: Package) -> bool:
    """Whether a path inside a project is sent with it, or something in it is."""
    return inside == "." or any(f"{name}/".startswith(f"{inside}/") for name in project.names)


def _needed(job: Job) -> list[Path]:
    """The files and folders that the sweep names by paths of its own folder."""
    code = (job.sweep.train or "").rpartition(":")[0]
    named = [*[code] * code.endswith(".py"), *job.sweep.data, *map(place, job.sweep.from_)]
    relative = [path for path in map(Path, named) if not path.expanduser().is_absolute()]
    return [job.file, *(job.folder / path for path in relative)]


def _root(job: Job, here: Path) -> Path:
    """The folder that is sent: the sweep file's, or the current one where only that has both the
    file and the module that it names."""
    module = (job.sweep.train or "").rpartition(":")[0]
    top = module.partition(".")[0]
    found = [p for p in (job.folder, here) if (p / f"{top}.py").exists() or (p / top).is_dir()]
    outside = not module.endswith(".py") and found[:1] == [here]
    return here if outside and here in job.file.parents else job.folder


def _away(job: Job) -> Path:
    """The run folder, at the cluster."""
    return Path(job.asked.ray.runs) / job.run.name if job.asked.ray.runs else job.run


def _id(run: Path, number: int) -> str:
    """Of the job: the same for the same run folder and number, and another for any other."""
    mark = hashlib.sha256(f"{socket.gethostname()}:{run}".encode()).hexdigest()[:6]
    return f"{re.sub(r'[^A-Za-z0-9_.-]', '-', run.name)[:80]}-{mark}-{number}"
