"""One of the processes that train a trial together, and what it says to the trial's worker.

Its trial is decided on, and saved, when all processes have come to the same epoch's end.
"""

from __future__ import annotations

import importlib.util
import pickle
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any, cast

from . import checkpoint
from .checkpoint import Keepable
from .host import LOG, discreet, listening, through
from .job import Answer, End, Ended, Job, Message, Step
from .log import Log
from .metrics import checked
from .orphan import die_with
from .patience import Unsaved
from .threads import keep_to
from .trial import Halted, Trial


@dataclass(frozen=True, slots=True, kw_only=True)
class Start:
    """What a process is to train. `function`: pickled; it may need the module in `file`."""

    job: Job
    rank: int
    module: str
    file: str
    function: bytes


@dataclass(frozen=True, slots=True, kw_only=True)
class Met:
    """A process has come to the end of an epoch, and waits for a `Go`; not if it is its `last`.

    `metrics`: None if it has not reported. `keeps`: it has what to save.
    """

    epoch: int
    metrics: dict[str, float] | None
    keeps: bool = False
    last: bool = False


@dataclass(frozen=True, slots=True)
class Asks:
    """A process asks whether the next report is to be saved."""


@dataclass(frozen=True, slots=True)
class Saved:
    """A process has written its part of a checkpoint, or could not."""

    error: OSError | None = None


Said = Met | Asks | Saved | Message


@dataclass(frozen=True, slots=True)
class Save:
    """To all: write your part of a checkpoint into this folder."""

    folder: Path


@dataclass(frozen=True, slots=True)
class Go:
    """To all: `epoch` epochs are done; train on, or halt."""

    epoch: int
    halted: bool


class Wire:
    """The Link of a process's trial: all of it goes to the worker, which decides for all."""

    halting = False

    def __init__(self, connection: Connection) -> None:
        self.connection = connection

    def send(self, message: Message) -> None:
        """News; or, from `Trial.flush`, the report of the epoch in which the function ended."""
        if isinstance(message, Step):
            self.connection.send(Met(epoch=message.epoch, metrics=message.metrics, last=True))
        else:
            self.connection.send(message)

    def ask(self, step: Step) -> Answer:
        """Never: a Member asks with the others."""
        raise NotImplementedError


class Member(Trial):
    """The trial, as one of its processes sees it."""

    def __init__(self, job: Job, wire: Wire, rank: int) -> None:
        super().__init__(replace(job, until=0), wire)  # each epoch is one to meet at
        self._connection = wire.connection
        self._rank = rank

    def keep(self, **things: Keepable) -> None:
        """As ever; of a model in DistributedDataParallel the one inside, so that its checkpoint
        can be loaded without."""
        super().keep(**{name: _inner(thing) for name, thing in things.items()})
        if self._restored is not None:
            own = checkpoint.load_rng(checkpoint.place(self.folder, self.epoch), self._rank)
            self._restored["rng"] = own or self._restored["rng"]

    def report_saving(
        self,
        metrics: Mapping[str, Any],
        save: Callable[[int], bool],
        *,
        epoch: int | None = None,
        last: bool = False,
    ) -> None:
        """Not here: several processes would save one epoch."""
        raise NotImplementedError("in nightsweep.distributed, report with trial.report")

    def report_writing(
        self,
        metrics: Mapping[str, Any],
        write: Callable[[Path], object] | None,
        *,
        epoch: int | None = None,
    ) -> None:
        """As ever; every process is called to `write`, into the same folder."""
        if self.halted:
            raise Halted
        step = self._step(self._epoch(epoch), checked(metrics, *self._job.metrics))
        self._meet(step.epoch, step.metrics, write)
        if self.halted:
            raise Halted

    @property
    def saving(self) -> bool:
        """As ever, and the same for all."""
        self._connection.send(Asks())
        return cast(bool, self._connection.recv())

    def _settle(self) -> None:
        step, self._due = self._due, None
        epoch = step.epoch if step else cast(int, self._current)
        self._meet(epoch, step.metrics if step else None, self._write if self._kept else None)

    def _hand_over(
        self,
        step: Step,
        save: Callable[[int], bool],
        *,
        loops: bool = False,
        saves: bool = False,
    ) -> None:
        self._meet(step.epoch, step.metrics, self._write if self._kept else None)
        if self.halted and step.waits:
            raise Halted

    def _stand(self) -> None:
        """The worker stands for all."""

    def _meet(
        self,
        epoch: int,
        metrics: dict[str, float] | None,
        write: Callable[[Path], object] | None,
    ) -> None:
        """Wait for the others, save if it is asked for, and do as all are told."""
        self._connection.send(Met(epoch=epoch, metrics=metrics, keeps=write is not None))
        while isinstance(order := self._connection.recv(), Save):
            assert write is not None
            self._connection.send(_tried(write, order.folder))
        assert isinstance(order, Go)
        self.epoch, self.halted = order.epoch, order.halted

    def _write(self, folder: Path) -> None:
        """The first process has the state; each has generators of its own."""
        state = checkpoint.state_of(self._kept)  # by all: some states are gathered from all
        if self._rank == 0:
            checkpoint.write(folder / checkpoint.STATE, state)
        else:
            checkpoint.save_rng(folder, self._rank)


def main(handle: int, worker: int) -> None:
    """A process's life, from what `worker` sends through the pipe with this handle."""
    die_with(worker)
    connection = Connection(handle)
    start: Start = connection.recv()
    with listening(Log(start.job.folder / LOG)):
        connection.send(discreet(_trained(start, connection)))


def _trained(start: Start, connection: Connection) -> Ended:
    import torch

    job = start.job
    keep_to(job.cpus)
    if job.gpus and torch.cuda.is_available():
        torch.cuda.set_device(start.rank)
    trial = Member(job, Wire(connection), start.rank)
    try:
        return through(job, trial, lambda trial: _function(start)(trial.config, trial))
    except Unsaved as error:
        end = End.FAILED if error.lasting else End.UNSAVED
        return Ended(trial=job.trial, end=end, reason=str(error))


def _function(start: Start) -> Callable[..., Any]:
    """The training function; its module, if that is a file of its own, under the name it has."""
    if start.file and start.module not in sys.modules:
        spec = importlib.util.spec_from_file_location(start.module, start.file)
        assert spec is not None
        assert spec.loader is not None
        sys.modules[start.module] = module = importlib.util.module_from_spec(spec)
        spec.loader.exec_module(module)
    return cast(Callable[..., Any], pickle.loads(start.function))


def _tried(write: Callable[[Path], object], folder: Path) -> Saved:
    try:
        write(folder)
    except OSError as error:  # a full disk: the worker waits, and asks again
        return Saved(error)
    return Saved()


def _inner(thing: Keepable) -> Keepable:
    from torch.nn.parallel import DistributedDataParallel

    return thing.module if isinstance(thing, DistributedDataParallel) else thing
