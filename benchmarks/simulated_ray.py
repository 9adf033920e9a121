"""Ray as far as Tune's controller and nightsweep's driver see it, with workers that train nothing,
on a clock that waits for nobody.

What the driver does costs what it costs: virtual time is its own CPU time, and waiting is skipped.
What is not here is charged to it: Ray's own CPU time for each call, each result and each look at
what is pending (RAY in driver.py, measured on a real one by ray_calls.py), and the disk's time for
each line that must be on it. What the simulation itself computes is not charged.

`install` puts it in place of Ray, in a process that has imported neither Ray nor nightsweep yet.
"""

from __future__ import annotations

import contextlib
import heapq
import itertools
import os
import random
import time
from collections.abc import Callable, Iterator
from types import SimpleNamespace
from typing import Any

LATENCY = 0.001  # seconds between a call or its result and the other side
STARTING = 8.0  # seconds until a process is up: it imports torch
SAVING = 0.03  # seconds for a checkpoint
SPREAD = 0.3  # sigma of the lognormal seconds of an epoch, of each trial and of each epoch
SIZE = 20_000  # bytes of a checkpoint


class Clock:
    """Seconds: this process's CPU time, and what was skipped or charged; less what is free.

    `disk`: seconds until a line of the journal is on it.
    """

    def __init__(self, disk: float) -> None:
        self._sync = disk
        self.skipped = 0.0
        self.waited = 0.0  # of that, with nothing to do
        self.ray = 0.0  # of that, Ray's
        self.disk = 0.0  # and the disk's
        self._free = 0.0
        self._since: float | None = None

    def __call__(self) -> float:
        cpu = time.process_time() if self._since is None else self._since
        return cpu - self._free + self.skipped

    @property
    def worked(self) -> float:
        """Seconds in which the driver was at work."""
        return self() - self.waited

    @contextlib.contextmanager
    def free(self) -> Iterator[None]:
        """What is computed meanwhile takes no time."""
        if self._since is not None:
            yield
            return
        self._since = time.process_time()
        try:
            yield
        finally:
            self._free += time.process_time() - self._since
            self._since = None

    def wait(self, seconds: float) -> None:
        self.skipped += max(seconds, 0.0)
        self.waited += max(seconds, 0.0)

    def charge(self, seconds: float) -> None:
        self.skipped += seconds
        self.ray += seconds

    def sync(self, file: int) -> None:
        """As os.fdatasync, with a disk that is nobody else's."""
        self.skipped += self._sync
        self.disk += self._sync


class Ref:
    """A result that is there at a time."""

    __slots__ = ("at", "value")

    def __init__(self, at: float, value: Any = None) -> None:
        self.at, self.value = at, value


class SimulatedRay:
    """The functions of Ray that are called. `cost`: microseconds of CPU, see RAY in driver.py."""

    def __init__(self, clock: Clock, workers: Workers, cost: dict[str, float]) -> None:
        self.clock, self.workers, self.cost = clock, workers, cost
        self.ObjectRef = Ref
        self.actor = SimpleNamespace(ActorClass=ActorClass, ActorHandle=Handle)
        self.calls = 0

    def is_initialized(self) -> bool:
        return False

    def submit(self, at: float, value: Any = None) -> Ref:
        self.calls += 1
        self.clock.charge(self.cost["call"] * 1e-6)
        return Ref(at, value)

    def wait(
        self,
        refs: list[Ref],
        *,
        num_returns: int = 1,
        timeout: float | None = None,
        fetch_local: bool = True,
    ) -> tuple[list[Ref], list[Ref]]:
        each = "wait all, each" if num_returns > 1 else "wait, each"
        self.clock.charge((self.cost["wait"] + self.cost[each] * len(refs)) * 1e-6)
        with self.clock.free():
            now = self.clock()
            first = min((ref.at for ref in refs), default=float("inf"))
            if first > now:
                end = first if timeout is None else min(first, now + timeout)
                self.clock.wait(end - now)
                now = max(self.clock(), end)  # equal but for rounding
            ready: list[Ref] = []
            left: list[Ref] = []
            for ref in refs:
                there = ref.at <= now and len(ready) < num_returns
                (ready if there else left).append(ref)
            return ready, left

    def get(self, refs: Any) -> Any:
        many = refs if isinstance(refs, list) else [refs]
        self.clock.charge(self.cost["get"] * 1e-6 * len(many))
        with self.clock.free():
            values = [ref.value() if callable(ref.value) else ref.value for ref in many]
        return values if isinstance(refs, list) else values[0]

    def cancel(self, ref: Ref) -> None:
        ref.at = float("inf")

    def kill(self, actor: Handle) -> None:
        """It trains no more."""


