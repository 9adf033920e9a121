"""Hugging Face: a callback with which a transformers.Trainer trains a trial.

report = nightsweep.HuggingFaceReport(trial)
trainer = Trainer(model, args, callbacks=[report], ...)
trainer.train(resume_from_checkpoint=report.checkpoint)
"""

from __future__ import annotations

import os
import shutil
from collections.abc import Callable
from importlib import import_module
from pathlib import Path
from typing import Any

from ..search.errors import TrainingFunctionError
from . import checkpoint
from .trial import Halted, ReportError, Trial


class Reports:
    """What the callback does. `checkpoint` is where the trial left off."""

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self._begun: int | None = None  # the step that the training began at
        self._found: dict[str, Any] = {}  # metrics, to be reported
        self._saves = False  # with the checkpoint that the Trainer is about to write
        self._ours = False  # which it would not have written otherwise

    @property
    def checkpoint(self) -> str | None:
        """For `train(resume_from_checkpoint=...)`; None at the trial's beginning."""
        path = checkpoint.place(self._trial.folder, self._trial.epoch)
        return str(path) if self._trial.epoch and path.exists() else None

    def on_train_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """Evaluations count from here. Errors: TrainingFunctionError."""
        if args.save_strategy == "best":
            raise TrainingFunctionError(
                "save_strategy='best' takes back the checkpoints that decisions need; write "
                "save_strategy='epoch', load_best_model_at_end=True, save_total_limit=1"
            )
        self._begun = state.global_step
        if args.disable_tqdm:  # which leaves the bar that is drawn when a model is saved
            import_module("transformers").utils.logging.disable_progress_bar()

    def on_evaluate(
        self, args: Any, state: Any, control: Any, metrics: dict[str, Any], **more: Any
    ) -> None:
        """An evaluation: an epoch, to the sweep. Of several data sets each has one; all count.

        Not one before the first step (`eval_on_start`), and none when the trial is to end.
        """
        if self._begun in (None, state.global_step) or self._trial.halted:
            return
        self._found |= {name: value for name, value in metrics.items() if name != "epoch"}
        if not self._saves and self._trial.saving:
            self._saves, self._ours = True, not control.should_save
            control.should_save = True

    def on_save(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """The Trainer has written a checkpoint: the one that was asked for."""
        if not self._saves:
            return
        written = Path(args.output_dir) / f"checkpoint-{state.global_step}"
        first = state.is_world_process_zero

        def write(folder: Path) -> None:
            if first:
                _copy(written, folder)

        self._report(state, control, write)
        if self._ours and first:
            shutil.rmtree(written, ignore_errors=True)

    def on_epoch_begin(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """All data sets have been evaluated by now."""
        self._report(state, control)

    on_step_begin = on_epoch_begin

    def on_train_end(self, args: Any, state: Any, control: Any, **more: Any) -> None:
        """What the user evaluates afterwards is no epoch. Errors: ReportError."""
        self._report(state, control)
        self._begun = None
        if not self._trial.epoch:
            raise ReportError(
                "the Trainer has evaluated nothing; write TrainingArguments(eval_strategy="
                "'epoch'), and give the Trainer an eval_dataset"
            )

    def _report(
        self, state: Any, control: Any, write: Callable[[Path], object] | None = None
    ) -> None:
        """What has been found, if anything."""
        if not self._found:
            return
        losses = [entry["loss"] for entry in state.log_history if "loss" in entry]
        metrics = ({"train_loss": losses[-1]} if losses else {}) | self._found
        self._saves, self._found = False, {}
        try:
            self._trial.report_writing(metrics, write)
        except Halted:
            control.should_training_stop = True


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
    """Errors: OSError; ReportError if nothing is there, which no waiting would mend."""
    if not written.is_dir():
        raise ReportError(f"the Trainer has saved nothing as {written}")
    shutil.copytree(written, to, copy_function=_link, dirs_exist_ok=True)


def _link(source: str, target: str) -> None:
    """The same file under another name, where one file system holds both: models are large."""
    try:
        os.link(source, target)
    except OSError:
        shutil.copy2(source, target)
