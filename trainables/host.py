"""Runs training functions, one after another, in a thread; hands their reports out in batches.

The process is kept from trial to trial: starting one costs more than many a trial.
"""

from __future__ import annotations

import contextlib
import faulthandler
import os
import queue
import random
import signal
import sys
import threading
import time
import traceback
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from pathlib import Path
from typing import Any

from ..search.errors import DataError
from ..search.secret import Secrets
from . import checkpoint, memory
from .failure import ProgramError
from .fence import Superseded
from .job import Answer, End, Ended, Job, Message, Step
from .log import Log
from .metrics import ReportError
from .patience import Patience, Unsaved
from .trial import Halted, Trial

LOG = "log.txt"  # in a trial's folder
STACKS = signal.SIGUSR1  # has a process write the stacks of its threads to that log
BUILT_IN = ("digits.py",)
OWN = (str(Path(__file__).parent), str(Path(__file__).parents[1] / "cluster"))


class Host:
    """One slot's training thread. `call` runs the training function for a trial."""

    def __init__(self, call: Callable[[Trial], Any]) -> None:
        self._call = call
        self._jobs: queue.Queue[Job] = queue.Queue()
        self._messages: queue.SimpleQueue[Message] = queue.SimpleQueue()
        self._answers: queue.SimpleQueue[Answer] = queue.SimpleQueue()
        self._halting = threading.Event()
        self._thread = threading.Thread(target=self._work, name="training", daemon=True)
        self._thread.start()

    def start(self, job: Job) -> None:
        """Train this next, as soon as the function before it has returned."""
        self._halting.clear()
        self._jobs.put(job)

    def answer(self, answer: Answer) -> None:
        """The decision that a waiting step stands still for."""
        self._answers.put(answer)

    def halt(self, wanted: bool = True) -> None:
        """Save the trial and ask for a decision at its next report, whatever its epoch.

        Not `wanted`: it need not any more.
        """
        if wanted:
            self._halting.set()
        else:
            self._halting.clear()

    def poll(self, seconds: float) -> list[Message]:
        """What the training function has sent, at the latest after `seconds`.

        Returns at once with anything but reports between rungs, which are collected meanwhile, and
        do not stop the training; or if there is no function.
        """
        if not self._jobs.unfinished_tasks and self._messages.empty():
            return []
        deadline = time.monotonic() + seconds
        messages: list[Message] = []
        while (left := deadline - time.monotonic()) > 0:
            try:
                message = self._messages.get(timeout=left)
            except queue.Empty:
                break
            messages.append(message)
            if not isinstance(message, Step) or message.waits:
                break
        return messages

    # Link, for Trial:

    @property
    def halting(self) -> bool:
        return self._halting.is_set()

    def send(self, message: Message) -> None:
        self._messages.put(message)

    def ask(self, step: Step) -> Answer:
        self._messages.put(step)
        return self._answers.get()

    def _work(self) -> None:
        while True:
            job = self._jobs.get()
            ended = self._take(job)
            memory.release(short=ended.end is End.MEMORY)
            self._messages.put(discreet(ended))
            self._jobs.task_done()

    def _take(self, job: Job) -> Ended:
        """Train one trial from what there is of it; how it ended."""
        wait, path = Patience(job, self).through, job.folder / LOG
        saved = checkpoint.place(job.folder, job.epoch)
        try:
            with listening(wait(lambda: _log(path), path)):
                lost = wait(lambda: _lost(job), saved, "read")
                return lost or through(job, Trial(job, self), self._call)
        except Superseded:
            return Ended(trial=job.trial, end=End.HALTED)
        except Unsaved as error:
            return Ended(
                trial=job.trial,
                end=End.FAILED if error.lasting else End.UNSAVED,
                reason=str(error),
            )
        except BaseException as error:  # not the training function's: the slot lives on
            return _failed(job, f"could not be run: {_named(error)}", error)


