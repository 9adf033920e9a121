"""What a trial takes of its GPU, read in its own process while it trains."""

from __future__ import annotations

import os
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from statistics import fmean
from typing import Any

from .device import Device, Reader
from .visible import entries, named

EVERY = 0.5  # seconds between two readings
CONTEXT = 500_000_000  # bytes of a device that CUDA takes for a process, beside its tensors


@dataclass(frozen=True, slots=True, kw_only=True)
class Usage:
    """What a slot's process has taken of its device since it last said so.

    `memory`: bytes, the most since the process began, with CUDA's own; 0: none, or not known.
    `busy`: the part of the time, 0 to 1, in which anything was computed on the device, by
    whomever; None where that is not measured. `seconds`: the time that this covers.
    """

    device: Device
    memory: int
    busy: float | None
    seconds: float


class Sampler:
    """Reads one device. `reserved`: bytes that this process's tensors have taken at the most;
    `alone`: whether what else is in use on the device can only be this process's."""

    def __init__(
        self,
        reader: Reader,
        device: Device,
        *,
        alone: bool,
        reserved: Callable[[], int],
        pid: int | None = None,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._reader = reader
        self._device = device
        self._alone = alone
        self._reserved = reserved
        self._pid = pid or os.getpid()
        self._clock = clock
        self._before: int | None = None  # bytes in use when there was nothing of ours
        self._memory = 0
        self._readings: list[float] = []
        self._looked = False  # since something was taken
        self._since = clock()
        self._lock = threading.Lock()

    def look(self) -> None:
        """Read the device once."""
        reading = self._reader.read(self._device)
        if reading is None:
            return
        reserved = self._reserved()
        with self._lock:
            self._before = reading.used if self._before is None else self._before
            self._looked = True
            self._memory = max(
                self._memory,
                reading.processes.get(self._pid, 0),
                reserved + CONTEXT if reserved else 0,
                # In a container this process has another number outside, by which NVML goes.
                reading.used - self._before if self._alone else 0,
            )
            if reading.utilisation is not None:
                self._readings.append(reading.utilisation)

    def take(self) -> Usage | None:
        """What was read since the last time; None while the device has said nothing at all."""
        with self._lock:
            if self._before is None:
                return None
            readings, self._readings = self._readings, []
            seconds, now = 0.0, self._clock()
            if self._looked:
                seconds, self._since, self._looked = now - self._since, now, False
            return Usage(
                device=self._device,
                memory=self._memory,
                busy=fmean(readings) if readings else None,
                seconds=seconds,
            )

    def run(self) -> None:
        """Read for as long as this process lives."""

        def keep_looking() -> None:
            while True:
                self.look()
                time.sleep(EVERY)

        threading.Thread(target=keep_looking, name="sampler", daemon=True).start()


def own(reader: Reader, given: str) -> Device | None:
    """The device that Ray has given this process: the first that CUDA_VISIBLE_DEVICES names."""
    named_there = entries(given)
    return named(reader.devices(), named_there[0]) if named_there else None


def torch_reserved() -> int:
    """Bytes that torch has taken of the device at the most; 0 while it has not used it."""
    torch: Any = sys.modules.get("torch")
    return torch.cuda.max_memory_reserved() if torch and torch.cuda.is_initialized() else 0
