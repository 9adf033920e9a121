"""Functions written for Ray Tune, unchanged: `def train(config)` with `ray.tune.report`.

Tune finds the running trial through a module variable; while such a function runs, it holds an
object of ours. The names are Ray's own and private, so tests/cluster/test_ray_contract.py guards
them.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, cast

from ray import tune
from ray.train._internal import session as tune_session

from ..trainables import checkpoint
from ..trainables.trial import ReportError, Trial


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
        self._trial.report_saving(metrics, lambda epoch: self._save(epoch, checkpoint))

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
