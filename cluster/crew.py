"""Tune's manager of the slots' processes, made for a thousand of them.

Tune's own hears of one result at a time, and each time looks at all that are pending: what one
result costs grows with the number of slots. Here one look finds all that have come since the last,
so that the busier the driver, the less it looks. It is private in Ray, and guarded by
tests/cluster/test_ray_contract.py.
"""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import Any

import ray
from ray.air.execution import ResourceManager
from ray.air.execution._internal import RayActorManager
from ray.air.execution._internal.tracked_actor_task import TrackedActorTask
from ray.exceptions import RayActorError, RayTaskError

BREATH = 0.25  # seconds; then whoever steers the sweep has a look, and what has come must wait


class Crew(RayActorManager):
    """One for an engine. `failed`: whether something went wrong, and nothing more is to be heard.

    `clock`: seconds that pass.
    """

    def __init__(
        self,
        resource_manager: ResourceManager,
        *,
        failed: Callable[[], bool] = lambda: False,  # Ray makes it anew as it cleans up
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        super().__init__(resource_manager)
        self._failed = failed
        self._clock = clock

    def next(self, timeout: float | None = None) -> bool:
        """Wait until something happens, at most `timeout` seconds; see to all that has happened.

        The slot that has waited longest comes first. Whether anything has happened.
        """
        killed = self._try_kill_actor()
        self._try_start_actors()
        if killed:
            return True
        resources = self._resource_manager.get_resource_futures()
        pending = [
            *resources,
            *self._actor_state_events.get_futures(),
            *self._actor_task_events._tracked_futures,  # in order, which get_futures has not
        ]
        ready, others = ray.wait(pending, num_returns=1, timeout=timeout)
        if ready and others:
            ready += ray.wait(others, num_returns=len(others), timeout=0)[0]
        until = self._clock() + BREATH
        for future in ready:
            self._resolve(future)
            if self._failed() or self._clock() > until:
                break
        if not set(resources).isdisjoint(ready):
            self._resource_manager.update_state()
        self._try_start_actors()
        return bool(ready)

    @property
    def num_pending_actors(self) -> int:
        """Tune asks for each slot that is to be opened; its own makes a list of all."""
        return len(self._pending_actors_to_attrs)

    def _resolve(self, future: Any) -> None:
        for events in (self._actor_state_events, self._actor_task_events):
            if future in events._tracked_futures:
                events.resolve_future(future)
                return
        # Neither: resources for a slot, or a result of one that has ended since.

    def _schedule_tracked_actor_task(
        self, tracked_actor_task: TrackedActorTask, *given: Any, **named: Any
    ) -> Any:
        """Tune remembers a slot's results until it ends, and Ray keeps what is remembered."""
        results = self._tracked_actors_to_task_futures[tracked_actor_task._tracked_actor]
        pending = self._actor_task_events._tracked_futures
        results -= {future for future in results if future not in pending}
        return super()._schedule_tracked_actor_task(tracked_actor_task, *given, **named)

    def _actor_task_failed(
        self, tracked_actor_task: TrackedActorTask, exception: Exception
    ) -> None:
        """Treat every loss of a worker alike; `loss` tells them apart.

        Ray's memory monitor kills with an error that is neither RayActorError nor RayTaskError, on
        which Tune 2.60 ends the whole run.
        """
        if not isinstance(exception, RayActorError | RayTaskError):
            exception = RayActorError(error_msg=str(exception))
        super()._actor_task_failed(tracked_actor_task, exception)
