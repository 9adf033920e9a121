"""A real Ray cluster of several nodes on one machine, started through `ray start`.

Each node has an address of its own on the loopback (127.0.0.2, .3, .4, ...), its own temporary
folder and logical CPUs and GPUs; the cluster has a token of its own, and sees a dead node within
two seconds (by itself Ray takes some fifteen). Everything is ended by pid; never by `ray stop`,
which would end every Ray on the machine.

    with RayNodes() as nodes:
        nodes.start(Spec(gpus=4), Spec(gpus=4), Spec(gpus=4))
        subprocess.run(["nightsweep", "run", "--address", nodes.address, ...], env=nodes.environ)
"""

from __future__ import annotations

import contextlib
import importlib.util
import json
import os
import secrets
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Self

import psutil

RAY = [sys.executable, "-m", "ray.scripts.scripts", "start"]
STORE = 100 * 1024**2  # bytes of each node's object store
UP = 90.0  # seconds that a node may take to come up on a busy machine
QUICK = {
    "RAY_health_check_initial_delay_ms": "500",
    "RAY_health_check_period_ms": "300",
    "RAY_health_check_timeout_ms": "1000",
    "RAY_health_check_failure_threshold": "3",
    "RAY_metrics_report_interval_ms": "1000",
    "RAY_GRACEFUL_SHUTDOWN_DRAIN_TIMEOUT_S": "0",
    "RAY_USAGE_STATS_ENABLED": "0",
    "PYTHONWARNINGS": "ignore",
}


@dataclass(frozen=True, slots=True, kw_only=True)
class Spec:
    """What a node is to have. `hidden`: folders that it shall not see, as on another machine."""

    cpus: int = 2
    gpus: int = 0
    hidden: Sequence[Path] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class Node:
    """A node that was started: its address, and the process of its `ray start --block`."""

    host: str
    metrics: str  # the page that Prometheus would read; there with ray[default] only
    process: subprocess.Popen[bytes] = field(repr=False)
    log: Path = field(repr=False)

    def said(self) -> str:
        """What its `ray start` has printed."""
        return self.log.read_text(errors="replace")

    @property
    def raylet(self) -> int:
        """The raylet's pid. Errors: StopIteration if it is not up."""
        return next(one.pid for one in self.offspring() if one.name() == "raylet")

    def offspring(self) -> list[psutil.Process]:
        """All that this node has started, and that lives."""
        try:
            return psutil.Process(self.process.pid).children(recursive=True)
        except psutil.NoSuchProcess:
            return []


