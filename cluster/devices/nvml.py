"""NVIDIA's GPUs, as the driver's own library (NVML) tells of them; it needs no CUDA."""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from typing import Any

from .device import Device, Reading

LIBRARY = "libnvidia-ml.so.1"
NOT_THERE = f"no NVIDIA driver is installed ({LIBRARY} is not there)"
NOT_ANY = "the NVIDIA driver is installed, and knows of no GPU"
NOT_USABLE = "no GPU can be used: what there is does not answer, or is in MIG mode without slices"
PROCESSES = {2: 0, 3: 1}  # compute modes: prohibited, exclusive; any number in the others


class Nvml:
    """A Reader of this machine's NVIDIA GPUs.

    `problem`: why there are none to be read, in words; empty where there are. `driver`: its
    version. `library`: what stands for pynvml in tests.
    """

    def __init__(self, library: Any = None) -> None:
        nvml = self._nvml = library or _library()
        self._handles: dict[str, Any] = {}
        self._devices: list[Device] = []
        self.driver = ""
        self.problem = ""
        try:
            nvml.nvmlInit()
            self.driver = str(nvml.nvmlSystemGetDriverVersion())
            count = nvml.nvmlDeviceGetCount()
            for index in range(count):
                self._add(index)
            if not self._devices:
                self.problem = NOT_USABLE if count else NOT_ANY
        except nvml.NVMLError as error:
            self.problem = _words(nvml, error)

    def devices(self) -> list[Device]:
        """Whole GPUs, and of those in MIG mode their slices instead."""
        return list(self._devices)

    def read(self, device: Device) -> Reading | None:
        """How it is now. Whose the processes of a MIG slice are is asked of the slice."""
        nvml, handle = self._nvml, self._handles[device.uuid]
        used = self._try(lambda: self._memory(handle).used)
        if used is None:
            return None
        rates = self._try(lambda: nvml.nvmlDeviceGetUtilizationRates(handle))
        computing = self._processes(nvml.nvmlDeviceGetComputeRunningProcesses, handle)
        drawing = self._processes(nvml.nvmlDeviceGetGraphicsRunningProcesses, handle)
        return Reading(
            used=used,
            utilisation=rates.gpu / 100 if rates and device.slice is None else None,
            processes=computing,
            screens={pid: size for pid, size in drawing.items() if pid not in computing},
        )

    def _add(self, index: int) -> None:
        """A GPU, or its slices. One that does not answer (fallen off the bus) stays unknown."""
        nvml = self._nvml
        with contextlib.suppress(nvml.NVMLError):
            handle = nvml.nvmlDeviceGetHandleByIndex(index)
            name = str(nvml.nvmlDeviceGetName(handle))
            mode = self._try(lambda: nvml.nvmlDeviceGetComputeMode(handle))
            if not self._sliced(handle):
                self._put(handle, index=index, name=name, processes=PROCESSES.get(mode))
                return
            for number, part in self._slices(handle):
                kind = self._try(lambda part=part: nvml.nvmlDeviceGetName(part)) or f"{name} MIG"
                self._put(part, index=index, name=str(kind), slice=number)

    def _put(self, handle: Any, **known: Any) -> None:
        uuid = str(self._nvml.nvmlDeviceGetUUID(handle))
        memory = self._try(lambda: self._memory(handle).total) or 0
        self._handles[uuid] = handle
        self._devices.append(Device(uuid=uuid, memory=memory, **known))

    def _sliced(self, handle: Any) -> bool:
        modes = self._try(lambda: self._nvml.nvmlDeviceGetMigMode(handle))  # now, after a reset
        return bool(modes and modes[0])

    def _slices(self, handle: Any) -> Iterator[tuple[int, Any]]:
        nvml = self._nvml
        for number in range(nvml.nvmlDeviceGetMaxMigDeviceCount(handle)):
            with contextlib.suppress(nvml.NVMLError):  # places for slices that are not made
                yield number, nvml.nvmlDeviceGetMigDeviceHandleByIndex(handle, number)

    def _memory(self, handle: Any) -> Any:
        """The second version leaves out what the driver keeps for itself."""
        try:
            return self._nvml.nvmlDeviceGetMemoryInfo(handle, version=self._nvml.nvmlMemory_v2)
        except self._nvml.NVMLError:
            return self._nvml.nvmlDeviceGetMemoryInfo(handle)

    def _processes(self, ask: Any, handle: Any) -> dict[int, int]:
        found = self._try(lambda: ask(handle)) or []
        return {process.pid: process.usedGpuMemory or 0 for process in found}

    def _try(self, ask: Any) -> Any:
        """The answer, or None where the device or the driver does not know it."""
        try:
            return ask()
        except self._nvml.NVMLError:
            return None


def _library() -> Any:
    import pynvml

    return pynvml


def _words(nvml: Any, error: Exception) -> str:
    if isinstance(error, nvml.NVMLError_LibraryNotFound):
        return NOT_THERE
    if isinstance(error, nvml.NVMLError_DriverNotLoaded):
        return "the NVIDIA driver is installed, but not loaded: is there a GPU? (nvidia-smi)"
    why = str(error).rstrip(".")  # a version mismatch: its files were updated since the start
    return f"the NVIDIA driver does not answer ({why}); nvidia-smi may say more, a restart help"
