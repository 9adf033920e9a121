"""A GPU, what is read of it, and who reads."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Protocol


@dataclass(frozen=True, slots=True, kw_only=True)
class Device:
    """A GPU, or a MIG slice of one. `index`: in the order of the PCI bus, as nvidia-smi counts.

    `slice`: the number of a MIG slice on GPU `index`; None for a whole GPU. `memory`: bytes, 0
    where the driver does not say. `processes`: how many may compute on it at once, by its compute
    mode; None: any number.
    """

    index: int
    uuid: str  # "GPU-..." or "MIG-..."; empty where unknown
    name: str
    memory: int
    slice: int | None = None
    processes: int | None = None

    @property
    def address(self) -> str:
        """What stands for it in CUDA_VISIBLE_DEVICES."""
        return str(self.index) if self.slice is None else self.uuid

    def __str__(self) -> str:
        number = str(self.index) if self.slice is None else f"{self.index} slice {self.slice}"
        return f"GPU {number} ({self.name})"


@dataclass(frozen=True, slots=True, kw_only=True)
class Reading:
    """A device at one moment.

    `used`: bytes in use by all processes, also those that cannot be seen from here (in other
    containers). `utilisation`: the part of the last moment, 0 to 1, in which anything was
    computed; None where it is not measured (MIG). `processes`: bytes by process that computes; 0
    where the driver does not say how many. `screens`: the same of those that only draw (a display
    server, a browser).
    """

    used: int
    utilisation: float | None = None
    processes: Mapping[int, int] = field(default_factory=dict)
    screens: Mapping[int, int] = field(default_factory=dict)


class Reader(Protocol):
    """Reads devices: NVML's library (nvml.py), or a fake in tests."""

    def devices(self) -> Sequence[Device]:
        """All of the machine, whatever CUDA_VISIBLE_DEVICES says; empty where there are none."""
        ...

    def read(self, device: Device) -> Reading | None:
        """How it is now; None where the driver does not answer for it."""
        ...
