"""A trial and its program: reports in, decisions out, until one of the two ends it."""

from __future__ import annotations

import signal
from pathlib import Path
from typing import Any

from .. import checkpoint
from ..failure import ProgramError
from ..metrics import ReportError, whole
from ..trial import Halted, Trial
from . import ends, working
from .lines import Reports, numbers
from .listener import Heard
from .program import Program


class Conversation:
    """`folder`: of the program's checkpoint. `grace`: seconds from SIGTERM to SIGKILL."""

    def __init__(self, program: Program, trial: Trial, folder: Path, grace: float) -> None:
        self._program = program
        self._trial = trial
        self._folder = folder
        self._grace = grace
        self._begun = trial.epoch
        self._reports = Reports(trial.metrics)
        self._heard = program.heard()
        self._trained = False  # its last epoch is reported
        self._overdue = False  # and another one after it

    def hold(self) -> None:
        """Until the program has ended.

        Errors: ProgramError, Unsaved, Superseded; Halted, if the trial is to stop.
        """
        for heard in self._heard:
            try:
                heard.answer(self._goes_on(heard))
            except BaseException:
                self._dismiss(heard)
                raise
        self._judge()

    def _goes_on(self, heard: Heard) -> bool:
        """Take in what was heard; False where a program that waits for it is to end."""
        print(heard.line.rstrip("\n"))
        read = self._reports.read if heard.client is None else self._reports.told
        values = read(heard.line)
        if values is None or self._repeats(values):
            return True
        if not self._trained:
            self._report(heard, values)
            return True
        if heard.client is None and not self._overdue:
            self._overdue = True
            self._program.leave((0, signal.SIGTERM), (self._grace, signal.SIGKILL))
        return False

    def _report(self, heard: Heard, values: dict[str, Any]) -> None:
        epoch = values.pop("epoch", None)

        def save(epoch: int) -> bool:
            if heard.client is None:  # who only prints goes on writing meanwhile
                self._program.stand()
            if working.empty(self._folder):
                return False
            checkpoint.put(
                self._trial.folder, epoch, lambda aside: working.copy(self._folder, aside)
            )
            return True

        metrics = numbers(values, self._trial.metrics)
        try:
            self._trial.report_saving(metrics, save, epoch=epoch)
        except ReportError as error:
            raise ProgramError(str(error)) from None
        except Halted:
            if self._trial.epoch < self._trial.max_epochs:
                raise
            self._trained = True
            self._program.leave((self._grace, signal.SIGTERM), (2 * self._grace, signal.SIGKILL))
        self._program.go_on()

    def _dismiss(self, heard: Heard) -> None:
        """Have the program end, and read on to its end. Who was told so has time to do it."""
        heard.answer(False)
        told = heard.client is not None
        self._program.leave(
            (self._grace / 2 if told else 0, signal.SIGTERM), (self._grace, signal.SIGKILL)
        )
        for more in self._heard:
            print(more.line.rstrip("\n"))
            more.answer(False)

    def _repeats(self, values: dict[str, Any]) -> bool:
        """Whether this epoch was reported before the trial was paused or lost."""
        epoch = whole(values.get("epoch"))
        if epoch == 0 and not self._begun:
            raise ProgramError("reported epoch 0; epochs count from 1")
        if epoch is None or not 0 <= epoch <= self._begun or self._trial.epoch > self._begun:
            return False
        print(f"nightsweep: epoch {epoch} was reported before; what counts begins after it")
        return True

    def _judge(self) -> None:
        """What to make of its end. Errors: ProgramError."""
        trial, ended = self._trial, self._program.ended
        if self._program.errno:
            raise ProgramError(ends.unstarted(self._program.errno, self._program.name))
        if self._program.signalled or ended is None:
            print("nightsweep: it did not end by itself after its last epoch, and was ended")
            return
        failure = ends.failed(ended, trial.epoch, self._program.errors)
        if failure is None and not trial.epoch:
            reports, errors = self._reports, self._program.errors
            astray = next((line for line in errors if reports.read(line)), "")
            failure = ends.silent(
                ended, trial.metrics, names=[*reports.names], broken=reports.broken, astray=astray
            )
        if failure is not None:
            raise failure
        if trial.epoch < trial.max_epochs:
            print(
                f"nightsweep: it ended by itself after epoch {trial.epoch} of {trial.max_epochs}, "
                "with exit code 0; so the trial has ended, too"
            )
