"""What a training function talks to.

def train(config, trial):
    model, data = build(config), load()
    optimizer = torch.optim.SGD(model.parameters(), lr=config["lr"])
    trial.keep(model=model, optimizer=optimizer)
    for epoch in trial.epochs():
        loss = train_one_epoch(model, optimizer, data)
        trial.report(train_loss=loss, val_loss=evaluate(model, data))
"""

from __future__ import annotations

import contextlib
import math
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any, Protocol, TypeVar

from ..search.brief import brief
from . import checkpoint
from .checkpoint import Keepable
from .fence import Fence
from .job import Answer, Config, Divides, Job, Message, Step
from .metrics import ReportError, checked, mapping, whole
from .parts import parts
from .patience import Patience, Unsaved

Done = TypeVar("Done")

SAVE_EVERY = 300.0  # seconds of training that may be lost between two rungs, at most

__all__ = ["Halted", "Link", "ReportError", "Trial", "Unsaved"]


class Halted(BaseException):
    """Ends a training function that was told to halt and reports once more all the same.

    Not an Exception, so that `except Exception` in a training loop does not catch it.
    """


class Link(Protocol):
    """Where reports go; the other end decides."""

    @property
    def halting(self) -> bool:
        """Whether the trial is to be saved and left at its next report."""
        ...

    def send(self, message: Message) -> None:
        """Hand a report over, or other news, and go on at once."""
        ...

    def ask(self, step: Step) -> Answer:
        """Hand a report over, and wait for what to do."""
        ...


