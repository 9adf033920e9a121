"""A workstation that nothing is wrong with; tests change what they are about."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

from nightsweep.cluster.cgroup import Limits
from nightsweep.cluster.cpus import Cpus
from nightsweep.cluster.doctor.machine import Clock, Disk, Machine, Most

GB = 10**9
NONE = Most(soft=None, hard=None)
BIG = Disk(path=Path("/data/runs"), total=2000 * GB, free=900 * GB, files=10**8)
WELL = Machine(
    host="ws",
    cpus=Cpus(there=16, bound=16),
    group=Limits(),
    memory=128 * GB,
    available=100 * GB,
    runs=BIG,
    temporary=replace(BIG, path=Path("/tmp")),
    shared=Disk(path=Path("/dev/shm"), total=64 * GB, free=64 * GB),
    files=Most(soft=1024, hard=1048576),
    tasks=NONE,
    clock=Clock(zone="Europe/Berlin", shown="2026-03-01 22:00:00 (UTC+0100)", ahead=0.0),
)


def machine(**changes: Any) -> Machine:
    return replace(WELL, **changes)
