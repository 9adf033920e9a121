"""Functions and classes written for Ray Tune, unchanged.

Functions, `def train(config)` with `ray.tune.report`: Tune finds the running trial through a
module variable; while such a function runs, it holds an object of ours. Classes,
`class T(tune.Trainable)`: each `step` is an epoch, and where a trial is paused its
`save_checkpoint` is asked. The names are Ray's own and private, so
tests/cluster/test_ray_contract.py guards them.
"""

from __future__ import annotations

import math
import os
import shutil
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from types import SimpleNamespace
from typing import Any, cast

from ray import tune
from ray.train._internal import session as tune_session
from ray.tune.result import AUTO_RESULT_KEYS, DONE, RESULT_DUPLICATE, TRIAL_INFO
from ray.tune.utils import flatten_dict

from ..trainables import checkpoint, plain
from ..trainables.trial import ReportError, Trial

RETURNED = "returned.pt"  # in a checkpoint: the dict that save_checkpoint has returned
CHDIR = "RAY_CHDIR_TO_TRIAL_DIR"
NOT_OWN = {*AUTO_RESULT_KEYS, DONE}  # which Tune puts into the result of a class


class TuneSession:
    """What `ray.tune.report`, `get_checkpoint` and `get_context` talk to."""

    world_rank = None  # Tune's, not Train's

    def __init__(self, trial: Trial) -> None:
        self._trial = trial
        self.trial_id = self.trial_name = str(trial.id)
        self.trial_dir = str(trial.folder)
        self.experiment_name = trial.folder.parent.parent.name
        self.trial_resources = None

    @property
    def loaded_checkpoint(self) -> tune.Checkpoint | None:
        """Where the trial left off, or None at its beginning."""
        path = checkpoint.place(self._trial.folder, self._trial.epoch)
        return tune.Checkpoint(str(path)) if path.exists() else None

    def report(
        self, metrics: Mapping[str, Any], *, checkpoint: tune.Checkpoint | None = None
    ) -> None:
        """An epoch's report; its checkpoint is copied only where a decision may need it."""
        numbers = _numbers(metrics, self._trial.metrics)
        self._trial.report_saving(numbers, lambda epoch: self._save(epoch, checkpoint))

    def _save(self, epoch: int, given: tune.Checkpoint | None) -> bool:
        if given is None:
            return False

        def copy(aside: Path) -> None:
            with given.as_directory() as source:
                if not Path(source).is_dir():
                    raise ReportError(f"reported a checkpoint in {source}, which is not there")
                shutil.copytree(source, aside, dirs_exist_ok=True)

        checkpoint.put(self._trial.folder, epoch, copy)
        return True


def run_tune_function(function: Callable[[dict[str, Any]], Any], trial: Trial) -> Any:
    """Run a Tune function for a trial."""
    tune_session._session = cast("tune_session._TrainSession", TuneSession(trial))
    try:
        return function(trial.config)
    finally:
        tune_session._session = None


class Place:
    """What Tune calls storage: where a class may write. It is the trial's folder."""

    def __init__(self, folder: Path) -> None:
        self.trial_fs_path = self.trial_working_directory = str(folder)

    def persist_artifacts(self, force: bool = False) -> None:
        """They lie where they are to lie."""


def run_tune_class(kind: Callable[..., tune.Trainable], trial: Trial) -> None:
    """Train a trial by a Tune class: one `step` an epoch, until it says `done` or is told to."""
    made = _made(kind, trial)
    try:
        if trial.epoch:
            _restore(made, checkpoint.place(trial.folder, trial.epoch))
            made._iteration = trial.epoch
        while True:
            result = made.train()
            if RESULT_DUPLICATE in result:
                return
            done = bool(result.get(DONE))
            own = {key: value for key, value in result.items() if key not in NOT_OWN}
            numbers = _numbers(own, trial.metrics)
            trial.report_saving(numbers, lambda epoch: _save(made, trial, epoch), last=done)
            if done:
                return
    finally:
        made.stop()


def _made(kind: Callable[..., tune.Trainable], trial: Trial) -> tune.Trainable:
    """With a name and a folder, as Tune would, but without leaving this process's folder."""
    info = SimpleNamespace(trial_id=str(trial.id), trial_name=str(trial.id), trial_resources=None)
    before = os.environ.get(CHDIR)
    os.environ[CHDIR] = "0"
    try:
        return kind(
            config={**trial.config, TRIAL_INFO: info}, storage=cast("Any", Place(trial.folder))
        )
    finally:
        del os.environ[CHDIR]
        if before is not None:
            os.environ[CHDIR] = before


def _numbers(result: Mapping[str, Any], metrics: Sequence[str]) -> dict[str, Any]:
    """Of a result what can be plotted, and the sweep's metrics whatever they are; parts of parts
    as a/b."""
    return {
        name: value
        for name, value in flatten_dict(dict(result)).items()
        if name in metrics
        or isinstance(value, int | float)
        or math.prod(getattr(value, "shape", [0])) == 1
    }


def _save(made: tune.Trainable, trial: Trial, epoch: int) -> bool:
    if type(made).save_checkpoint is tune.Trainable.save_checkpoint:
        return False  # it has none

    def write(aside: Path) -> None:
        given = made.save_checkpoint(str(aside))
        if isinstance(given, dict):
            try:
                checkpoint.write(aside / RETURNED, given)
            except plain.StateError as error:
                raise ReportError(
                    f"save_checkpoint returned a dict with more than {plain.PLAIN}, which could "
                    "not be read back safely; let it write files into the folder that it is given"
                ) from error

    checkpoint.put(trial.folder, epoch, write)
    return True


def _restore(made: tune.Trainable, path: Path) -> None:
    returned = path / RETURNED
    # Tune's own types know of the dict alone.
    given: Any = plain.read(returned) if returned.exists() else str(path)
    made.load_checkpoint(given)
