"""A Study driven by Ray Tune.

Tune places slots on the cluster, starts and watches their processes, and carries messages; it
decides nothing. Its Searcher opens slots, its TrialScheduler and Callback translate between slots
and the Foreman. The loop is Tune's own controller, without Tune's loggers, reporters and
snapshots: the journal is the record. What is private in it is guarded by
tests/cluster/test_ray_contract.py.
"""

from __future__ import annotations

import contextlib
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import ray
from ray import tune
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Experiment
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.search.search_generator import SearchGenerator

from ..search.errors import ClusterError
from ..search.resources import Resources
from ..trainables.function import TrainingFunction
from .foreman import Foreman, Order
from .worker import MESSAGES, PLACE, Worker

NEVER = 10**9  # seconds: no snapshots of Tune's
UNLUCKY = 3  # this many slots lost in a row before they are up are no accident
UNWIND = 60.0  # seconds that a training function has to return after it was told to halt


class Engine:
    """Tune's controller with a Foreman inside. Call `step` until the foreman has finished."""

    def __init__(
        self,
        foreman: Foreman,
        function: TrainingFunction | str,
        *,
        folder: Path,
        slots: int,
        needs: Resources,
    ) -> None:
        """`folder`: that of the sweep file. `slots`: how many to open. `needs`: of each slot."""
        self.foreman = foreman
        self.slots = slots
        self.ready = 0  # slots that have been up
        self._live: dict[str, TuneTrial] = {}
        self._asleep: set[str] = set()  # slots that Tune does not wait to hear of
        self._leaving_since: dict[str, float] = {}
        self._lost = 0  # in a row, before they were up
        self._failure: Exception | None = None
        self._scratch = tempfile.mkdtemp(prefix="nightsweep-")
        # A thousand slots that each spoke every second would be all that the driver hears.
        beat = max(1.0, slots / 50)
        worker = tune.with_parameters(
            Worker, function=function, folder=folder, beat=beat, cpus=needs.cpus
        )
        self._controller = self._control(worker, needs)

    def step(self) -> None:
        """Handle one event, or wait a moment for one; then give idle slots work.

        Errors: whatever went wrong in the Study or journal; ClusterError if no slot comes up.
        """
        if not self._live and not self.wants_slot():
            return  # Tune would wait ten minutes for somebody to open one
        self._controller.step()
        for slot, orders in self.foreman.wake(self._asleep).items():
            self._asleep.remove(slot)
            self._send(self._live[slot], orders)
            self._controller._schedule_trial_train(self._live[slot])
        if self._failure is not None:
            raise self._failure

    def close(self) -> None:
        """End all slots."""
        with contextlib.suppress(Exception):  # a worker may be dead already
            self._controller.cleanup()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # Called by Tune, through the translators below.

    def wants_slot(self) -> bool:
        return len(self._live) < self.slots and self.foreman.short_of_slots

    def slot_added(self, slot: TuneTrial) -> None:
        self._live[slot.trial_id] = slot

    def slot_started(self, slot: TuneTrial) -> None:
        with self._kept():
            self.ready += 1
            self._lost = 0
            self._send(slot, self.foreman.opened(slot.trial_id))

    def slot_reported(self, slot: TuneTrial, result: dict[str, Any]) -> str:
        with self._kept():
            self._send(slot, self.foreman.heard(slot.trial_id, result[PLACE], result[MESSAGES]))
            if slot.trial_id in self.foreman.leaving:
                self._end_if_stuck(slot)
                return TrialScheduler.CONTINUE
            self._leaving_since.pop(slot.trial_id, None)
            if slot.trial_id in self.foreman.busy:
                return TrialScheduler.CONTINUE
        self._asleep.add(slot.trial_id)
        return TrialScheduler.NOOP

    def slot_lost(self, slot: TuneTrial) -> None:
        with self._kept():
            self._live.pop(slot.trial_id, None)
            self._asleep.discard(slot.trial_id)
            self._leaving_since.pop(slot.trial_id, None)
            self._lost += 1
            reason = _why(slot)
            self.foreman.lost(slot.trial_id, reason)
            if self._lost >= UNLUCKY:
                raise ClusterError(f"no worker stays up; the last one: {reason}")

    def _end_if_stuck(self, slot: TuneTrial) -> None:
        """Kill a process whose training function does not return; a new slot takes its place."""
        since = self._leaving_since.setdefault(slot.trial_id, time.monotonic())
        if time.monotonic() - since > UNWIND:
            actor: Any = slot.temporary_state.ray_actor
            ray.kill(actor)

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """Tune turns exceptions in its callbacks into text; keep them for `step` to raise."""
        try:
            yield
        except Exception as error:
            self._failure = self._failure or error

    def _send(self, slot: TuneTrial, orders: list[Order]) -> None:
        actor: Any = slot.temporary_state.ray_actor
        if orders:
            actor.command.remote(orders)

    def _control(self, worker: type[Worker], needs: Resources) -> TuneController:
        experiment = Experiment(
            name="slots",
            run=worker,
            resources_per_trial=tune.PlacementGroupFactory(
                [{"CPU": needs.cpus, **({"GPU": needs.gpus} if needs.gpus else {})}]
            ),
            num_samples=NEVER,
            storage_path=self._scratch,
        )
        searcher = SearchGenerator(_Slots(self))
        controller = TuneController(
            search_alg=searcher,
            scheduler=_Translator(self),
            callbacks=[_Ready(self)],
            storage=experiment.storage,
            trial_checkpoint_config=experiment.checkpoint_config,
            checkpoint_period=NEVER,
        )
        searcher.add_configurations([experiment])
        controller.update_max_pending_trials(self.slots)
        controller.setup_experiments([experiment], total_num_samples=self.slots)
        _survive_memory_kills(controller)
        return controller


