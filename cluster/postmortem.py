"""Ends a process that hangs, from a task on its own host; first its stacks go to its trial's log.

faulthandler writes them (trainables/host.py has told it where): in a signal handler, so that a
process which never lets go of the interpreter answers too, and without the rights that a debugger
needs.
"""

from __future__ import annotations

import contextlib
import os
import select
import signal
import time
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import ray
from ray.exceptions import RayError
from ray.util.scheduling_strategies import NodeAffinitySchedulingStrategy

from ..trainables.host import STACKS
from ..trainables.log import Log
from .leftovers import Offspring, descendants

REACH = 20.0  # seconds that the task has; then the driver ends the process without it
DYING = 5.0  # seconds that a killed process may take
WRITING = 2.0  # seconds that a process has to write its stacks
FAMILY = 16  # so many of its children are asked too: the workers of a data loader, say


class Ending:
    """The end of one slot's process, on its way. `reason`: why, for people."""

    def __init__(self, actor: Any, whereabouts: Any, log: Path, words: str, now: float) -> None:
        """`whereabouts`: what `Worker.whereabouts` has answered, or will. `log`: the trial's."""
        self.reason = words
        self._actor = actor
        self._task: Any = None
        self._until = now  # to wait for the task
        with contextlib.suppress(RayError):  # it has died meanwhile, or not answered even that
            node, pid = ray.get(whereabouts, timeout=0)
            there = NodeAffinitySchedulingStrategy(node, soft=False)
            self._task = _end.options(scheduling_strategy=there).remote(actor, pid, log, words)
            self._until = now + REACH
            self.reason = f"{words}; its stack is in trials/{log.parent.name}/{log.name}"

    def press(self, now: float) -> None:
        """Do without the task, if it takes too long."""
        if now >= self._until:
            self._until = now + REACH
            ray.kill(self._actor)

    @staticmethod
    def wait(endings: Iterable[Ending]) -> None:
        """Let the tasks finish: they end what the processes have left behind."""
        tasks = [ending._task for ending in endings if ending._task is not None]
        if tasks:
            ray.wait(tasks, num_returns=len(tasks), timeout=DYING)


@ray.remote(num_cpus=0, max_retries=0)
def _end(actor: Any, pid: int, log: Path, words: str) -> None:
    family = Offspring({pid} | descendants(pid))
    with contextlib.suppress(OSError):  # a full disk saves nobody
        write_stacks(pid, log, words)
    ray.kill(actor)  # Ray knows of it at once; of a bare kill it hears when the last child ends
    _wait_for_end(pid)
    family.end()
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(pid, signal.SIGKILL)  # if it had died before, its children hid that from Ray


def write_stacks(pid: int, log: Path, words: str) -> None:
    """Have a process of this host, and what it has started, write their stacks to `log`.

    Only those that listen: others would be ended by the signal. Errors: OSError.
    """
    _append(log, f"\nnightsweep: {words}; it is ended. Its stacks, the latest call first:\n")
    for one in [pid, *sorted(descendants(pid))[:FAMILY]]:
        if not _listens(one):
            continue
        _append(log, f"\nProcess {one}{'' if one == pid else ', which it has started'}:\n")
        size = log.stat().st_size
        with contextlib.suppress(ProcessLookupError):
            os.kill(one, STACKS)
            _wait_for_writing(log, size)


def _append(log: Path, text: str) -> None:
    with Log(log) as file:
        file.write(text)


def _listens(pid: int) -> bool:
    """Whether a process has a handler for the signal."""
    try:
        status = Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False
    caught = next(line.split()[1] for line in status.splitlines() if line.startswith("SigCgt:"))
    return bool(int(caught, 16) >> (STACKS - 1) & 1)


def _wait_for_writing(log: Path, size: int) -> None:
    """Until a log that had `size` bytes has grown, and grows no more."""
    deadline, before = time.monotonic() + WRITING, size
    while time.monotonic() < deadline:
        time.sleep(0.05)
        now = log.stat().st_size
        if now == before > size:
            return
        before = now


def _wait_for_end(pid: int) -> None:
    with contextlib.suppress(ProcessLookupError):
        handle = os.pidfd_open(pid)
        select.select([handle], [], [], DYING)
        os.close(handle)
