"""How many CPUs this process may use: in a container or a job fewer than the machine has."""

from __future__ import annotations

import contextlib
import os
from collections.abc import Iterator
from dataclasses import dataclass

from .cgroup import Limits, limits

# Read on import, before anybody's training function is loaded: where OMP_PROC_BIND is set, torch's
# OpenMP binds the thread that imports it to one CPU.
BOUND = frozenset(os.sched_getaffinity(0))


@dataclass(frozen=True, slots=True, kw_only=True)
class Cpus:
    """`there`: of the machine. `bound`: those that the process is bound to (taskset, Slurm, a
    cpuset). `quota`: the time that its control group gives it, in CPUs; None: no limit."""

    there: int
    bound: int
    quota: float | None = None

    @property
    def usable(self) -> int:
        """Whole CPUs, at least 1."""
        return max(int(min(self.bound, self.quota or self.bound)), 1)


def look(group: Limits | None = None) -> Cpus:
    """This process's. Ray counts all that the machine has, unless a container's root says less."""
    group = group or limits()
    return Cpus(there=os.cpu_count() or 1, bound=len(BOUND), quota=group.cpus)


@contextlib.contextmanager
def unbound() -> Iterator[None]:
    """What is started meanwhile may use all CPUs that this process may, not this thread's only."""
    before = os.sched_getaffinity(0)
    os.sched_setaffinity(0, BOUND)
    try:
        yield
    finally:
        os.sched_setaffinity(0, before)
