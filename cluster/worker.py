"""The Tune trainable: one slot, in which training functions run one after another.

To Ray Tune a slot is a long trial; the sweep's own trials pass through it. See
docs/decisions/0001-slots.md for why.
"""

from __future__ import annotations

import os
import socket
from pathlib import Path
from typing import Any

import ray
from ray import tune

from ..trainables.function import TrainingFunction, load, takes
from ..trainables.host import Host
from ..trainables.job import Answer, Job
from ..trainables.trial import Trial
from .raytune import run_tune_function
from .seating import Place
from .stopping import outlive_sigterm
from .work import Halt, Order

MESSAGES = "messages"
PLACE = "place"


class Worker(tune.Trainable):
    """Hosts a training function; orders come by `command`, messages leave with each `step`."""

    def setup(
        self,
        config: dict[str, Any],
        function: TrainingFunction | str = "",
        folder: Path = Path(),
        cpus: float = 1,
    ) -> None:
        """`function`: itself, or a reference to load in `folder`. `config`: the slot's number,
        and `beat`: seconds between signs of life."""
        import torch

        outlive_sigterm()
        torch.set_num_threads(max(int(cpus), 1))
        found = load(function, folder) if isinstance(function, str) else function
        arguments = takes(found)

        def call(trial: Trial) -> Any:
            if arguments == 2:
                return found(trial.config, trial)
            return run_tune_function(found, trial)

        self._host = Host(call)
        self._beat: float = config["beat"]
        gpus = os.environ.get("CUDA_VISIBLE_DEVICES", "")
        device = f"cuda:{gpus}" if gpus and torch.cuda.is_available() else "cpu"
        self._place = Place(host=socket.gethostname(), pid=os.getpid(), device=device)

    def whereabouts(self) -> tuple[str, int]:
        """The Ray node and the process."""
        return ray.get_runtime_context().get_node_id(), os.getpid()

    def command(self, orders: list[Order]) -> None:
        """Take orders; Ray runs this before the next `step`."""
        for order in orders:
            match order:
                case Job():
                    self._host.start(order)
                case Answer():
                    self._host.answer(order)
                case Halt():
                    self._host.halt(order.wanted)

    def step(self) -> dict[str, Any]:
        """What the training function has sent since, waiting for a decision or `beat` seconds."""
        return {MESSAGES: self._host.poll(self._beat), PLACE: self._place}
