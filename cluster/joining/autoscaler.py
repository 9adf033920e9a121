"""A cluster that grows by itself: it is asked for all the slots that a sweep can fill, at once.

Ray Tune shows it one waiting slot at a time, for which it starts one node at a time (ray#43451).
"""

from __future__ import annotations

import contextlib
import json
from collections.abc import Callable
from typing import Any

from ...search.resources import Resources

STATUS = b"__autoscaling_status"
LIMIT = 1000  # slots, for a sweep that names neither slots nor trials

Request = Callable[..., None]


def grows() -> bool:
    """Whether something starts nodes for this cluster when they are asked for."""
    from ray.autoscaler.v2.utils import is_autoscaler_v2
    from ray.experimental.internal_kv import _internal_kv_get

    with contextlib.suppress(Exception):  # a head that is away for a moment
        return is_autoscaler_v2() or named(_internal_kv_get(STATUS) or b"{}")
    return False


def named(status: bytes) -> bool:
    """Whether an autoscaler knows the kinds of nodes that there are.

    A cluster that cannot grow has one too, which counts nodes and calls each kind `node_...`.
    """
    kinds = (json.loads(status).get("autoscaler_report") or {}).get("node_type_mapping") or {}
    return any(not kind.startswith("node_") for kind in kinds.values())


def wanted(new: int | None, slots: int | None, busy: int) -> int:
    """How many slots to ask for: those that the sweep could fill now.

    `new`: trials that have not begun, `slots`: that the sweep may have (both None: without limit);
    `busy`: slots that train.
    """
    return min(LIMIT if new is None else new + busy, LIMIT if slots is None else slots)


def bundle(needs: Resources) -> dict[str, float]:
    """What one slot takes, in Ray's names."""
    gpus = needs.gpus if isinstance(needs.gpus, int | float) else 1.0
    return {name: each for name, each in (("CPU", needs.cpus), ("GPU", gpus)) if each}


class Autoscaler:
    """Asks for slots, where the cluster `grows`; `withdraw` at the end."""

    def __init__(self, grows: bool, request: Request | None = None) -> None:
        self.grows = grows
        self._request = request or _request
        self._asked = 0

    def ask(self, slots: int, needs: Resources) -> None:
        """Room for so many slots, in all."""
        if not self.grows or slots == self._asked:
            return
        self._asked = slots
        with contextlib.suppress(Exception):  # without it the cluster grows one by one
            self._request(bundles=[bundle(needs)] * slots)

    def withdraw(self) -> None:
        """Nodes need not be kept for this sweep any more."""
        if self._asked:
            self._asked = 0
            with contextlib.suppress(Exception):
                self._request(bundles=[])


def _request(**words: Any) -> None:
    from ray.autoscaler.sdk import request_resources

    request_resources(**words)
