"""Which devices a process may use: what CUDA_VISIBLE_DEVICES says, read as CUDA reads it."""

from __future__ import annotations

from collections.abc import Sequence

from .device import Device

VISIBLE = "CUDA_VISIBLE_DEVICES"
ORDER = "CUDA_DEVICE_ORDER"
BY_BUS = "PCI_BUS_ID"  # numbers as nvidia-smi and NVML count; CUDA's own are fastest first
NONE = ("NoDevFiles", "none", "void")  # what Slurm and containers write for no GPU


def visible(devices: Sequence[Device], given: str | None) -> list[Device]:
    """The devices that `given` names, in its order; all where it is None (not set).

    Numbers, UUIDs (or their beginning) and MIG ids. As in CUDA, what comes after the first
    entry that names no device is not seen.
    """
    if given is None:
        return list(devices)
    found: list[Device] = []
    for entry in entries(given):
        device = named(devices, entry)
        if device is None or device in found:
            break
        found.append(device)
    return found


def entries(given: str) -> list[str]:
    """What stands between the commas; nothing for no device."""
    if given.strip() in NONE:
        return []
    return [entry.strip() for entry in given.split(",") if entry.strip()]


def named(devices: Sequence[Device], entry: str) -> Device | None:
    """The device that one entry names. A number is a whole GPU, or the first slice of it."""
    if entry.isdecimal():
        found = [device for device in devices if device.index == int(entry)]
        return found[0] if found else None
    if entry.startswith("MIG-GPU-"):  # drivers before R470: MIG-GPU-<uuid>/<instance>/<slice>
        return None
    alike = [device for device in devices if entry and device.uuid.startswith(entry)]
    return alike[0] if len(alike) == 1 else None
