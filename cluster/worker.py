"""The Tune trainable: one slot, in which training functions run one after another.

To Ray Tune a slot is a long trial; the sweep's own trials pass through it. See
docs/decisions/0001-slots.md for why.
"""

from __future__ import annotations

import os
import socket
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import ray
from ray import tune

from ..trainables.function import Kind, kind_of
from ..trainables.host import Host
from ..trainables.job import Answer, Job
from ..trainables.ready import Function, loaded
from ..trainables.threads import keep_to
from ..trainables.trial import Trial
from .devices.cap import hold
from .devices.device import Reader
from .devices.rocm import HIP
from .devices.sampler import Sampler, own, torch_reserved
from .devices.visible import VISIBLE
from .raytune import run_tune_class, run_tune_function
from .seating import Place
from .stopping import outlive_sigterm
from .work import Halt, Order

MESSAGES = "messages"
PLACE = "place"
USAGE = "usage"


class Worker(tune.Trainable):
    """Hosts a training function; orders come by `command`, messages leave with each `step`."""

    _sampler: Sampler | None = None

    def setup(
        self,
        config: dict[str, Any],
        function: Function = "",
        folder: Path = Path(),
        cpus: float = 1,
        reader: Callable[[], Reader] | None = None,
    ) -> None:
        """`function`: itself, or a reference to load in `folder`. `reader`: of GPUs, if the slot
        has any. `config`: the slot's number; `beat`: seconds between signs of life; `cpus` and
        `gpus`: what it has; `measured`: whether to tell what its trials take of its GPU."""
        import torch

        outlive_sigterm()
        keep_to(max(int(cpus), 1))  # before the function's libraries are loaded
        # A relative folder: the code has travelled, to where Ray has put this process.
        found = loaded(function, Path.cwd() / folder)
        how = kind_of(found)

        def call(trial: Trial) -> Any:
            keep_to(trial.cpus)
            if 0 < self._share < 1:
                hold(1.0 if self._alone else self._share)
            match how:
                case Kind.OURS if trial.processes > 1:
                    from ..trainables.distributed import distributed

                    return distributed(found, trial.config, trial, trial.processes)
                case Kind.OURS:
                    return found(trial.config, trial)
                case Kind.OBJECTIVE:
                    from ..trainables.objective import follow

                    return follow(found, trial)
                case Kind.TUNE_CLASS:
                    return run_tune_class(found, trial)
            return run_tune_function(found, trial)

        self._host = Host(call)
        self._beat: float = config["beat"]
        self._share: float = config["gpus"]
        self._alone = False  # the trial has the device to itself, and may fill it
        gpus = os.environ.get(VISIBLE) or os.environ.get(HIP, "")
        device = f"cuda:{gpus}" if gpus and torch.cuda.is_available() else "cpu"
        kind = ""
        if reader and gpus and self._share:
            kind = self._read(reader, gpus, measured=config["measured"])
        self._place = Place(
            host=socket.gethostname(),
            pid=os.getpid(),
            device=device,
            kind=kind,
            gpus=self._share,
        )

    def _read(self, reader: Callable[[], Reader], given: str, *, measured: bool) -> str:
        """The name of the GPU that Ray has `given` this process; what it takes is told, too."""
        reads = reader()
        if (device := own(reads, given)) is None:
            return ""
        if measured:
            alone = self._share >= 1
            self._sampler = Sampler(reads, device, alone=alone, reserved=torch_reserved)
            self._sampler.run()
        return device.name

    @classmethod
    def default_resource_request(cls, config: dict[str, Any]) -> tune.PlacementGroupFactory:
        """Tune asks what a slot needs: each brings its own with it."""
        gpus = {"GPU": config["gpus"]} if config["gpus"] else {}
        return tune.PlacementGroupFactory([{"CPU": config["cpus"], **gpus}])

    def whereabouts(self) -> tuple[str, int]:
        """The Ray node and the process."""
        return ray.get_runtime_context().get_node_id(), os.getpid()

    def command(self, orders: Sequence[Order]) -> None:
        """Take orders; Ray runs this before the next `step`."""
        for order in orders:
            match order:
                case Job():
                    self._alone = order.alone
                    self._host.start(order)
                case Answer():
                    self._host.answer(order)
                case Halt():
                    self._host.halt(order.wanted)

    def train(self, orders: Sequence[Order] = ()) -> dict[str, Any]:
        """What Tune asks for: a step, after `orders`.

        Tune's own would add a dozen figures that nobody reads.
        """
        self.command(orders)
        return self.step()

    def step(self) -> dict[str, Any]:
        """What the training function has sent since, waiting for a decision or `beat` seconds."""
        messages = self._host.poll(self._beat)
        usage = self._sampler.take() if self._sampler else None
        return {MESSAGES: messages, PLACE: self._place, USAGE: usage}
