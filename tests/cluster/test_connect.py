"""The Ray that a driver starts for itself: out of SIGTERM's reach, and gone when it ends.

It has GPUs that are not there, one of them somebody else's.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
from textwrap import dedent

import pytest
import ray

from nightsweep.cluster import connect
from nightsweep.cluster.cpus import BOUND, look

CODE = """
import json, os, signal
os.sched_setaffinity(0, {min(os.sched_getaffinity(0))})
import psutil, ray
from nightsweep.cluster.connect import connect
from nightsweep.cluster.devices import claim
from nightsweep.cluster.devices.device import Device, Reading

class Cards:
    def devices(self):
        return [Device(index=n, uuid=f"GPU-{n}", name="A100", memory=0) for n in range(3)]
    def read(self, device):
        return Reading(used=0, processes={1: int(3e9)} if device.index == 1 else {})

claim.Nvml = Cards
told = []
with connect(gpus=1, note=told.append) as nodes:
    seen = ray.remote(num_gpus=2)(os.getenv).remote("CUDA_VISIBLE_DEVICES")
    has = {name: ray.cluster_resources()[name] for name in ("CPU", "GPU")}
    devices = ray.get(seen)
    session = ray._private.worker._global_node.get_session_dir_path()
    mine = psutil.Process().children(recursive=True)
    blocked = [f"/proc/{one.pid}/status" for one in mine]
    masks = [next(l for l in open(path) if l.startswith("SigBlk")).split()[1] for path in blocked]
_, alive = psutil.wait_procs(mine, timeout=10)
print(json.dumps({
    "nodes": len(nodes.alive),
    "processes": len(mine),
    "hear": [one.pid for one, mask in zip(mine, masks) if not int(mask, 16) & 1 << 14],
    "this process hears": signal.SIGTERM not in signal.pthread_sigmask(signal.SIG_BLOCK, []),
    "alive": [one.name() for one in alive],
    "session": os.path.exists(session),
    "has": has,
    "devices": sorted(devices.split(",")),
    "after": os.getenv("CUDA_VISIBLE_DEVICES"),
    "told": [text.split(",")[0] + text[text.index(")"):] for text in told],
}))
"""


def test_it_is_started_with_all_cpus_though_this_thread_is_bound_to_one(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    found = []

    def init(**settings: object) -> None:
        found.append((os.sched_getaffinity(0), settings["num_cpus"]))

    monkeypatch.setattr(ray, "init", init)
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, {min(before)})
    try:
        connect._start(gpus=None)
    finally:
        os.sched_setaffinity(0, before)
    assert found == [(set(BOUND), look().usable)]


@pytest.mark.ray
def test_it_leaves_others_gpus_alone_does_not_hear_sigterm_and_leaves_nothing() -> None:
    done = subprocess.run(
        [sys.executable, "-c", dedent(CODE)], capture_output=True, text=True, check=True
    )
    found = json.loads(done.stdout.splitlines()[-1])
    assert found.pop("processes") > 4
    assert found == {
        "nodes": 1,
        "hear": [],
        "this process hears": True,
        "alive": [],
        "session": False,
        "has": {"CPU": 1.0, "GPU": 2.0},  # the CPU that it is bound to, the GPUs that are free
        "devices": ["0", "2"],
        "after": None,
        "told": ["GPU 1 (A100) is left alone"],
    }
