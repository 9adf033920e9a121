"""The cluster's nodes while a sweep runs: they go, others come, and Ray itself may go."""

from __future__ import annotations

import contextlib
import threading
import time
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self

from ..search.units import plural
from .capacity import Node

EVERY = 2.0  # seconds between two looks
SILENT = 40.0  # seconds; after 60 without the cluster's head Ray ends this process, saying little
WAIT = 1.0  # seconds for the last look to end


class Member(NamedTuple):
    """A node that lives: its host's name, what it has, and its address."""

    host: str
    has: Node
    address: str = ""


Members = Mapping[str, Member]  # by Ray's names of nodes


def alive() -> dict[str, Member]:
    """The nodes that live, as the cluster's head knows them. Waits while the head is away."""
    import ray

    return {
        node["NodeID"]: Member(
            node["NodeManagerHostname"], node["Resources"], node["NodeManagerAddress"]
        )
        for node in ray.nodes()
        if node["Alive"]
    }


class Nodes:
    """As they were a few seconds ago.

    `grows`: others may come. Then a thread looks, for its question waits as long as the cluster's
    head is away, and training goes on meanwhile; a head that keeps its records elsewhere (Redis)
    may come back. `look`, `died`: what lives, and which process of Ray's does not any more.
    `every`: seconds between two looks. `admit`: which newcomers are left out, each with the
    reason. `folder`: that of the sweep file, as the nodes find it; None: as here.
    """

    def __init__(
        self,
        *,
        grows: bool,
        look: Callable[[], Members] = alive,
        died: Callable[[], str] | None = None,
        clock: Callable[[], float] = time.monotonic,
        every: float = EVERY,
        admit: Callable[[Members], Mapping[str, str]] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.alive = look()
        self.folder = folder
        self.refused: set[str] = set()
        self.remarks: list[str] = []  # on those that were left out, for people
        self._admit = admit
        self._look = look
        self._died = died or _died
        self._clock = clock
        self._every = every
        self._heard = clock()
        self._closed = threading.Event()
        self._thread = threading.Thread(target=self._keep_looking, daemon=True)
        self.grows = grows

    def __enter__(self) -> Self:
        if self.grows:
            self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._closed.set()
        if self.grows:
            self._thread.join(WAIT)

    def ask(self) -> None:
        """Look at the nodes; where the head does not answer they stay what they were."""
        with contextlib.suppress(Exception):  # whatever Ray raises then
            found = self._look()
            self._heard = self._clock()
            known = self.alive.keys() | self.refused
            if self._admit and (new := {node: found[node] for node in found.keys() - known}):
                refused = self._admit(new)
                self.refused |= refused.keys()
                self.remarks += refused.values()
            self.alive = {node: found[node] for node in found.keys() - self.refused}

    @property
    def gone(self) -> str:
        """Why nothing can be trained on this Ray any more; empty while it lives."""
        if process := self._died():
            return f"Ray has died under this sweep: its {process} has ended"
        silent = self._clock() - self._heard if self.grows else 0.0
        if silent > SILENT:
            return f"the head of the Ray cluster has not answered for {silent:.0f} s"
        return ""

    def _keep_looking(self) -> None:
        while not self._closed.wait(self._every):
            self.ask()


def _died() -> str:
    """The process of Ray's that was started from here, is needed, and has ended; or nothing."""
    import ray

    node: Any = ray._private.worker._global_node
    for name in ("gcs_server", "raylet"):
        for started in node.all_processes.get(name, []) if node else []:
            if started.process.poll() is not None:
                return name
    return ""


def news(before: Members, now: Members, slots: int) -> str:
    """What has changed, in words; empty if nothing has. `slots`: how many there are now."""
    lost = [before[node].host for node in before.keys() - now.keys()]
    came = [now[node].host for node in now.keys() - before.keys()]
    told = [
        f"{plural(len(hosts), 'node')} {word} ({', '.join(sorted(hosts))})"
        for hosts, word in ((lost, "lost"), (came, "came"))
        if hosts
    ]
    return f"{', '.join(told)}: {plural(slots, 'slot')} now" if told else ""
