"""How many trials fit on a cluster at once."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence

from ..search.errors import ClusterError
from ..search.resources import Resources

Node = Mapping[str, float]  # Ray's names: {"CPU": 16.0, "GPU": 2.0}
SLACK = 1e-9


def capacity(nodes: Sequence[Node], needs: Resources) -> int:
    """How many trials fit. Errors: ClusterError if not even one does, on any node."""
    fits = room(nodes, needs)
    if not fits:
        if needs.auto and not any(node.get("GPU") for node in nodes):
            raise ClusterError(
                "resources.gpus is auto, but there is no GPU here; write gpus: 0 to train on CPUs"
            )
        raise ClusterError(
            f"each trial asks for {_words(needs.cpus, needs.most_gpus)}, but the largest node has "
            f"{_largest(nodes)}; lower resources in the sweep"
        )
    return fits


def room(nodes: Iterable[Node], needs: Resources) -> int:
    """How many trials fit; 0 where there is no node for one now, but may be one later."""
    return sum(_on(node, needs) for node in nodes)


def sharing(
    nodes: Sequence[Node], needs: Resources, slots: Callable[[int], int], *, most: int
) -> int:
    """How many could share a GPU at `gpus: auto`, up to `most`: more would bring no more slots.

    `slots`: how many are opened where so many fit.
    """
    open_at = [slots(room(nodes, needs.shared(each))) for each in range(1, most + 1)]
    return 1 + open_at.index(max(open_at))


def _on(node: Node, needs: Resources) -> int:
    cpus, gpus = node.get("CPU", 0.0), node.get("GPU", 0.0)
    by_cpu = cpus / needs.cpus if needs.cpus else float("inf")
    by_gpu = _gpu_shares(gpus, needs.most_gpus) if needs.gpus else float("inf")
    return int(min(by_cpu, by_gpu) + SLACK)


def _gpu_shares(gpus: float, each: float) -> int:
    """A part of a GPU lies on one GPU: of two GPUs, 0.6 each serves two trials, not three."""
    if each >= 1:
        return int(gpus / each + SLACK)
    return int(gpus) * int(1 / each + SLACK)


def _largest(nodes: Sequence[Node]) -> str:
    if not nodes:
        return "nothing: there is no node"
    node = max(nodes, key=lambda n: (n.get("GPU", 0.0), n.get("CPU", 0.0)))
    return _words(node.get("CPU", 0.0), node.get("GPU", 0.0))


def _words(cpus: float, gpus: float) -> str:
    return f"{cpus:g} CPU{'' if cpus == 1 else 's'} and {gpus:g} GPU{'' if gpus == 1 else 's'}"
