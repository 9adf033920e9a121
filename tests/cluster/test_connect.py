"""The Ray that a driver starts for itself: out of SIGTERM's reach, and gone when it ends."""

from __future__ import annotations

import json
import subprocess
import sys
from textwrap import dedent

import pytest

CODE = """
import json, os, signal
import psutil, ray
from nightsweep.cluster.connect import connect

with connect() as nodes:
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
}))
"""


@pytest.mark.ray
def test_its_processes_do_not_hear_sigterm_and_leave_nothing() -> None:
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
    }