class Trial:
    """One trial, as its training function sees it: `config`, `epochs`, `keep` and `report`."""

    def __init__(
        self,
        job: Job,
        link: Link,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], object] = time.sleep,
    ) -> None:
        self.id = job.trial
        self.config: Config = job.config
        self.max_epochs = job.max_epochs
        self.seed = job.seed
        self.processes = job.processes  # that train it together
        self.metrics = job.metrics  # that each report must hold
        self.epoch = job.epoch  # epochs reported so far
        self.halted = False
        self._job = job
        self._link = link
        self._clock = clock
        self._patience = Patience(job, link, sleep)
        self._fence = Fence.of(job.folder, job.attempt)
        self._entered = False
        self._until = job.until
        self._saved = job.epoch  # the epoch of the latest checkpoint
        self._kept: dict[str, Keepable] = {}
        self._restored: dict[str, Any] | None = None
        self._divides = False  # its batches have been taken in parts
        self._loops = 0  # begun over epochs
        self._current: int | None = None  # the epoch that epochs() is in
        self._due: Step | None = None  # a report to be decided on when its epoch is over
        self._since = self._saved_at = clock()

    @property
    def device(self) -> str:
        """`cuda` if the sweep gives its trials GPUs and this machine has one, else `cpu`."""
        if not self._job.gpus:
            return "cpu"
        import torch

        return "cuda" if torch.cuda.is_available() else "cpu"

    @property
    def cpus(self) -> int:
        """Whole CPUs that this trial may use, at least 1: `DataLoader(num_workers=trial.cpus - 1)`
        leaves one for the training itself. Libraries keep to as many threads."""
        return self._job.cpus

    @property
    def folder(self) -> Path:
        """A folder of the trial's own in the run folder."""
        return self._job.folder

    def epochs(self, last: int | None = None) -> Iterator[int]:
        """The epochs to train, from 1: after those done, until `last`, or until told to stop.

        What comes after `report` in the loop's body belongs to its epoch: checkpoints are taken,
        and decisions waited for, when the body has ended.
        """
        self._loops += 1
        end = self.max_epochs if last is None else min(last, self.max_epochs)
        if self._restored is not None:
            checkpoint.restore_rng(self._restored["rng"])
            self._restored = None  # once, and it is as large as the model
        while self.epoch < end and not self.halted:
            self._current = max(self.epoch, self._current or 0) + 1
            if self._current > end:
                break
            yield self._current
            self._settle()
        self._current = None

    def keep(self, **things: Keepable) -> None:
        """Name what makes up the training's state: anything with state_dict and load_state_dict.

        Restored here if the trial goes on from a checkpoint. A trial that keeps nothing cannot be
        paused: it is stopped early, or trained to the end.
        """
        for name, thing in things.items():
            if not (hasattr(thing, "state_dict") and hasattr(thing, "load_state_dict")):
                raise TypeError(
                    f"trial.keep({name}=...) needs an object with state_dict and load_state_dict, "
                    f"not {type(thing).__name__}"
                )
        self._kept.update(things)
        self._patience.through(self._stand, self.folder)
        if not self._job.epoch or self._loops:
            return
        if self._restored is None:
            self._restored = self._patience.through(
                lambda: checkpoint.load(self.folder, self._job.epoch),
                checkpoint.place(self.folder, self._job.epoch),
                "read",
            )
        for name, thing in things.items():
            if name not in self._restored["kept"]:
                raise KeyError(f"the checkpoint of trial {self.id} holds no {name!r}")
            thing.load_state_dict(self._restored["kept"][name])

    def parts(self, *batch: Any) -> Iterator[tuple[Any, ...]]:
        """A batch in as many parts as memory asks for: mostly one. A step over all is as ever:

            optimizer.zero_grad()
            for share, x, y in trial.parts(batch_x, batch_y):
                (mean_loss(model(x), y) * share).backward()
            optimizer.step()

        `share` is the part's of the rows, so gradients of mean losses add up to those of the whole
        batch. A trial that runs out of memory with its device to itself is tried again with twice
        as many parts. Takes tensors (N, ...), and tuples, lists and dicts of them.
        Errors: TypeError for other things, ValueError if they differ in N.
        """
        if not self._divides:
            self._divides = True
            self._link.send(Divides(trial=self.id))
        return parts(batch, self._job.split)

    def report(self, metrics: Mapping[str, Any] | None = None, /, **more: Any) -> None:
        """Report an epoch's metrics, once an epoch; numbers, or tensors of one element.

        Errors: ReportError, which costs this trial and no other, if a metric of the sweep is
        missing, a value is no number, or the epoch is not a new one.
        """
        if self.halted:
            raise Halted
        values = mapping(metrics) | more
        epoch = self._epoch(values.pop("epoch", None))
        step = self._step(epoch, checked(values, *self._job.metrics))
        if self._current is not None and (step.waits or self._saves(step)):
            self._due = step  # settled when the epoch's body has ended
        else:
            self._hand_over(step, self._save)

    def report_saving(
        self,
        metrics: Mapping[str, Any],
        save: Callable[[int], bool],
        *,
        epoch: int | None = None,
        last: bool = False,
    ) -> None:
        """Report an epoch whose checkpoint is the caller's: `save(epoch)` says if it has one.

        For adapters to other tools' ways of checkpointing; raises Halted to end the function.
        `epoch`: which it is, if not the next. `last`: it ends here of its own accord, so it is
        saved, and no decision waited for.
        """
        if self.halted:
            raise Halted
        step = self._step(self._epoch(epoch), checked(metrics, *self._job.metrics))
        if last:
            step = replace(step, waits=False)
        self._hand_over(step, lambda epoch: self._written(epoch, lambda: save(epoch)), saves=last)
        if self.halted:  # after its last epoch too: such functions often loop for ever
            raise Halted

    def report_writing(
        self,
        metrics: Mapping[str, Any],
        write: Callable[[Path], object] | None,
        *,
        epoch: int | None = None,
    ) -> None:
        """As `report_saving`; `write` fills a folder with the epoch's checkpoint, if any."""

        def save(epoch: int) -> bool:
            if write is not None:
                checkpoint.put(self.folder, epoch, write)
            return write is not None

        self.report_saving(metrics, save, epoch=epoch)

    @property
    def saving(self) -> bool:
        """Whether the next report is to be saved, for tools that have to know it beforehand."""
        epoch = self.epoch + 1
        waits = epoch < self.max_epochs and (epoch >= self._until or self._link.halting)
        return self._saves(Step(trial=self.id, epoch=epoch, metrics={}, seconds=0, waits=waits))

    def flush(self, *, failed: bool = False) -> None:
        """Send the last epoch's report, if the training function ended within that epoch.

        `failed`: only where it says that the trial has diverged, which explains the failure.
        """
        step, self._due = self._due, None
        if step is not None and not (failed and self._finite(step.metrics)):
            self._link.send(replace(step, waits=False))

    def _epoch(self, given: Any) -> int:
        if given is not None:
            epoch = None if isinstance(given, bool) else whole(given)
            if epoch is None:
                raise ReportError(f"reported epoch {brief(given)}; epochs are 1, 2, 3 ...")
            if epoch <= self.epoch:
                raise ReportError(f"reported epoch {brief(given)} after epoch {self.epoch}")
            return epoch
        if self._current is None:
            return self.epoch + 1
        if self._current <= self.epoch:
            raise ReportError(f"reported epoch {self._current} twice; report once an epoch")
        return self._current

    def _step(self, epoch: int, metrics: dict[str, float]) -> Step:
        now = self._clock()
        seconds, self._since, self.epoch = now - self._since, now, epoch
        due = epoch >= self._until or not self._finite(metrics) or self._link.halting
        waits = due and epoch < self.max_epochs  # after the last epoch nothing is decided
        return Step(trial=self.id, epoch=epoch, metrics=metrics, seconds=seconds, waits=waits)

    def _finite(self, metrics: Mapping[str, float]) -> bool:
        return all(math.isfinite(metrics[name]) for name in self._job.metrics)

    def _saves(self, step: Step) -> bool:
        left = step.waits and (self._job.pauses or self._link.halting)
        late = self._clock() - self._saved_at >= SAVE_EVERY
        return left or late or step.epoch >= self.max_epochs

    def _settle(self) -> None:
        if self._due is not None:
            step, self._due = self._due, None
            self._hand_over(step, self._save, loops=True)

    def _hand_over(
        self,
        step: Step,
        save: Callable[[int], bool],
        *,
        loops: bool = False,
        saves: bool = False,
    ) -> None:
        """Send a report; first save the state, if a decision may need it or it is due.

        In epochs() a halt ends the loop; elsewhere nothing but Halted ends the function.
        """
        saves = saves or self._saves(step)
        if not (saves or step.waits):
            self._link.send(step)
            return
        saved = saves and save(step.epoch)
        step = replace(step, checkpoint=saved)
        if step.waits:
            answer = self._link.ask(step)
            self.halted = answer.until is None
            self._until = answer.until or self._until
        else:
            self._link.send(step)
            self.halted = step.epoch >= self.max_epochs
        if saved:
            # Until a step is answered, the driver may still know of the checkpoint before only.
            # The last one never is: from a node that is lost the driver may not even hear of it.
            kept = {step.epoch} if step.waits else {self._saved, step.epoch}
            if step.epoch < self.max_epochs:
                with contextlib.suppress(OSError):  # the storage is away: the next time, then
                    checkpoint.keep_only(self.folder, kept)
            self._saved = step.epoch
        self._since = self._clock()
        if saves:
            self._saved_at = self._since
        if self.halted and not loops and step.waits:
            raise Halted

    def _save(self, epoch: int) -> bool:
        if not self._kept:
            return False
        state = checkpoint.state_of(self._kept)
        self._written(epoch, lambda: checkpoint.save(self.folder, epoch, state))
        return True

    def standing(self, prepare: Callable[[], Done]) -> Done:
        """Prepare the trial's folder, for adapters: waits while storage is full or away."""
        return self._written(self.epoch, prepare)

    def _stand(self) -> None:
        """Be the worker that trains this trial. Errors: Superseded, if it is another by now."""
        if self._entered:
            self._fence.check()
        else:
            self._fence.enter()
            self._entered = True

    def _written(self, epoch: int, save: Callable[[], Done]) -> Done:
        def write() -> Done:
            self._stand()
            return save()

        return self._patience.through(write, checkpoint.place(self.folder, epoch))
