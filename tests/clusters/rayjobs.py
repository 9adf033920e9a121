"""A real Ray jobs server, of one node with a token, that does not have nightsweep installed.

with RayJobs() as jobs:
    subprocess.run(["nightsweep", "submit", ...], env=jobs.environ)
"""

from __future__ import annotations

import os
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path
from typing import Self

import psutil

from .raynodes import RayNodes, Spec, can_hide

NEEDED = ("aiohttp", "aiohttp-cors", "colorful", "opencensus", "prometheus-client")
SOURCES = Path(__file__).parents[2] / "src"  # what an editable installation imports


def missing() -> str:
    """Why no jobs server can be started here; empty if one can."""
    absent = [name for name in NEEDED if not _installed(name)]
    lacks = f"Ray's jobs server needs {', '.join(absent)}: pip install 'ray[default]'"
    return lacks if absent else ""


def _installed(name: str) -> bool:
    try:
        return bool(version(name))
    except PackageNotFoundError:
        return False


class RayJobs:
    """One head with two CPUs, and its jobs server at `address`."""

    def __init__(self) -> None:
        self._nodes = RayNodes(dashboard=True)
        # The job's `python` is the one that the head finds first.
        python = Path(sys.executable).parent
        self._nodes.environ["PATH"] = f"{python}{os.pathsep}{os.environ['PATH']}"
        self.address = self._nodes.jobs
        self.token = self._nodes.token
        self.environ = self._nodes.environ | {"RAY_API_SERVER_ADDRESS": self.address}

    def __enter__(self) -> Self:
        hidden = [SOURCES] if can_hide() else []
        try:
            self._nodes.start(Spec(cpus=2, hidden=hidden))
        except BaseException:
            self._nodes.close()
            raise
        return self

    def __exit__(self, *error: object) -> None:
        self._nodes.close()

    def kill_jobs(self) -> int:
        """-9 for what holds the jobs' drivers at the cluster, which end with it; how many."""
        found = [one for one in self._nodes.nodes[0].offspring() if _holds_a_driver(one)]
        for one in found:
            one.kill()
        return len(found)


def _holds_a_driver(process: psutil.Process) -> bool:
    try:
        return process.cmdline()[:1] == ["ray::JobSupervisor"]
    except psutil.Error:
        return False
