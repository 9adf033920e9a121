"""A read-only Optuna study over a list of trials, without copying them into a storage."""

from __future__ import annotations

from collections.abc import Container
from typing import Any

from optuna.samplers import BaseSampler
from optuna.storages import InMemoryStorage
from optuna.study import Study, StudyDirection
from optuna.trial import FrozenTrial, TrialState


class _Snapshot(InMemoryStorage):
    """One study to minimise, with the given trials; forgets what a sampler notes down."""

    def __init__(self, trials: list[FrozenTrial]) -> None:
        super().__init__()
        self._given = trials

    def get_study_id_from_name(self, study_name: str) -> int:
        return 0

    def get_study_directions(self, study_id: int) -> list[StudyDirection]:
        return [StudyDirection.MINIMIZE]

    def get_all_trials(
        self,
        study_id: int,
        deepcopy: bool = True,
        states: Container[TrialState] | None = None,
    ) -> list[FrozenTrial]:
        return [trial for trial in self._given if states is None or trial.state in states]

    def set_trial_system_attr(self, trial_id: int, key: str, value: Any) -> None:
        """Optuna's sampler shares what it draws with other processes here; there are none."""


def snapshot(trials: list[FrozenTrial], sampler: BaseSampler) -> Study:
    """A study to minimise, with these trials."""
    return Study("snapshot", _Snapshot(trials), sampler=sampler)
