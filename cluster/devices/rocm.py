"""AMD's GPUs, as the kernel tells of them (KFD). Counted and named; who uses them is not read."""

from __future__ import annotations

import contextlib
from collections.abc import Mapping
from pathlib import Path

from .device import Device, Reading

TOPOLOGY = Path("sys/class/kfd/kfd/topology/nodes")
HIP, ROCR = "HIP_VISIBLE_DEVICES", "ROCR_VISIBLE_DEVICES"


class Rocm:
    """A Reader of this machine's AMD GPUs. `root`: where /sys lies, in tests."""

    def __init__(self, root: Path = Path("/")) -> None:
        self._nodes = root / TOPOLOGY

    def devices(self) -> list[Device]:
        """In the kernel's order, which HIP keeps to; empty without AMD's driver."""
        nodes = sorted(self._nodes.glob("[0-9]*"), key=lambda node: int(node.name))
        gpus = [node for node in nodes if _properties(node).get("simd_count", 0) > 0]
        return [_device(index, node) for index, node in enumerate(gpus)]

    def read(self, device: Device) -> Reading | None:
        """Not read: None."""
        return None


def refusal(environ: Mapping[str, str]) -> str:
    """Why Ray would not take AMD GPUs, in words; empty where it would."""
    if ROCR in environ and HIP not in environ:
        return (
            f"{ROCR} is set, and Ray reads {HIP} only; write {HIP}={environ[ROCR]} and unset "
            f"{ROCR}"
        )
    return ""


def _device(index: int, node: Path) -> Device:
    known = _properties(node)
    banks = [_properties(bank) for bank in node.glob("mem_banks/*")]
    own = [bank.get("size_in_bytes", 0) for bank in banks if bank.get("heap_type") in (1, 2)]
    return Device(
        index=index,
        uuid=f"GPU-{known.get('unique_id', 0):016x}",
        name=f"AMD {_target(known.get('gfx_target_version', 0))}",
        memory=sum(own),
    )


def _target(version: int) -> str:
    """90010 is gfx90a, 110000 gfx1100: major and minor in decimal, the step in hexadecimal."""
    return f"gfx{version // 10000}{version // 100 % 100}{version % 100:x}" if version else "GPU"


def _properties(folder: Path) -> dict[str, int]:
    """Lines of a name and a whole number; none where the file cannot be read."""
    found: dict[str, int] = {}
    with contextlib.suppress(OSError):
        for line in (folder / "properties").read_text().splitlines():
            name, _, value = line.partition(" ")
            if value.isdecimal():
                found[name] = int(value)
    return found
