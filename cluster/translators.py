"""What Ray Tune calls, and what becomes of it: a Searcher, a TrialScheduler and a Callback."""

from __future__ import annotations

from typing import Any, Protocol

from ray import tune
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler
from ray.tune.search import Searcher


class Listener(Protocol):
    """The engine, as Tune is to see it."""

    def wants_slot(self) -> bool:
        """Whether to open one more."""
        ...

    def opening(self, number: int) -> dict[str, Any]:
        """What the worker of a slot that is opened now is told."""
        ...

    def slot_added(self, slot: TuneTrial) -> None:
        """A slot is to be opened."""
        ...

    def slot_started(self, slot: TuneTrial) -> None:
        """Its worker is up."""
        ...

    def slot_reported(self, slot: TuneTrial, result: dict[str, Any]) -> str:
        """It has made a step; what Tune is to do with it."""
        ...

    def slot_lost(self, slot: TuneTrial) -> None:
        """It is gone."""
        ...


class Slots(Searcher):
    """Opens a slot whenever one more would find work."""

    def __init__(self, engine: Listener) -> None:
        super().__init__()
        self._engine = engine
        self._opened = 0

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        if not self._engine.wants_slot():
            return None
        self._opened += 1
        return self._engine.opening(self._opened)

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A slot's end is the scheduler's to hear of."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal is the record."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class Translator(FIFOScheduler):
    """Between a slot's results and the foreman."""

    def __init__(self, engine: Listener) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._engine = engine

    def choose_trial_to_run(self, tune_controller: TuneController) -> None:
        """Nobody comes first: Tune starts slots as they were added."""

    def on_trial_add(self, tune_controller: TuneController, trial: TuneTrial) -> None:
        self._engine.slot_added(trial)

    def on_trial_result(
        self, tune_controller: TuneController, trial: TuneTrial, result: dict[str, Any]
    ) -> str:
        return self._engine.slot_reported(trial, result)

    def on_trial_error(self, tune_controller: TuneController, trial: TuneTrial) -> None:
        self._engine.slot_lost(trial)


class Ready(tune.Callback):
    """Tells when a slot's process is up: before Tune asks it for its first step."""

    def __init__(self, engine: Listener) -> None:
        self._engine = engine

    def on_trial_start(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any
    ) -> None:
        self._engine.slot_started(trial)