class _Slots(Searcher):
    """Opens a slot whenever one more would find work."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()
        self._engine = engine
        self._opened = 0

    def suggest(self, trial_id: str) -> dict[str, Any] | None:
        if not self._engine.wants_slot():
            return None
        self._opened += 1
        return {"slot": self._opened}

    def on_trial_complete(
        self, trial_id: str, result: dict[str, Any] | None = None, error: bool = False
    ) -> None:
        """A slot's end is the scheduler's to hear of."""

    def save(self, checkpoint_path: str) -> None:
        """Nothing to save: the journal is the record."""

    def restore(self, checkpoint_path: str) -> None:
        """Nothing to restore."""


class _Translator(FIFOScheduler):
    """Between a slot's results and the foreman."""

    def __init__(self, engine: Engine) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self._engine = engine

    def on_trial_add(self, tune_controller: TuneController, trial: TuneTrial) -> None:
        self._engine.slot_added(trial)

    def on_trial_result(
        self, tune_controller: TuneController, trial: TuneTrial, result: dict[str, Any]
    ) -> str:
        return self._engine.slot_reported(trial, result)

    def on_trial_error(self, tune_controller: TuneController, trial: TuneTrial) -> None:
        self._engine.slot_lost(trial)


class _Ready(tune.Callback):
    """Tells when a slot's process is up: before Tune asks it for its first step."""

    def __init__(self, engine: Engine) -> None:
        self._engine = engine

    def on_trial_start(
        self, iteration: int, trials: list[TuneTrial], trial: TuneTrial, **info: Any
    ) -> None:
        self._engine.slot_started(trial)


def _survive_memory_kills(controller: TuneController) -> None:
    """Treat every loss of a worker alike.

    Ray's memory monitor kills with an error that is neither RayActorError nor RayTaskError, on
    which Tune 2.60 ends the whole run (RayActorManager._actor_task_failed).
    """
    manager: Any = controller._actor_manager
    handle = manager._actor_task_failed

    def failed(tracked_actor_task: TrackedActorTask, exception: Exception) -> None:
        if not isinstance(exception, RayActorError | RayTaskError):
            exception = RayActorError(error_msg=str(exception))
        handle(tracked_actor_task, exception)

    manager._actor_task_failed = failed


def _why(slot: TuneTrial) -> str:
    """Why a slot was lost, in a line: from the text that Tune leaves in its scratch folder."""
    try:
        text = Path(slot.error_file).read_text(encoding="utf-8")
    except (OSError, TypeError):
        return "its worker died"
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    latest = [place for place, line in enumerate(lines) if line.startswith("Failure # ")][-1:]
    lines = lines[latest[0] + 1 :] if latest else lines
    if not lines:
        return "its worker died"
    if "creation task" in text or "Traceback" in text:  # an exception, while it was set up
        return f"its worker failed: {lines[-1]}"
    return f"its worker died: {lines[0]}"
