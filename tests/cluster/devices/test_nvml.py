"""What NVML's library says, as devices and readings. The library is a fake: there was no GPU."""

from __future__ import annotations

import pynvml
import pytest

from nightsweep.cluster.devices.device import Reading
from nightsweep.cluster.devices.nvml import Nvml

from .cards import GB
from .library import LOST, NOT_SUPPORTED, Library, a100


def test_a_gpu_has_its_name_memory_and_number() -> None:
    nvml = Nvml(Library({"GPU-a": a100(), "GPU-b": a100()}))
    assert (nvml.problem, nvml.driver) == ("", "550.54.15")
    assert [str(one) for one in nvml.devices()] == [
        "GPU 0 (NVIDIA A100-SXM4-40GB)",
        "GPU 1 (NVIDIA A100-SXM4-40GB)",
    ]
    assert [(one.uuid, one.memory, one.processes) for one in nvml.devices()] == [
        ("GPU-a", 42 * GB, None),
        ("GPU-b", 42 * GB, None),
    ]


def test_a_reading_has_memory_utilisation_and_processes() -> None:
    nvml = Nvml(Library({"GPU-a": a100()}))
    assert nvml.read(nvml.devices()[0]) == Reading(
        used=3 * GB, utilisation=0.35, processes={11: 2 * GB, 12: 0}, screens={900: GB}
    )


def test_a_gpu_in_mig_mode_is_its_slices() -> None:
    kind = {"nvmlDeviceGetName": "NVIDIA A100-SXM4-40GB MIG 1g.5gb"}
    cards = {
        "GPU-a": a100(mig=1),
        "MIG-x": a100(slice=("GPU-a", 0), **kind),
        "MIG-y": a100(slice=("GPU-a", 4), **kind),
        "GPU-b": a100(mig=0),
    }
    nvml = Nvml(Library(cards))
    assert [(str(one), one.uuid) for one in nvml.devices()] == [
        ("GPU 0 slice 0 (NVIDIA A100-SXM4-40GB MIG 1g.5gb)", "MIG-x"),
        ("GPU 0 slice 4 (NVIDIA A100-SXM4-40GB MIG 1g.5gb)", "MIG-y"),
        ("GPU 1 (NVIDIA A100-SXM4-40GB)", "GPU-b"),
    ]
    reading = nvml.read(nvml.devices()[0])
    assert reading is not None
    assert reading.utilisation is None


def test_a_gpu_in_mig_mode_without_slices_cannot_be_used() -> None:
    nvml = Nvml(Library({"GPU-a": a100(mig=1)}))
    assert nvml.devices() == []
    assert nvml.problem.endswith("or is in MIG mode without slices")


def test_the_compute_mode_says_how_many_processes_may_share_a_gpu() -> None:
    modes = [pynvml.NVML_COMPUTEMODE_EXCLUSIVE_PROCESS, pynvml.NVML_COMPUTEMODE_PROHIBITED]
    cards = {f"GPU-{mode}": a100(nvmlDeviceGetComputeMode=mode) for mode in modes}
    assert [one.processes for one in Nvml(Library(cards)).devices()] == [1, 0]


def test_what_a_device_does_not_measure_is_not_known() -> None:
    cards = {"GPU-a": a100(nvmlDeviceGetUtilizationRates=NOT_SUPPORTED)}
    nvml = Nvml(Library(cards))
    reading = nvml.read(nvml.devices()[0])
    assert reading is not None
    assert reading.utilisation is None


def test_a_gpu_that_falls_off_the_bus_has_no_reading_and_hides_no_other() -> None:
    cards = {"GPU-a": a100(), "GPU-b": a100()}
    nvml = Nvml(Library(cards))
    cards["GPU-a"]["nvmlDeviceGetMemoryInfo"] = LOST
    assert [nvml.read(one) is None for one in nvml.devices()] == [True, False]
    cards["GPU-a"]["nvmlDeviceGetName"] = LOST
    assert [one.uuid for one in Nvml(Library(cards)).devices()] == ["GPU-b"]


@pytest.mark.parametrize(
    ("code", "words"),
    [
        (pynvml.NVML_ERROR_LIBRARY_NOT_FOUND, "no NVIDIA driver is installed"),
        (pynvml.NVML_ERROR_DRIVER_NOT_LOADED, "the NVIDIA driver is installed, but not loaded"),
        (
            pynvml.NVML_ERROR_LIB_RM_VERSION_MISMATCH,
            "the NVIDIA driver does not answer (RM has detected",
        ),
    ],
)
def test_a_machine_without_a_driver_has_no_devices_and_says_why(code: int, words: str) -> None:
    nvml = Nvml(Library({}, broken=pynvml.NVMLError(code)))
    assert nvml.devices() == []
    assert nvml.problem.startswith(words)


def test_a_driver_without_a_gpu_says_so() -> None:
    assert Nvml(Library({})).problem == "the NVIDIA driver is installed, and knows of no GPU"


def test_the_real_library_says_which_devices_there_are_or_why_there_are_none() -> None:
    nvml = Nvml()
    assert bool(nvml.problem) != bool(nvml.driver)
    assert all(nvml.read(device) for device in nvml.devices())


def test_every_function_that_is_called_is_in_the_real_library() -> None:
    called = {name for name in a100() if name.startswith("nvml")}
    called |= {name for name in dir(Library) if name.startswith(("nvml", "NVML"))}
    assert {name for name in called if not hasattr(pynvml, name)} == set()
