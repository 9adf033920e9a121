"""NVML's library as it would tell of GPUs that are not there."""

from __future__ import annotations

from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import pynvml

from .cards import GB

NOT_SUPPORTED = pynvml.NVMLError(pynvml.NVML_ERROR_NOT_SUPPORTED)
LOST = pynvml.NVMLError(pynvml.NVML_ERROR_GPU_IS_LOST)


def process(pid: int, held: int | None) -> SimpleNamespace:
    return SimpleNamespace(pid=pid, usedGpuMemory=held)


def answer(value: Any) -> Callable[..., Any]:
    """An asking function that gives this, or raises it."""

    def ask(*_: object, **__: object) -> Any:
        if isinstance(value, Exception):
            raise value
        return value

    return ask


class Library:
    """pynvml, as far as it is used. `cards`: what is told of each; handles are their names."""

    NVMLError = pynvml.NVMLError
    NVMLError_LibraryNotFound = pynvml.NVMLError_LibraryNotFound
    NVMLError_DriverNotLoaded = pynvml.NVMLError_DriverNotLoaded
    nvmlMemory_v2 = pynvml.nvmlMemory_v2  # noqa: N815

    def __init__(self, cards: dict[str, dict[str, Any]], broken: Exception | None = None) -> None:
        self._cards = cards
        self.nvmlInit = answer(broken)
        self.nvmlSystemGetDriverVersion = answer("550.54.15")
        self.nvmlDeviceGetCount = answer(sum("slice" not in card for card in cards.values()))

    def nvmlDeviceGetHandleByIndex(self, index: int) -> str:  # noqa: N802
        return [name for name, card in self._cards.items() if "slice" not in card][index]

    def nvmlDeviceGetUUID(self, handle: str) -> str:  # noqa: N802
        return handle

    def nvmlDeviceGetMigMode(self, handle: str) -> list[int]:  # noqa: N802
        if (mode := self._cards[handle].get("mig")) is None:
            raise NOT_SUPPORTED
        return [mode, mode]

    def nvmlDeviceGetMaxMigDeviceCount(self, handle: str) -> int:  # noqa: N802
        return 7

    def nvmlDeviceGetMigDeviceHandleByIndex(self, handle: str, number: int) -> str:  # noqa: N802
        for name, card in self._cards.items():
            if card.get("slice") == (handle, number):
                return name
        raise pynvml.NVMLError(pynvml.NVML_ERROR_NOT_FOUND)

    def __getattr__(self, name: str) -> Callable[..., Any]:
        def ask(handle: str, **_: object) -> Any:
            return answer(self._cards[handle].get(name, NOT_SUPPORTED))()

        return ask


def a100(**more: Any) -> dict[str, Any]:
    return {
        "nvmlDeviceGetName": "NVIDIA A100-SXM4-40GB",
        "nvmlDeviceGetMemoryInfo": SimpleNamespace(total=42 * GB, used=3 * GB),
        "nvmlDeviceGetComputeMode": 0,
        "nvmlDeviceGetUtilizationRates": SimpleNamespace(gpu=35),
        "nvmlDeviceGetComputeRunningProcesses": [process(11, 2 * GB), process(12, None)],
        "nvmlDeviceGetGraphicsRunningProcesses": [process(11, 5), process(900, GB)],
        **more,
    }