class ActorClass:
    """What Tune starts slots from."""

    def __init__(self, ray: SimulatedRay) -> None:
        self._ray = ray

    def remote(self, **given: Any) -> Handle:
        self._ray.submit(0.0)
        with self._ray.clock.free():
            return Handle(self._ray, given)


class Method:
    def __init__(self, call: Callable[..., Ref]) -> None:
        self.remote = call


class Handle:
    """A slot's process, and the training in it."""

    def __init__(self, ray: SimulatedRay, given: dict[str, Any]) -> None:
        self._ray = ray
        config = given.get("config", {})
        self._up = ray.clock() + STARTING * random.uniform(0.8, 1.5)
        self._worker = ray.workers.open(config)
        self.train = Method(self._train)
        self.command = Method(self._command)
        self.whereabouts = Method(lambda: ray.submit(ray.clock() + LATENCY, ("node", 1)))
        self.stop = Method(lambda: ray.submit(ray.clock() + LATENCY))
        self.get_auto_filled_metrics = Method(lambda **_: ray.submit(ray.clock() + LATENCY, {}))
        self.__ray_ready__ = Method(lambda: ray.submit(self._up))
        self.__ray_terminate__ = Method(lambda: ray.submit(ray.clock() + LATENCY))

    def _train(self, orders: Any = ()) -> Ref:
        ref = self._ray.submit(0.0)
        with self._ray.clock.free():
            self._worker.command(orders, self._ray.clock() + LATENCY / 2)
            ends, result = self._worker.step(self._ray.clock() + LATENCY / 2)
            ref.at, ref.value = ends + LATENCY / 2, result
        return ref

    def _command(self, orders: list[Any]) -> Ref:
        ref = self._ray.submit(0.0)
        with self._ray.clock.free():
            self._worker.command(orders, self._ray.clock() + LATENCY / 2)
            ref.at = self._ray.clock() + LATENCY
        return ref


class Group:
    """Resources that Tune has asked for; there at once, on a cluster that is free."""

    def __init__(self, request: Any) -> None:
        self.resource_request = request

    def annotate_remote_entities(self, entities: list[Any]) -> list[Any]:
        return entities


class Resources:
    """Tune's resource manager, on a cluster that has room for all."""

    def __init__(self, ray: SimulatedRay) -> None:
        self._ray = ray
        self._ready = 0

    def get_resource_futures(self) -> list[Ref]:
        return []

    def request_resources(self, resource_request: Any) -> None:
        self._ray.submit(0.0)  # a placement group, and a task that tells when it is there
        self._ray.submit(0.0)
        self._ready += 1

    def cancel_resource_request(self, resource_request: Any) -> None:
        self._ready -= 1

    def has_resources_ready(self, resource_request: Any) -> bool:
        return self._ready > 0

    def acquire_resources(self, resource_request: Any) -> Group:
        self._ready -= 1
        return Group(resource_request)

    def free_resources(self, acquired_resource: Group) -> None:
        """There is room for all."""

    def clear(self) -> None:
        """Nothing is held."""


class Workers:
    """All slots' processes. `seconds` of an epoch in the mean; `train(config)` gives a curve."""

    def __init__(self, clock: Clock, seconds: float, train: Callable[[Any], Any]) -> None:
        self.clock, self.seconds, self.curve = clock, seconds, train
        self.trained: list[tuple[float, float]] = []  # when each epoch began, and when it ended
        self.number = itertools.count(1)

    def open(self, config: dict[str, Any]) -> Worker:
        return Worker(self, next(self.number), config)

    def busy(self, begin: float, end: float) -> float:
        """Seconds that slots have trained in a span, all together."""
        return sum(max(min(b, end) - max(a, begin), 0.0) for a, b in self.trained)