def through(job: Job, trial: Trial, call: Callable[[Trial], Any]) -> Ended:
    """Train one trial; how it ended. Errors: Unsaved, Superseded."""
    seed_everything(job.seed)
    failure: Ended | None = None
    output = ""
    try:
        returned = call(trial)
        if isinstance(returned, Mapping) and not trial.epoch:
            trial.report(returned)
    except Halted:
        pass
    except Superseded:
        print("another worker trains this trial by now: this one was cut off", file=sys.stderr)
        raise
    except Unsaved:
        raise
    except ReportError as error:
        failure = _failed(job, str(error), error)
    except ProgramError as error:
        end = End.MEMORY if error.short else End.FAILED
        failure = Ended(trial=job.trial, end=end, reason=str(error))
        output = error.output  # which is in the log already
    except DataError as error:  # says all there is to say
        failure = Ended(trial=job.trial, end=End.FAILED, reason=str(error))
    except SystemExit as error:
        failure = _failed(job, f"called sys.exit({error.code!r})", error)
    except BaseException as error:  # whatever a training function raises costs its trial only
        failure = _failed(job, f"raised {_named(error)}", error)
    trial.flush(failed=failure is not None)
    if failure is not None:
        print(failure.traceback or failure.reason, file=sys.stderr)
        failure = replace(failure, traceback=failure.traceback or output)
    if trial.halted and trial.epoch < job.max_epochs:
        return Ended(trial=job.trial, end=End.HALTED)
    if failure is None and not trial.epoch:
        named = ", ".join(job.metrics)
        written = ", ".join(f"{name}=..." for name in job.metrics)
        reason = f"never reported {named}; call trial.report({written}) each epoch"
        return Ended(trial=job.trial, end=End.FAILED, reason=reason)
    return failure or Ended(trial=job.trial, end=End.RETURNED)


def seed_everything(seed: int) -> None:
    """Seed Python, numpy and torch, so that a trial trained again comes out the same."""
    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def _log(path: Path) -> Log:
    path.parent.mkdir(exist_ok=True)  # but none above it, which are there before any trial
    return Log(path)


@contextlib.contextmanager
def listening(log: Log) -> Iterator[None]:
    """What the training function prints goes to the trial's own log; its stacks, when asked."""
    with log, contextlib.redirect_stdout(log), contextlib.redirect_stderr(log):
        faulthandler.register(STACKS, file=log)  # children that are forked inherit it
        try:
            yield
        finally:
            faulthandler.unregister(STACKS)


def _named(error: BaseException) -> str:
    try:
        lines = str(error).strip().splitlines()
    except Exception:  # an exception whose text cannot be made
        lines = []
    return f"{type(error).__name__}: {lines[0]}" if lines else type(error).__name__


def _lost(job: Job) -> Ended | None:
    """Where its checkpoint cannot be used: go on from an older one, or begin again.

    Errors: OSError while that cannot be read.
    """
    wrong = checkpoint.damage(job.folder, job.epoch) if job.epoch else ""
    if not wrong:
        return None
    epoch = checkpoint.usable(job.folder, job.epoch)
    instead = f"went on from epoch {epoch}" if epoch else "began again"
    reason = f"its checkpoint after epoch {job.epoch} {wrong}; {instead}"
    return Ended(trial=job.trial, end=End.LOST, reason=reason, epoch=epoch)


def _failed(job: Job, reason: str, error: BaseException) -> Ended:
    end, short = End.FAILED, memory.shortage(error)
    if short is not None:
        end, reason = End.MEMORY, memory.words(short)
    shown = short or error
    frames = [f for f in traceback.extract_tb(shown.__traceback__) if not _own(f.filename)]
    lines = ["Traceback (most recent call last):\n", *traceback.format_list(frames)]
    lines += traceback.format_exception_only(type(shown), shown)
    if short is not None:
        memory.forget(error)
    return Ended(trial=job.trial, end=end, reason=reason, traceback="".join(lines).rstrip())


def discreet(ended: Ended) -> Ended:
    """Without the secrets of this process's environment, which a training function may fill."""
    secrets = Secrets.of(os.environ)
    return replace(
        ended, reason=secrets.hide(ended.reason), traceback=secrets.hide(ended.traceback)
    )


def _own(file: str) -> bool:
    """Whether a frame is ours; the built-in training functions count as the user's."""
    return str(Path(file).parent) in OWN and Path(file).name not in BUILT_IN
