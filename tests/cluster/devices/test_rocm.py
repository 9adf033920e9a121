"""AMD's GPUs, from files as the kernel's driver writes them. There was no such GPU to try."""

from __future__ import annotations

from pathlib import Path

from nightsweep.cluster.devices.rocm import TOPOLOGY, Rocm


def node(root: Path, number: int, **properties: int) -> Path:
    folder = root / TOPOLOGY / str(number)
    (folder / "mem_banks/0").mkdir(parents=True)
    lines = [f"{name} {value}" for name, value in properties.items()]
    (folder / "properties").write_text("\n".join(lines))
    (folder / "mem_banks/0/properties").write_text("heap_type 1\nsize_in_bytes 68702699520\n")
    return folder


def test_gpus_are_counted_and_named_and_cpus_are_not(tmp_path: Path) -> None:
    node(tmp_path, 0, cpu_cores_count=64, simd_count=0)
    node(tmp_path, 1, simd_count=440, gfx_target_version=90010, unique_id=10)
    node(tmp_path, 10, simd_count=96, gfx_target_version=110000, unique_id=11)
    found = Rocm(tmp_path).devices()
    assert [str(device) for device in found] == ["GPU 0 (AMD gfx90a)", "GPU 1 (AMD gfx1100)"]
    assert [device.memory for device in found] == [68702699520, 68702699520]
    assert found[0].uuid == "GPU-000000000000000a"


def test_who_uses_them_is_not_read(tmp_path: Path) -> None:
    node(tmp_path, 0, simd_count=440)
    reader = Rocm(tmp_path)
    assert reader.read(reader.devices()[0]) is None


def test_without_the_driver_there_are_none(tmp_path: Path) -> None:
    assert Rocm(tmp_path).devices() == []
