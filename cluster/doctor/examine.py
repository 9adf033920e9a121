"""Reads what there is, and asks what is to be said of it."""

from __future__ import annotations

import os
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path

from ...search.errors import ClusterError, NightsweepError
from ...search.keeping import too_large
from ...search.sweep import Sweep
from ..devices.busy import all_taken
from ..devices.claim import choose, ours, owner, windows
from ..devices.nvml import Nvml
from ..devices.rocm import Rocm
from ..joining.address import asked, left
from . import gpus as about_gpus
from . import host, software
from .finding import Finding, Level
from .fit import at_once
from .gpus import Gpus, Torch
from .machine import Machine, read

RUNS = Path("runs")  # where run folders go, without --out
WAIT = 60.0  # seconds for Ray to run a task, once it is up


def examine(
    sweep: Sweep | None = None,
    *,
    ray: bool = False,
    environ: Mapping[str, str] = os.environ,
) -> list[Finding]:
    """All that can be said of this machine; `sweep`: and of it. `ray`: start one, to see."""
    machine, gpus = read(RUNS, temporary(environ)), look()
    needed = sweep is not None and bool(sweep.resources.gpus)
    found = [
        *about_gpus.findings(gpus, torch_here(), environ, needed=needed),
        *host.findings(machine),
        *software.findings(*software.own(), software.packages()),
        software.cluster(lambda: asked(None, environ, lambda: left(environ))),
    ]
    if ray:
        found.append(try_ray())
    if sweep is not None:
        found += of_sweep(sweep, machine, gpus, environ)
    return found


def of_sweep(
    sweep: Sweep, machine: Machine, gpus: Gpus, environ: Mapping[str, str]
) -> Iterator[Finding]:
    """What `run` would refuse this sweep for here; otherwise how many trials fit at once."""
    if reason := too_large(sweep.checkpoints, machine.runs.free, RUNS):
        yield Finding(topic="sweep", said=reason, level=Level.STOPS)
    needs, free = sweep.resources.gpus, len(gpus.amd)
    try:
        if needs and gpus.devices:
            free = len(choose(gpus.devices, gpus.taken, needs, environ).devices)
    except ClusterError as error:
        yield Finding(topic="sweep", said=str(error), level=Level.STOPS)
        return
    yield at_once(sweep, cpus=machine.cpus.usable, gpus=free, memory=host.left(machine))


def look() -> Gpus:
    """The machine's GPUs, and who uses them."""
    nvml = Nvml()
    devices = nvml.devices()
    readings = {device: nvml.read(device) for device in devices}
    return Gpus(
        devices=devices,
        readings=readings,
        taken=all_taken(devices, readings, ours(), owner, windows=windows()),
        driver=nvml.driver,
        problem=nvml.problem,
        amd=Rocm().devices(),
    )


def torch_here() -> Torch:
    """What torch was built for, and how many GPUs it can use. Takes no memory on them."""
    import torch

    return Torch(
        version=torch.__version__,
        cuda=torch.version.cuda or "",
        hip=torch.version.hip or "",
        usable=torch.cuda.device_count() if torch.cuda.is_available() else 0,
    )


def temporary(environ: Mapping[str, str]) -> Path:
    """Where Ray puts its files."""
    return Path(environ.get("RAY_TMPDIR") or environ.get("TMPDIR") or tempfile.gettempdir())


def try_ray(clock: Callable[[], float] = time.monotonic) -> Finding:
    """Start a Ray as a sweep would, have it run one task, and end it."""
    from ..connect import connect

    began = clock()
    try:
        with connect():
            import ray

            ray.get(ray.remote(num_cpus=0)(lambda: None).remote(), timeout=WAIT)
            return software.alive(clock() - began)
    except NightsweepError as error:
        return software.alive(None, str(error))
    except Exception as error:  # whatever Ray says of its own task
        return software.alive(None, f"Ray starts, but runs no task: {error}")