class RayNodes:
    """The cluster: `start` nodes, `kill` some; the end of the `with` ends all that live.

    `dashboard`: with the dashboard and its jobs server, at `jobs`. `grows`: so many nodes with one
    CPU are started by Ray's own autoscaler, when they are asked for. `environ`: what drivers and
    other clients need (the token).
    """

    def __init__(self, *, dashboard: bool = False, grows: int = 0) -> None:
        # A short path: the names of Unix sockets below it may have 107 characters.
        self.place = Path(tempfile.mkdtemp(prefix="nodes-"))
        self.address = f"127.0.0.2:{free_port()}"
        self.jobs = f"http://127.0.0.1:{free_port()}" if dashboard else ""
        self.token = self.place / "token"
        self.token.touch(mode=0o600)
        self.token.write_text(secrets.token_hex(32))
        self.environ = {
            **{name: value for name, value in os.environ.items() if name != "RAY_ADDRESS"},
            "RAY_USAGE_STATS_ENABLED": "0",
            "RAY_AUTH_MODE": "token",
            "RAY_AUTH_TOKEN_PATH": str(self.token),
        }
        self.nodes: list[Node] = []
        self._growth = self.place / "growth.json"
        if grows:
            self._growth.write_text(json.dumps(growing(self.address, grows)))
            # Nodes that the autoscaler starts are processes of this machine.
            self.environ |= {"RAY_FAKE_CLUSTER": "1", "AUTOSCALER_UPDATE_INTERVAL_S": "1"}

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *error: object) -> None:
        self.close()

    def start(self, *specs: Spec) -> list[Node]:
        """Start nodes and wait until they are up; the very first is the head."""
        started = []
        for spec in specs:
            head = not self.nodes
            started.append(self._launch(spec, head=head))
            if head:
                self._wait(started[0])
        for node in started:
            self._wait(node)
        return started

    def kill(self, node: Node) -> None:
        """-9 for the node's raylet: to the cluster it is lost, with all that trained on it."""
        os.kill(node.raylet, signal.SIGKILL)

    def close(self) -> None:
        """End every node, and remove what they have written."""
        everything = [one for node in self.nodes for one in node.offspring()]
        for node in reversed(self.nodes):
            node.process.terminate()
        deadline = time.monotonic() + 10
        for node in self.nodes:
            with contextlib.suppress(subprocess.TimeoutExpired):
                node.process.wait(max(0.1, deadline - time.monotonic()))
        for one in [*everything, *(psutil.Process(n.process.pid) for n in self._living())]:
            with contextlib.suppress(psutil.NoSuchProcess):
                one.kill()
        psutil.wait_procs(everything, timeout=10)
        for node in self.nodes:
            node.process.wait()
        shutil.rmtree(self.place, ignore_errors=True)

    def _living(self) -> Iterator[Node]:
        return (node for node in self.nodes if node.process.poll() is None)

    def _launch(self, spec: Spec, *, head: bool) -> Node:
        number = len(self.nodes) + 2
        host, temp = f"127.0.0.{number}", self.place / str(number)
        temp.mkdir()
        home = temp / "cwd"  # nothing to import from here
        home.mkdir()
        words = [
            *RAY, "--block", f"--node-ip-address={host}", f"--temp-dir={temp}",
            f"--num-cpus={spec.cpus}", f"--num-gpus={spec.gpus}",
            f"--object-store-memory={STORE}", "--disable-usage-stats",
        ]  # fmt: skip
        words += self._as_head() if head else [f"--address={self.address}"]
        metrics = free_port()
        words += [f"--metrics-export-port={metrics}"]
        log = temp / "log.txt"
        with log.open("wb") as out:
            process = subprocess.Popen(
                _hiding(spec.hidden, words),
                cwd=home,
                stdout=out,
                stderr=out,
                env=self.environ | QUICK,
                start_new_session=True,
            )
        page = f"http://{host}:{metrics}/metrics"
        self.nodes.append(Node(host=host, metrics=page, process=process, log=log))
        return self.nodes[-1]

    def _as_head(self) -> list[str]:
        port = self.address.rpartition(":")[2]
        words = ["--head", f"--port={port}", f"--include-dashboard={bool(self.jobs)}"]
        if importlib.util.find_spec("grpc"):  # there is a server for Ray's client then, at 10001
            words += [f"--ray-client-server-port={free_port()}"]
        if self._growth.exists():
            words += [f"--autoscaling-config={self._growth}"]
        if self.jobs:
            words += ["--dashboard-host=127.0.0.1", f"--dashboard-port={self.jobs[-5:]}"]
        return words

    def _wait(self, node: Node) -> None:
        deadline = time.monotonic() + UP
        while "Ray runtime started" not in node.said():
            assert node.process.poll() is None, f"{node.host} did not start:\n{node.said()}"
            assert time.monotonic() < deadline, f"{node.host} is not up:\n{node.said()}"
            time.sleep(0.1)


def free_port() -> int:
    """A port with five digits that nobody listens on, outside the range that systems give away."""
    while True:
        port = 20000 + secrets.randbelow(10000)
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)):
                return port


def growing(address: str, most: int) -> dict[str, Any]:
    """What Ray's autoscaler is told: up to so many nodes with one CPU, none to begin with.

    ray.cluster_utils.AutoscalingCluster would do it too, but begins and ends by `ray stop`.
    """
    head, worker = "ray.head.default", {"CPU": 1, "object_store_memory": STORE}
    provider: dict[str, Any] = {"type": "fake_multinode", "gcs_address": address}
    provider |= {"disable_node_updaters": True, "disable_launch_config_check": True}
    return {
        "cluster_name": "growing", "max_workers": most, "idle_timeout_minutes": 5,
        "upscaling_speed": 1.0, "provider": provider, "auth": {},
        "head_node_type": head,
        "available_node_types": {
            head: {"resources": {"CPU": 0}, "node_config": {}, "max_workers": 0},
            "worker": {"resources": worker, "node_config": {}, "max_workers": most},
        },
        "file_mounts": {}, "initialization_commands": [], "setup_commands": [],
        "head_setup_commands": [], "worker_setup_commands": [], "head_start_ray_commands": [],
        "worker_start_ray_commands": [], "cluster_synced_files": [], "rsync_exclude": [],
        "rsync_filter": [], "file_mounts_sync_continuously": False,
    }  # fmt: skip


def can_hide() -> bool:
    """Whether this user may give a node a view of its own of the file system."""
    return subprocess.run(_hiding([Path("/mnt")], ["true"]), capture_output=True).returncode == 0


def _hiding(folders: Sequence[Path], words: Sequence[str]) -> list[str]:
    """The command, in a mount namespace in which these folders are empty."""
    if not folders:
        return list(words)
    mounts = [f"mount -t tmpfs none {shlex.quote(str(folder))}" for folder in folders]
    script = " && ".join([*mounts, f"exec {shlex.join(words)}"])
    user = [] if os.getuid() == 0 else ["--map-root-user"]
    return ["unshare", *user, "--mount", "sh", "-c", script]
