"""Hugging Face: a callback with which a transformers.Trainer trains a trial.

report = nightsweep.HuggingFaceReport(trial)
trainer = Trainer(model, args, callbacks=[report], ...)
trainer.train(resume_from_checkpoint=report.checkpoint)
"""

from __future__ import annotations

import os
import shutil
from importlib import import_module
from pathlib import Path
from typing import Any

from ..search.errors import TrainingFunctionError
from . import checkpoint
from .trial import Halted, Trial


class Reports:
    """What the callback does. `checkpoint` is where the trial left off."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._training = False
        self._found: dict[str, Any] = {}  # metrics, to be reported
        self._saves = False  # with the checkpoint that the Trainer is about to write
        self._ours = False  # which it would not have written otherwise

    @property
    def checkpoint(self) -> str | None:
        """For `train(resume_from_checkpoint=...)`; None at the trial's beginning."""
        path = checkpoint.place(self._trial.folder, self._trial.epoch)
        return str(path) if self._trial.epoch and path.exists() else None

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Evaluations count from here."""
        self._training = True

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, Any], **more: Any
    ) -> None:
        """An evaluation: an epoch, to the sweep. Of several data sets each has one; all count."""
        if not self._training:
            return
        self._found |= {name: value for name, value in metrics.items() if name != "epoch"}
        if not set(self._trial.metrics) <= set(self._found):
            return  # another data set's, perhaps
        self._saves = self._trial.saving
        if self._saves:
            self._ours, control.should_save = not control.should_save, True
        else:
            self._report(args, state, control)

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """The Trainer has written a checkpoint: the one that was asked for."""
        if self._saves:
            self._report(args, state, control)

    def on_step_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """What has not been reported by now lacks a metric, and that is to be said."""
        if self._found:
            self._report(args, state, control)

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """What the user evaluates afterwards is no epoch."""
        if self._found:
            self._report(args, state, control)
        self._training = False

    def _report(self, args: Any, state: Any, control: Any) -> None:
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        metrics = ({"train_loss": losses[-1]} if losses else {}) | self._found
        written = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        first, saves = state.is_world_process_zero, self._saves
        self._saves, self._found = False, {}

        def write(folder: Path) -> None:
            if first:
                _copy(written, folder)

        try:
            self._trial.report_writing(metrics, write if saves else None)
        except Halted:
            control.should_training_stop = True
        if saves and self._ours and first:
            shutil.rmtree(written, ignore_errors=True)


def HuggingFaceReport(trial: Trial) -> Any:  # noqa: N802 - as the class that it makes
    """A callback that reports each evaluation to a trial, and ends it when it is to end.

    Reported is what `Trainer.evaluate` finds, under its names (`eval_loss`), and `train_loss`.
    Each evaluation is an epoch of the sweep's: with `eval_strategy="epoch"` that is the Trainer's
    too. The Trainer writes its own checkpoint where a decision may need one, and
    `train(resume_from_checkpoint=report.checkpoint)` goes on from there.
    Errors: TrainingFunctionError where there are no transformers.
    """
    try:
        callback = import_module("transformers").TrainerCallback
    except ModuleNotFoundError as error:
        if error.name != "transformers":
            raise
        raise TrainingFunctionError(
            "nightsweep.HuggingFaceReport needs transformers: pip install transformers accelerate"
        ) from None
    return type("HuggingFaceReport", (Reports, callback), {})(trial)


def _copy(written: Path, to: Path) -> None:
    shutil.copytree(written, to, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    """The same file under another name, where one file system holds both: models are large."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
