"""Lightning: a callback with which a Trainer trains a trial.

report = nightsweep.LightningReport(trial)
trainer = Trainer(max_epochs=trial.max_epochs, callbacks=[report])
trainer.fit(model, data, ckpt_path=report.checkpoint)
"""

from __future__ import annotations

import os
from importlib import import_module
from pathlib import Path
from typing import Any

from ..search.errors import TrainingFunctionError
from . import checkpoint, plain
from .rank import Member
from .trial import Halted, Trial

NAMES = ("lightning.pytorch", "pytorch_lightning")  # one package under two names
FILE = "lightning.ckpt"  # in the checkpoint of an epoch
PLATEAU = "plateau.pt"  # beside it: what schedules are to see that wait for a metric


class Reports:
    """What the callback does. `checkpoint` is where the trial left off: `fit`'s `ckpt_path`."""

    def __init__(self, trial: Trial) -> None:
        super().__init__(monitor=trial.metrics[0])  # type: ignore[call-arg]  # _callback
        self._trial = trial
        self._validated = False  # since the last report
        if "SLURM_NTASKS" in os.environ:
            # A trial is no task of Slurm's. Lightning would take its rank and the number of
            # processes from there, unless the job is one of those that it lets be.
            os.environ["SLURM_JOB_NAME"] = "interactive"

    @property
    def checkpoint(self) -> str | None:
        """None at the trial's beginning. Errors: StateError if it could run code when read."""
        path = checkpoint.place(self._trial.folder, self._trial.epoch) / FILE
        if not self._trial.epoch or not path.exists():
            return None
        plain.check(path, f"{path} holds")
        return str(path)

    def state_dict(self) -> dict[str, Any]:
        """None of its own: the trial's is kept elsewhere."""
        return {}

    def setup(self, trainer: Any, pl_module: Any, stage: str) -> None:
        """No bar into the log. Errors: TrainingFunctionError for processes of Lightning's own."""
        if trainer.world_size > 1 and not isinstance(self._trial, Member):
            raise TrainingFunctionError(
                f"this Trainer starts {trainer.world_size} processes of its own, which have no "
                "trial; write Trainer(devices=1), or have nightsweep.distributed start them"
            )
        if (bar := trainer.progress_bar_callback) is not None:
            bar.disable()
        # The last: an epoch's checkpoint holds what all others make of that epoch.
        trainer.callbacks = [*(one for one in trainer.callbacks if one is not self), self]

    def on_fit_start(self, trainer: Any, pl_module: Any) -> None:
        """Generators, which Lightning does not save; before its loader draws from them."""
        if self._trial.epoch:
            place = checkpoint.place(self._trial.folder, self._trial.epoch)
            state = checkpoint.load_rng(place, trainer.global_rank)
            if state is not None:
                checkpoint.restore_rng(state)

    def on_train_start(self, trainer: Any, pl_module: Any) -> None:
        """The step of ReduceLROnPlateau, which Lightning takes when the epoch has been saved, and
        leaves out when it goes on from there."""
        path = checkpoint.place(self._trial.folder, self._trial.epoch) / PLATEAU
        if not self._trial.epoch or not path.exists():
            return
        seen = plain.read(path)
        for schedule in _plateaus(trainer):
            if schedule.monitor in seen and self._trial.epoch % schedule.frequency == 0:
                pl_module.lr_scheduler_step(schedule.scheduler, seen[schedule.monitor])

    def on_validation_end(self, trainer: Any, pl_module: Any) -> None:
        """Epochs in which there was a validation are reported when they end."""
        self._validated = self._validated or not trainer.sanity_checking

    def on_train_epoch_end(self, trainer: Any, pl_module: Any) -> None:
        """Report the last validation; the trial ends when this says so."""
        if not self._validated and trainer.enable_validation:
            return
        self._validated = False
        metrics, halted = dict(trainer.callback_metrics), self._trial.halted
        metrics.pop("epoch", None)  # logged for a plot's axis; the report has one
        try:
            self._trial.report_writing(
                metrics,
                lambda folder: self._write(trainer, folder),
                epoch=trainer.current_epoch + 1,
            )
        except Halted:
            if halted:  # before, and went on all the same: min_epochs
                raise
            trainer.should_stop = True

    def _write(self, trainer: Any, folder: Path) -> None:
        """Every process is here: some strategies gather a model from all."""
        trainer.save_checkpoint(folder / FILE)
        if trainer.is_global_zero:
            plain.check(folder / FILE, "Lightning's checkpoint (save_hyperparameters?) holds")
            found = trainer.callback_metrics
            watched = {schedule.monitor for schedule in _plateaus(trainer)} & set(found)
            if watched:
                checkpoint.write(folder / PLATEAU, {name: float(found[name]) for name in watched})
        checkpoint.save_rng(folder, trainer.global_rank)


def LightningReport(trial: Trial) -> Any:  # noqa: N802 - as the class that it makes
    """A callback that reports each epoch's metrics to a trial, and ends it when it is to end.

    Reported is what the model has logged (`trainer.callback_metrics`), once an epoch in which
    there was a validation, the last of it; not the sanity check. A checkpoint is saved only where
    a decision may need it; `fit(..., ckpt_path=report.checkpoint)` goes on from there.
    Errors: TrainingFunctionError where there is no Lightning.
    """
    return type("LightningReport", (Reports, _callback()), {})(trial)


def _plateaus(trainer: Any) -> list[Any]:
    """Schedules that Lightning steps by a metric, when an epoch has ended."""
    if not trainer.lightning_module.automatic_optimization:
        return []
    found = trainer.lr_scheduler_configs
    return [one for one in found if one.reduce_on_plateau and one.interval == "epoch"]


def _callback() -> Any:
    """The class of callbacks: a kind that Lightning calls after the module's own
    `on_train_epoch_end`, so that what this logs is there to be reported."""
    for name in NAMES:
        try:
            return import_module(f"{name}.callbacks").EarlyStopping
        except ModuleNotFoundError as error:
            if error.name != name.split(".")[0]:
                raise
    raise TrainingFunctionError(
        "nightsweep.LightningReport needs Lightning: pip install lightning"
    )
