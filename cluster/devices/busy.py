"""Which devices are other people's at the moment, and what to do about it."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence, Set
from dataclasses import dataclass

from ...search.errors import ClusterError
from ...search.units import size_text
from .device import Device, Reading

HELD = 200e6  # bytes that a process of somebody else may hold on a device that is free
# Bytes of processes that cannot be seen: of other containers, or the user's own desktop, seen from
# one. A quarter of the device may be a desktop's, but not more than 4 GB.
UNSEEN, MOST, PART = 1e9, 4e9, 4

Owner = Callable[[int], str]  # the user of a process; empty where it cannot be seen


@dataclass(frozen=True, slots=True, kw_only=True)
class Taken:
    """A device that somebody else uses. `by`: "31 GB in use by pid 4242 of alice"."""

    device: Device
    by: str

    def __str__(self) -> str:
        number, _, name = str(self.device).partition(" (")
        return f"{number} ({name.removesuffix(')')}, {self.by})"


def taken(
    device: Device,
    reading: Reading | None,
    ours: Set[int],
    owner: Owner,
    *,
    windows: bool = False,
) -> Taken | None:
    """Whether somebody else uses a device; `ours`: the processes that belong to this sweep.

    What only draws on a screen does not count, nor what a device says nothing about. `windows`:
    it is shared with Windows (WSL2), whose use is counted and whose processes are never named.
    """
    if device.processes == 0:
        return Taken(device=device, by="its compute mode is prohibited")
    if reading is None:
        return None
    others = {pid: held for pid, held in reading.processes.items() if pid not in ours}
    least = -1 if device.processes == 1 else HELD  # one that lets one process in is full
    if any(held > least for held in others.values()):
        pid = max(others, key=lambda one: others[one])
        return Taken(device=device, by=_by(sum(others.values()), pid, len(others) - 1, owner))
    seen = sum(reading.processes.values()) + sum(reading.screens.values())
    if (unseen := reading.used - seen) > min(
        max(UNSEEN, device.memory / PART), MOST
    ) and not windows:
        by = f"{size_text(unseen)} in use by processes that cannot be seen from here"
        return Taken(device=device, by=by)
    return None


def all_taken(
    devices: Sequence[Device],
    readings: Mapping[Device, Reading | None],
    ours: Set[int],
    owner: Owner,
    *,
    windows: bool = False,
) -> list[Taken]:
    """Those of the devices that somebody else uses."""
    found = (
        taken(device, readings.get(device), ours, owner, windows=windows) for device in devices
    )
    return [one for one in found if one is not None]


def free(devices: Sequence[Device], others: Sequence[Taken]) -> list[Device]:
    """The devices that are left. Errors: ClusterError, naming all, where that is none."""
    theirs = {one.device for one in others}
    left = [device for device in devices if device not in theirs]
    if devices and not left:
        raise ClusterError(
            f"the sweep needs GPUs, and all are in use by others: {'; '.join(map(str, others))}; "
            "wait for them, or name those to use all the same in CUDA_VISIBLE_DEVICES"
        )
    return left


def _by(held: int, pid: int, more: int, owner: Owner) -> str:
    user = owner(pid)
    others = f" and {more} more" if more else ""
    return f"{size_text(held)} in use by pid {pid}{f' of {user}' if user else ''}{others}"
