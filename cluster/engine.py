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
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from ray import tune
from ray.tune.execution.tune_controller import TuneController
from ray.tune.experiment import Experiment
from ray.tune.experiment import Trial as TuneTrial
from ray.tune.schedulers import TrialScheduler
from ray.tune.search.search_generator import SearchGenerator

from ..search.errors import ClusterDownError
from ..search.events import Cause
from ..search.resources import Resources
from ..search.secret import Secrets
from ..trainables.host import LOG
from ..trainables.ready import Function
from .crew import Crew
from .devices.device import Reader
from .devices.nvml import Nvml
from .devices.sharing import Sharing
from .foreman import Foreman
from .loss import Loss, loss
from .postmortem import Ending
from .starts import Starts
from .translators import Ready, Slots, Translator
from .watch import Watch
from .work import Order
from .worker import MESSAGES, PLACE, USAGE, Worker

NEVER = 10**9  # seconds: no snapshots of Tune's
REST = 0.25  # seconds


class Engine:
    """Tune's controller with a Foreman inside. Call `step` until the foreman has finished."""

    def __init__(
        self,
        foreman: Foreman,
        function: Function,
        *,
        folder: Path,
        slots: int,
        needs: Resources,
        sharing: Sharing | None = None,
        reader: Callable[[], Reader] = Nvml,
    ) -> None:
        """`folder`: that of the sweep file. `slots`: how many to open. `needs`: of each slot.

        `sharing`: is told what trials take of their GPUs, as `reader` reads them in each worker.
        """
        self.foreman = foreman
        self.needs = needs
        self.sharing = sharing
        self.slots = slots
        self.ready = 0  # slots that have been up
        self._live: dict[str, TuneTrial] = {}
        self._asleep: set[str] = set()  # slots that Tune does not wait to hear of
        self._whereabouts: dict[str, Any] = {}  # what each slot's worker answers to that
        self._ending: dict[str, Ending] = {}  # slots that hang
        self._starts = Starts()
        self._failure: Exception | None = None
        self._scratch = tempfile.mkdtemp(prefix=f"nightsweep-{os.getpid()}-")
        self._watch = Watch(
            timeout=foreman.study.sweep.timeout,
            delay=self.beat,
            slower=lambda slot: foreman.kinds.slower(slot) * (sharing.each if sharing else 1),
        )
        worker = tune.with_parameters(
            Worker, function=function, folder=folder, cpus=needs.cpus, reader=reader
        )
        self._controller = self._control(worker)

    def step(self) -> None:
        """Handle what has happened, or wait a moment for it; then give idle slots work.

        Errors: whatever went wrong in the Study or journal; ClusterDownError if no slot comes up.
        """
        if self.foreman.held or self.foreman.moving:
            self._end_idle()
        if not self._live and not self.wants_slot():
            self._rest()  # Tune would wait ten minutes for somebody to open one
        else:
            self._controller.step()
        self._end_hung(time.monotonic())
        for slot, orders in self.foreman.wake(self._asleep).items():
            self._asleep.remove(slot)
            self._train(self._live[slot], orders)
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

    def reshape(self, needs: Resources, slots: int, why: str) -> None:
        """So many slots that need so much from now on.

        Those that are up end once nothing trains in them. Their trials leave when they are saved,
        if they can be, and are told why.
        """
        self.needs = needs
        for name in self._live.keys() - self._whereabouts.keys():
            self._close(self._live[name])  # it has yet to come up
        self.foreman.moving.retire(self._whereabouts, why)
        self.resize(slots)

    def opening(self, number: int) -> dict[str, Any]:
        """What the worker of a slot that is opened now is told, and Tune places it by."""
        return {
            "slot": number,
            "beat": self.beat,
            "cpus": self.needs.cpus,
            "gpus": self.needs.most_gpus,
            "measured": self.sharing is not None,
        }

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
            name, place, messages = slot.trial_id, result[PLACE], result[MESSAGES]
            self._watch.heard(name, messages)
            if self.sharing:
                self.sharing.heard(name, place, result[USAGE], messages, self.foreman.busy)
            orders = self.foreman.heard(name, place, messages)
            if name in self.foreman.busy or name in self.foreman.leaving:
                self._train(slot, orders)
                return TrialScheduler.NOOP  # that is done
            self._send(slot, orders)
            if self.foreman.held or name in self.foreman.moving:
                self._forget(slot)
                self.foreman.closed(name)
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
        if self.sharing:
            self.sharing.forget(slot.trial_id)
        self._whereabouts.pop(slot.trial_id, None)

    def _end_idle(self) -> None:
        """End the processes of idle slots, so that others can have their devices."""
        for name in list(self._asleep):
            if self.foreman.held or name in self.foreman.moving:
                self._close(self._live[name])

    def _close(self, slot: TuneTrial) -> None:
        """End a slot in which nothing trains."""
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

    def _train(self, slot: TuneTrial, orders: list[Order]) -> None:
        """Give a slot orders, and ask for its next step: in one call, the dearest thing here."""
        self._watch.sent(slot.trial_id, orders)
        self._controller._schedule_trial_task(
            trial=slot,
            method_name="train",
            args=(orders,),
            on_result=self._controller._on_training_result,
            on_error=self._controller._trial_task_failure,
        )

    def _control(self, worker: type[Worker]) -> TuneController:
        experiment = Experiment(
            name="slots",
            run=worker,
            num_samples=NEVER,
            storage_path=self._scratch,
        )
        searcher = SearchGenerator(Slots(self))
        controller = TuneController(
            search_alg=searcher,
            scheduler=Translator(self),
            callbacks=[Ready(self)],
            storage=experiment.storage,
            trial_checkpoint_config=experiment.checkpoint_config,
            checkpoint_period=NEVER,
        )
        searcher.add_configurations([experiment])
        controller.update_max_pending_trials(self.slots)
        controller.setup_experiments([experiment], total_num_samples=self.slots)
        controller._actor_manager = Crew(
            controller._actor_manager._resource_manager, failed=lambda: self._failure is not None
        )
        return controller


def _loss(slot: TuneTrial) -> Loss:
    """Why a slot was lost, as Tune has it in its scratch folder."""
    try:
        return loss(Path(slot.error_file).read_text(encoding="utf-8"))
    except (OSError, TypeError):
        return loss("")
