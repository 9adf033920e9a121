"""How much of a GPU's memory a process may take that shares it, so that it costs no neighbour."""

from __future__ import annotations

from typing import Any

from .sampler import CONTEXT

LEAST = 0.5  # of its share, on a device so small that CUDA's own is much of it


def cap(share: float, total: int) -> float:
    """The part of a device's memory that tensors may take in a share of it: CUDA takes some too.

    1 for one that does not share. `total`: bytes of the device.
    """
    if share >= 1:
        return 1.0
    return max(share - CONTEXT / total, share * LEAST) if total else share


def hold(share: float, cuda: Any = None) -> None:
    """Hold this process to its share of the GPU that it sees first. Does nothing without CUDA.

    `cuda`: what stands for torch.cuda in tests.
    """
    if cuda is None:
        from torch import cuda
    if cuda.is_available():
        total = cuda.get_device_properties(0).total_memory
        cuda.set_per_process_memory_fraction(cap(share, total), 0)
