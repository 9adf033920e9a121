"""A Study driven by Ray Tune.

Tune places slots on the cluster, starts and watches their processes, and carries messages; it
decides nothing. Its Searcher opens slots, its TrialScheduler and Callback translate between slots
and the Foreman. The loop is Tune's own controller, without Tune's loggers, reporters and
snapshots: the journal is the record. What is private in it is guarded by
tests/cluster/test_ray_contract.py.
"""

from __future__ import annotations

import contextlib
import os
import shutil
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ray import tune
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import RayActorError, RayTaskError
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Experiment
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import FIFOScheduler, TrialScheduler
from ray.tune.search import Searcher
from ray.tune.search.search_generator import SearchGenerator

from ..search.errors import ClusterDownError
from ..search.events import Cause
from ..search.resources import Resources
from ..search.secret import Secrets
from ..trainables.function import TrainingFunction
from ..trainables.host import LOG
from .foreman import Foreman
from .loss import Loss, loss
from .postmortem import Ending
from .starts import Starts
from .watch import Watch
from .work import Order
from .worker import MESSAGES, PLACE, Worker

NEVER = 10**9  # seconds: no snapshots of Tune's
REST = 0.25  # seconds


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
        self._whereabouts: dict[str, Any] = {}  # what each slot's worker answers to that
        self._ending: dict[str, Ending] = {}  # slots that hang
        self._starts = Starts()
        self._failure: Exception | None = None
        self._scratch = tempfile.mkdtemp(prefix=f"nightsweep-{os.getpid()}-")
        self._watch = Watch(timeout=foreman.study.sweep.timeout, delay=self.beat)
        worker = tune.with_parameters(Worker, function=function, folder=folder, cpus=needs.cpus)
        self._controller = self._control(worker, needs)

    def step(self) -> None:
        """Handle one event, or wait a moment for one; then give idle slots work.

        Errors: whatever went wrong in the Study or journal; ClusterDownError if no slot comes up.
        """
        if self.foreman.held:
            self._end_idle()
        if not self._live and not self.wants_slot():
            self._rest()  # Tune would wait ten minutes for somebody to open one
        else:
            self._controller.step()
        self._end_hung(time.monotonic())
        for slot, orders in self.foreman.wake(self._asleep).items():
            self._asleep.remove(slot)
            self._send(self._live[slot], orders)
            self._controller._schedule_trial_train(self._live[slot])
        if self._failure is not None:
            raise self._failure

    @property
    def beat(self) -> float:
        """Seconds between the signs of life of a slot that is opened now.

        A thousand that each spoke every second would be all that the driver hears.
        """
        return max(1.0, self.slots / 50)

    @property
    def late(self) -> str:
        """What to say of slots that may hang; empty if none does."""
        return self._watch.late

    def resize(self, slots: int) -> None:
        """So many slots from now on. Those of a node that went are lost already."""
        if slots != self.slots:
            self.slots = slots
            self._controller.update_max_pending_trials(max(slots, 1))  # 0: as many as Tune likes
            self._watch.delay = max(self._watch.delay, self.beat)

    def close(self, *, gone: bool = False) -> None:
        """End all slots. `gone`: Ray has, and would not answer."""
        if gone:
            shutil.rmtree(self._scratch, ignore_errors=True)
            return
        Ending.wait(self._ending.values())
        with contextlib.suppress(Exception):  # a worker may be dead already
            self._controller.cleanup()
        shutil.rmtree(self._scratch, ignore_errors=True)

    # Called by Tune, through the translators below.

    def wants_slot(self) -> bool:
        short = len(self._live) < self.slots and self.foreman.short_of_slots
        return short and self._starts.may_open(time.monotonic())

    def slot_added(self, slot: TuneTrial) -> None:
        self._live[slot.trial_id] = slot
        self._starts.opened(slot.trial_id)

    def slot_started(self, slot: TuneTrial) -> None:
        with self._kept():
            self.ready += 1
            self._starts.up(slot.trial_id)
            actor: Any = slot.temporary_state.ray_actor
            self._whereabouts[slot.trial_id] = actor.whereabouts.remote()
            self._send(slot, self.foreman.opened(slot.trial_id))

    def slot_reported(self, slot: TuneTrial, result: dict[str, Any]) -> str:
        if slot.trial_id in self._ending:  # what it says now comes too late
            return TrialScheduler.CONTINUE
        with self._kept():
            self._watch.heard(slot.trial_id, result[MESSAGES])
            self._send(slot, self.foreman.heard(slot.trial_id, result[PLACE], result[MESSAGES]))
            if slot.trial_id in self.foreman.busy or slot.trial_id in self.foreman.leaving:
                return TrialScheduler.CONTINUE
            if self.foreman.held:
                self._forget(slot)
                self.foreman.closed(slot.trial_id)
                return TrialScheduler.STOP
        self._asleep.add(slot.trial_id)
        return TrialScheduler.NOOP

    def slot_lost(self, slot: TuneTrial) -> None:
        with self._kept():
            self._forget(slot)
            ending = self._ending.get(slot.trial_id)
            if ending is not None:
                self.foreman.lost(slot.trial_id, f"hung: {ending.reason}", Cause.HUNG)
                return
            cause, reason = _loss(slot)
            reason = Secrets.of(os.environ).hide(reason)
            self.foreman.lost(slot.trial_id, reason, cause)
            others = bool(self._whereabouts)
            if self._starts.lost(slot.trial_id, time.monotonic(), others=others):
                raise ClusterDownError(f"no worker stays up; the last one: {reason}")

    def _forget(self, slot: TuneTrial) -> None:
        self._live.pop(slot.trial_id, None)
        self._asleep.discard(slot.trial_id)
        self._watch.forget(slot.trial_id)
        self._whereabouts.pop(slot.trial_id, None)

    def _end_idle(self) -> None:
        """End the processes of slots that are asleep, so that others can have their devices."""
        for slot in [self._live[name] for name in self._asleep]:
            self._forget(slot)
            self.foreman.closed(slot.trial_id)
            self._controller.stop_trial(slot)

    def _rest(self) -> None:
        """Wait a moment, while no slot is to be open; see those off that are ending."""
        if not self._controller._actor_manager.next(timeout=REST):
            time.sleep(REST)  # with nothing to wait for it has not waited
        self._controller.on_step_end()

    def _end_hung(self, now: float) -> None:
        """End the processes that hang; new slots take their places."""
        for silence in self._watch.look(now):
            actor: Any = self._live[silence.slot].temporary_state.ray_actor
            self._ending[silence.slot] = Ending(
                actor,
                self._whereabouts[silence.slot],
                silence.job.folder / LOG,
                silence.words,
                now,
            )
        for slot in self._ending.keys() & self._live.keys():
            self._ending[slot].press(now)

    @contextlib.contextmanager
    def _kept(self) -> Iterator[None]:
        """Tune turns exceptions in its callbacks into text; keep them for `step` to raise."""
        try:
            yield
        except Exception as error:
            self._failure = self._failure or error

    def _send(self, slot: TuneTrial, orders: list[Order]) -> None:
        actor: Any = slot.temporary_state.ray_actor
        self._watch.sent(slot.trial_id, orders)
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
        return {"slot": self._opened, "beat": self._engine.beat}

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
    """Treat every loss of a worker alike; `loss` tells them apart.

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


def _loss(slot: TuneTrial) -> Loss:
    """Why a slot was lost, as Tune has it in its scratch folder."""
    try:
        return loss(Path(slot.error_file).read_text(encoding="utf-8"))
    except (OSError, TypeError):
        return loss("")
