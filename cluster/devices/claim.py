"""The GPUs for a Ray that is started here: read, decided on, and named in its environment."""

from __future__ import annotations

import contextlib
import os
import pwd
from collections.abc import Callable, Iterator, Mapping, MutableMapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from ...search.errors import ClusterError
from ...search.units import plural
from ..leftovers import descendants
from .busy import Taken, all_taken, free
from .device import Device, Reader
from .nvml import Nvml
from .rocm import Rocm, refusal
from .visible import BY_BUS, ORDER, VISIBLE, entries, visible

Note = Callable[[str], object]
JOB = "SLURM_JOB_ID"
SHARED_WITH_WINDOWS = Path("/dev/dxg")  # how a GPU of Windows comes into its Linux (WSL2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Claim:
    """The devices to use, what to write into Ray's environment for that, and what to say."""

    devices: Sequence[Device]
    environ: Mapping[str, str]
    notes: Sequence[str] = ()


@contextlib.contextmanager
def claimed(
    gpus: float | str,
    note: Note,
    *,
    reader: Reader | None = None,
    environ: MutableMapping[str, str] = os.environ,
) -> Iterator[int | None]:
    """How many GPUs Ray may count, with its environment set meanwhile; None: Ray counts itself.

    `gpus`: what each trial needs; without any, nothing is looked at. Errors: ClusterError.
    """
    if not gpus:
        yield None
        return
    reader = reader or Nvml()
    if not (devices := reader.devices()):
        if amd := Rocm().devices():
            note(amd_words(amd, environ))
        # Ray would count GPUs that cannot be used: those in MIG mode without slices.
        yield 0 if isinstance(reader, Nvml) and reader.driver and not amd else None
        return
    readings = {device: reader.read(device) for device in devices}
    others = all_taken(devices, readings, ours(), owner, windows=windows())
    claim = choose(devices, others, gpus, environ)
    for text in claim.notes:
        note(text)
    before = {name: environ.get(name) for name in claim.environ}
    environ.update(claim.environ)
    try:
        yield len(claim.devices)
    finally:
        for name, value in before.items():
            environ.pop(name, None)
            if value is not None:
                environ[name] = value


def choose(
    devices: Sequence[Device],
    others: Sequence[Taken],
    gpus: float | str,
    environ: Mapping[str, str],
) -> Claim:
    """Which devices to use, where `others` are in use. Errors: ClusterError.

    What the user or a Slurm allocation has given is taken as it is.
    """
    given = environ.get(VISIBLE)
    given_all = granted(environ)
    mine = _granted(devices, given, gpus) if given_all else free(devices, others)
    _refuse(mine, gpus)
    named = [one for one in others if one.device in mine]
    source = VISIBLE if given is not None else "Slurm"
    notes = [f"{one} is used all the same: {source} names it" for one in named]
    notes += [f"{one} is left alone" for one in others if not given_all]
    if given is not None:
        return Claim(devices=mine, environ={}, notes=notes)
    # CUDA itself counts the fastest first, so its numbers need not be those of nvidia-smi.
    settings = {ORDER: BY_BUS}
    addresses = [device.address for device in mine]
    if len(mine) < len(devices) or addresses != [str(number) for number in range(len(mine))]:
        settings[VISIBLE] = ",".join(addresses)
    return Claim(devices=mine, environ=settings, notes=notes)


def granted(environ: Mapping[str, str]) -> bool:
    """Whether the devices were given to this process, by the user or by Slurm."""
    return VISIBLE in environ or JOB in environ


def amd_words(devices: Sequence[Device], environ: Mapping[str, str]) -> str:
    """What to say of AMD GPUs. Errors: ClusterError, where Ray would not take them."""
    if why := refusal(environ):
        raise ClusterError(why)
    names = ", ".join(sorted({device.name for device in devices}))
    return f"{plural(len(devices), 'AMD GPU')} ({names}): whether others use them is not seen"


def ours() -> set[int]:
    """This process, and what it has started."""
    return {os.getpid(), *descendants(os.getpid())}


def owner(pid: int) -> str:
    """The user of a process; empty where it cannot be seen: in another container, or gone."""
    try:
        uid = os.stat(f"/proc/{pid}").st_uid
    except OSError:
        return ""
    try:
        return pwd.getpwuid(uid).pw_name
    except KeyError:
        return f"user {uid}"


def windows() -> bool:
    """Whether this Linux runs in Windows (WSL2), with the GPUs that Windows uses, too."""
    return SHARED_WITH_WINDOWS.exists()


def _granted(devices: Sequence[Device], given: str | None, gpus: float | str) -> list[Device]:
    mine = visible(devices, given)
    if mine or given is None:
        return mine
    asked = f"each trial asks for {gpus:g} GPU" if isinstance(gpus, float | int) else "gpus: auto"
    if not entries(given):
        raise ClusterError(
            f"{VISIBLE} is {given!r}, which hides all GPUs, and {asked}; unset it, or write "
            "gpus: 0 in the sweep's resources"
        )
    there = ", ".join(device.address for device in devices)
    raise ClusterError(
        f"{VISIBLE} is {given!r}, which names no GPU of this machine; there are: {there}"
    )


def _refuse(devices: Sequence[Device], gpus: float | str) -> None:
    """Errors: ClusterError, for what no trial could do with these devices."""
    if not isinstance(gpus, float | int):
        return
    if gpus > 1 and (slices := [device for device in devices if device.slice is not None]):
        raise ClusterError(
            f"each trial asks for {gpus:g} GPUs, but {slices[0]} is a MIG slice, and CUDA gives a "
            "process one slice only; write gpus: 1, or leave the slices out of "
            f"{VISIBLE}"
        )
    if gpus < 1 and (alone := [device for device in devices if device.processes == 1]):
        raise ClusterError(
            f"gpus: {gpus:g} puts {int(1 / gpus)} trials on a GPU, but the compute mode of "
            f"{alone[0]} lets one process in; write gpus: 1, or as root: nvidia-smi -i "
            f"{alone[0].index} -c DEFAULT"
        )
