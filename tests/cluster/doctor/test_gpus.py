"""What the doctor says of GPUs. They are made up: there was none to try."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from nightsweep.cluster.devices.busy import Taken
from nightsweep.cluster.devices.device import Device, Reading
from nightsweep.cluster.devices.nvml import NOT_THERE
from nightsweep.cluster.doctor.finding import Finding, Level
from nightsweep.cluster.doctor.gpus import Gpus, Torch, findings

from ..devices.cards import GB, card, part

CUDA = Torch(version="2.13.0+cu130", cuda="13.0", usable=2)
CPU = Torch(version="2.13.0+cpu")


def told(
    devices: Sequence[Device] = (),
    environ: dict[str, str] | None = None,
    *,
    torch: Torch = CUDA,
    needed: bool = False,
    **known: Any,
) -> list[Finding]:
    readings = {device: Reading(used=GB // 2) for device in devices}
    gpus = Gpus(devices=devices, readings=readings, driver="550.54.15", **known)
    return list(findings(gpus, torch, environ or {}, needed=needed))


def bad(*arguments: Any, **known: Any) -> Finding:
    """The one thing that is wrong."""
    (found,) = (one for one in told(*arguments, **known) if one.level is not Level.FINE)
    return found


def test_an_idle_gpu_is_fine() -> None:
    assert [(one.level, one.said) for one in told([card(0)])] == [
        (Level.FINE, "GPU 0 (NVIDIA A100): 40 GB, driver 550.54.15; 500 MB in use")
    ]


def test_a_machine_without_a_driver_is_fine_where_no_gpu_is_needed() -> None:
    (found,) = told(problem=NOT_THERE)
    assert found.level is Level.FINE
    assert found.said == f"none: {NOT_THERE}; trials train on CPUs"
    assert bad(problem=NOT_THERE, needed=True).advice.startswith("install NVIDIA's driver")


def test_a_driver_that_does_not_answer_is_told_in_any_case() -> None:
    assert bad(problem="the NVIDIA driver does not answer").level is Level.LIMITS


def test_who_uses_a_gpu_is_named_and_left_alone() -> None:
    found = bad([card(0), card(1)], taken=[Taken(device=card(1), by="31 GB in use by pid 4242")])
    assert found.said.endswith("31 GB in use by pid 4242: a sweep leaves it alone")
    assert found.advice == "to use it all the same: CUDA_VISIBLE_DEVICES=1"


def test_a_gpu_that_the_user_has_named_is_used_whoever_else_does() -> None:
    taken = [Taken(device=card(0), by="31 GB in use by pid 4242")]
    found = bad([card(0)], {"CUDA_VISIBLE_DEVICES": "0"}, taken=taken)
    assert found.said.endswith("; 31 GB in use by pid 4242")


def test_a_mig_slice_is_a_gpu_of_its_own() -> None:
    (found,) = told([part(0, 1)])
    assert found.said == (
        "GPU 0 slice 1 (NVIDIA A100 MIG 1g.5gb): 5 GB, driver 550.54.15; a MIG slice counts as a "
        "GPU of its own, and no trial can have two; 500 MB in use"
    )


def test_an_exclusive_compute_mode_limits() -> None:
    assert bad([card(0, processes=1)]).advice == "as root: nvidia-smi -i 0 -c DEFAULT"


def test_gpus_that_are_hidden_are_counted() -> None:
    assert bad([card(0), card(1)], {"CUDA_VISIBLE_DEVICES": "1"}).said == (
        "CUDA_VISIBLE_DEVICES=1 shows 1 of 2 GPUs"
    )
    assert bad([card(0)], {"CUDA_VISIBLE_DEVICES": ""}).said == (
        "CUDA_VISIBLE_DEVICES is empty, which hides all GPUs"
    )
    assert bad([card(0)], {"CUDA_VISIBLE_DEVICES": "5"}).said == (
        "CUDA_VISIBLE_DEVICES=5 names no GPU of this machine, so none can be used"
    )


def test_numbers_of_unlike_gpus_are_ambiguous() -> None:
    unlike = [card(0, "NVIDIA T4"), card(1, "NVIDIA A100")]
    environ = {"CUDA_VISIBLE_DEVICES": "0,1"}
    assert bad(unlike, environ).advice == "export CUDA_DEVICE_ORDER=PCI_BUS_ID"
    by_bus = {**environ, "CUDA_DEVICE_ORDER": "PCI_BUS_ID"}
    assert {one.level for one in told(unlike, by_bus)} == {Level.FINE}
    assert {one.level for one in told([card(0), card(1)], environ)} == {Level.FINE}


def test_a_torch_without_cuda_cannot_use_them() -> None:
    found = bad([card(0)], torch=CPU)
    assert (found.level, found.said) == (
        Level.LIMITS,
        "torch 2.13.0+cpu is not built for CUDA",
    )
    assert bad([card(0)], torch=CPU, needed=True).level is Level.STOPS


def test_a_torch_that_is_too_new_for_the_driver_is_told_so() -> None:
    blind = Torch(version="2.13.0+cu130", cuda="13.0")
    assert bad([card(0)], torch=blind).said == (
        "torch 2.13.0+cu130 is built for CUDA 13.0, and finds no GPU that it can use"
    )


def test_amd_gpus_are_named_and_need_a_torch_for_rocm() -> None:
    amd = [card(0, "AMD gfx90a")]
    rocm = Torch(version="2.13.0+rocm7.0", hip="7.0.1", usable=1)
    (found,) = told(amd=amd, torch=rocm)
    assert found.said == (
        "GPU 0 (AMD gfx90a), 40 GB; whether others use it is not looked at (ROCm)"
    )
    assert bad(amd=amd, torch=CPU).said == "torch 2.13.0+cpu is not built for ROCm"


def test_amd_gpus_by_the_name_that_ray_does_not_read_stop_a_sweep_that_needs_them() -> None:
    rocm = Torch(version="2.13.0+rocm7.0", hip="7.0.1", usable=1)
    environ = {"ROCR_VISIBLE_DEVICES": "0"}
    found = bad((), environ, amd=[card(0, "AMD gfx90a")], torch=rocm, needed=True)
    assert (found.level, "HIP_VISIBLE_DEVICES" in found.said) == (Level.STOPS, True)
