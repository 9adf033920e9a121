"""What the doctor says of GPUs, and of whether torch can use them."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass

from ...search.units import plural, size_text
from ..devices.busy import Taken
from ..devices.claim import granted
from ..devices.device import Device, Reading
from ..devices.nvml import NOT_ANY, NOT_THERE
from ..devices.rocm import refusal
from ..devices.visible import BY_BUS, ORDER, VISIBLE, entries, visible
from .finding import Finding, Level

TOPIC = "GPUs"


@dataclass(frozen=True, slots=True, kw_only=True)
class Torch:
    """`cuda`, `hip`: what it was built for; empty: not for it. `usable`: GPUs that it can use."""

    version: str
    cuda: str = ""
    hip: str = ""
    usable: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class Gpus:
    """What was read. `problem`: why NVIDIA's could not be; `amd`: AMD's, without readings."""

    devices: Sequence[Device] = ()
    readings: Mapping[Device, Reading | None]
    taken: Sequence[Taken] = ()
    driver: str = ""
    problem: str = ""
    amd: Sequence[Device] = ()

    def seen(self, environ: Mapping[str, str]) -> list[Device]:
        """Those that a process may use, whoever uses them now."""
        return visible(self.devices, environ.get(VISIBLE))


def findings(
    gpus: Gpus, torch: Torch, environ: Mapping[str, str], *, needed: bool
) -> Iterator[Finding]:
    """`needed`: whether the sweep in question uses GPUs: what hinders all of them stops it."""
    bad = Level.STOPS if needed else Level.LIMITS
    if not gpus.devices and not gpus.amd:
        yield _none(gpus.problem, needed=needed)
        return
    yield from (_device(gpus, device, environ) for device in gpus.devices)
    yield from _hidden(gpus, environ)
    yield from _numbers(gpus.devices, environ)
    yield from _amd(gpus.amd, environ, bad)
    if not torch.usable:
        yield _unusable(gpus, torch, bad)


def _none(problem: str, *, needed: bool) -> Finding:
    said, odd = f"none: {problem}", problem not in (NOT_ANY, NOT_THERE)
    if not needed and not odd:
        return Finding(topic=TOPIC, said=f"{said}; trials train on CPUs")
    return Finding(
        topic=TOPIC,
        said=said,
        level=Level.LIMITS,
        advice="install NVIDIA's driver; in a container: docker run --gpus all",
    )


def _device(gpus: Gpus, device: Device, environ: Mapping[str, str]) -> Finding:
    memory = size_text(device.memory) if device.memory else "memory not told"
    said = f"{device}: {memory}, driver {gpus.driver}"
    by = next((one.by for one in gpus.taken if one.device == device), "")
    if by and granted(environ):
        return Finding(topic=TOPIC, said=f"{said}; {by}", level=Level.LIMITS)
    if by:
        return Finding(
            topic=TOPIC,
            said=f"{said}; {by}: a sweep leaves it alone",
            level=Level.LIMITS,
            advice=f"to use it all the same: {VISIBLE}={device.address}",
        )
    if device.processes == 1:
        return Finding(
            topic=TOPIC,
            said=f"{said}; its compute mode lets one process in, so no trials can share it",
            level=Level.LIMITS,
            advice=f"as root: nvidia-smi -i {device.index} -c DEFAULT",
        )
    if device.slice is not None:
        said += "; a MIG slice counts as a GPU of its own, and no trial can have two"
    reading = gpus.readings.get(device)
    held = f"{size_text(reading.used)} in use" if reading else "does not answer"
    return Finding(topic=TOPIC, said=f"{said}; {held}")


def _hidden(gpus: Gpus, environ: Mapping[str, str]) -> Iterator[Finding]:
    given, seen = environ.get(VISIBLE), gpus.seen(environ)
    if given is None or not gpus.devices or len(seen) == len(gpus.devices):
        return
    if seen:
        said = f"{VISIBLE}={given} shows {len(seen)} of {plural(len(gpus.devices), 'GPU')}"
    elif entries(given):
        said = f"{VISIBLE}={given} names no GPU of this machine, so none can be used"
    else:
        said = f"{VISIBLE} is empty, which hides all GPUs"
    yield Finding(
        topic=TOPIC,
        said=said,
        level=Level.LIMITS,
        advice="unset it, if that was not meant",
    )


def _numbers(devices: Sequence[Device], environ: Mapping[str, str]) -> Iterator[Finding]:
    """CUDA counts the fastest first, so where GPUs differ its numbers mean others."""
    given = environ.get(VISIBLE, "")
    unlike = len({device.name for device in devices}) > 1
    by_number = any(entry.isdecimal() for entry in entries(given))
    if unlike and by_number and environ.get(ORDER) != BY_BUS:
        yield Finding(
            topic=TOPIC,
            said=f"GPUs differ, and CUDA's own numbers in {VISIBLE} need not be those above",
            level=Level.LIMITS,
            advice=f"export {ORDER}={BY_BUS}",
        )


def _amd(devices: Sequence[Device], environ: Mapping[str, str], bad: Level) -> Iterator[Finding]:
    for device in devices:
        memory = f", {size_text(device.memory)}" if device.memory else ""
        yield Finding(
            topic=TOPIC, said=f"{device}{memory}; whether others use it is not looked at (ROCm)"
        )
    if devices and (why := refusal(environ)):
        yield Finding(topic=TOPIC, said=why, level=bad)


def _unusable(gpus: Gpus, torch: Torch, bad: Level) -> Finding:
    """There are GPUs, and trials would train on the CPU, beside a GPU that is kept for them."""
    wanted, built = ("CUDA", torch.cuda) if gpus.devices else ("ROCm", torch.hip)
    if not built:
        why, advice = (
            f"is not built for {wanted}",
            "install the right one: pytorch.org, Get Started",
        )
    else:
        why = f"is built for {wanted} {built}, and finds no GPU that it can use"
        advice = "the driver may be too old for it: see nvidia-smi, or take an older build"
    return Finding(topic="torch", said=f"torch {torch.version} {why}", level=bad, advice=advice)