class Worker:
    """Host and training function, as a list of what will be said when."""

    def __init__(self, workers: Workers, number: int, config: dict[str, Any]) -> None:
        from nightsweep.cluster.seating import Place

        self._all, self._config = workers, config
        self._place = Place(host=f"host{number // 8}", pid=number, device="cuda:0")
        self._chance = random.Random(number)
        self._said: list[tuple[float, Any]] = []  # messages, and when
        self._job: Any = None

    def command(self, orders: list[Any], now: float) -> None:
        from nightsweep.trainables.job import Answer, End, Ended, Job

        for order in orders:
            if isinstance(order, Job):
                self._job, self._epoch = order, order.epoch
                self._values = self._all.curve(order.config).metrics
                self._pace = self._all.seconds * self._lognormal()
                self._train(now, order.until)
            elif isinstance(order, Answer) and order.until is not None:
                self._train(now, order.until)
            elif isinstance(order, Answer) and self._job is not None:
                job, self._job = self._job, None
                heapq.heappush(
                    self._said, (now + LATENCY, _Said(Ended(trial=job.trial, end=End.HALTED)))
                )

    def step(self, now: float) -> tuple[float, dict[str, Any]]:
        """When a step that is asked for now ends, and its result."""
        from nightsweep.trainables.job import Step

        ends, said = now, []
        if self._job is not None or self._said:
            ends = now + self._config["beat"]
            while self._said and self._said[0][0] <= ends:
                at, message = heapq.heappop(self._said)
                said.append(message.what)
                if not isinstance(message.what, Step) or message.what.waits:
                    ends = max(at, now)
                    break
        return ends, self._result(said)

    def _train(self, now: float, until: int) -> None:
        """The epochs up to the next decision, and what is said of each."""
        from nightsweep.trainables.job import End, Ended, Step

        job = self._job
        while self._epoch < until:
            took = self._pace * self._lognormal()
            self._all.trained.append((now, now + took))
            now, self._epoch = now + took, self._epoch + 1
            last = self._epoch >= job.max_epochs
            saves = self._epoch == until
            step = Step(
                trial=job.trial,
                epoch=self._epoch,
                metrics=dict(self._values[self._epoch - 1]),
                seconds=took,
                checkpoint=saves,
                waits=saves and not last,
            )
            if saves:
                _save(job, self._epoch)
                now += SAVING
            heapq.heappush(self._said, (now, _Said(step)))
            if last:
                self._job = None
                ended = Ended(trial=job.trial, end=End.RETURNED)
                heapq.heappush(self._said, (now + LATENCY, _Said(ended)))

    def _lognormal(self) -> float:
        return self._chance.lognormvariate(-SPREAD * SPREAD / 2, SPREAD)

    def _result(self, messages: list[Any]) -> dict[str, Any]:
        return {"messages": messages, "place": self._place, "usage": None}


class _Said:
    """A message in a heap: messages themselves have no order."""

    __slots__ = ("number", "what")
    numbers = itertools.count()

    def __init__(self, what: Any) -> None:
        self.what, self.number = what, next(self.numbers)

    def __lt__(self, other: _Said) -> bool:
        return self.number < other.number


def _save(job: Any, epoch: int) -> None:
    """A checkpoint's files, for the driver to weigh and remove."""
    path = job.folder / f"epoch-{epoch}"
    path.mkdir(parents=True, exist_ok=True)
    (path / "state.pt").write_bytes(bytes(SIZE))
    (path / "manifest.json").write_bytes(b"{}")
    for older in job.folder.glob("epoch-*"):
        if older != path:
            for file in older.iterdir():
                file.unlink()
            older.rmdir()


def install(clock: Clock) -> None:
    """Let time pass on this clock, for all that is imported from now on."""
    time.monotonic = time.time = clock
    time.sleep = clock.wait  # type: ignore[assignment]
    os.fsync = os.fdatasync = clock.sync  # type: ignore[assignment]


def replace_ray(ray: SimulatedRay, session: str) -> None:
    """Put it in Ray's place, between Tune's controller and the cluster. `session`: a folder."""
    import sys

    from ray.train._internal import storage
    from ray.tune.execution import tune_controller

    for name in (
        "ray.air.execution._internal.actor_manager",
        "ray.air.execution._internal.event_manager",
        "nightsweep.cluster.crew",
    ):
        if name in sys.modules:
            sys.modules[name].ray = ray  # type: ignore[attr-defined]
    folders: Any = storage
    folders._get_ray_train_session_dir = lambda: session
    changed: Any = tune_controller
    changed.PlacementGroupResourceManager = lambda: Resources(ray)
    changed._ActorClassCache = lambda: SimpleNamespace(get=lambda _: ActorClass(ray))
