"""GPUs that are not there: devices, and a reader that tells of them what a test says."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from nightsweep.cluster.devices.device import Device, Reading

GB = 10**9


def card(index: int, name: str = "NVIDIA A100", processes: int | None = None) -> Device:
    """A whole GPU of 40 GB."""
    return Device(
        index=index, uuid=f"GPU-{index}a", name=name, memory=40 * GB, processes=processes
    )


def part(index: int, number: int) -> Device:
    """A MIG slice of a GPU."""
    return Device(
        index=index,
        uuid=f"MIG-{index}-{number}",
        name="NVIDIA A100 MIG 1g.5gb",
        memory=5 * GB,
        slice=number,
    )


def used(held: int, pid: int = 4242) -> Reading:
    """A device on which one process computes."""
    return Reading(used=held, utilisation=0.9, processes={pid: held})


class Cards:
    """A Reader of these devices; those without a reading are idle."""

    def __init__(
        self, devices: Sequence[Device], readings: Mapping[Device, Reading] | None = None
    ) -> None:
        self._devices = devices
        self._readings = readings or {}

    def devices(self) -> Sequence[Device]:
        return self._devices

    def read(self, device: Device) -> Reading | None:
        return self._readings.get(device, Reading(used=0))
