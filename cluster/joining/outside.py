"""What a cluster that was joined is told of a sweep, every few seconds."""

from __future__ import annotations

import time
from collections.abc import Callable

from ...search.runfolder import RunFolder
from ...search.study import Study
from ..foreman import Foreman
from .autoscaler import Autoscaler, grows, wanted
from .metrics import Metrics, values

EVERY = 5.0  # seconds


class Outside:
    """Tells it how many slots the sweep could fill, where it starts nodes; and the progress."""

    def __init__(
        self,
        study: Study,
        metrics: Metrics,
        autoscaler: Autoscaler,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._study = study
        self._metrics = metrics
        self._autoscaler = autoscaler
        self._clock = clock
        self._next = 0.0

    @property
    def grows(self) -> bool:
        """Whether the cluster may start nodes for the sweep."""
        return self._autoscaler.grows

    def tell(self, foreman: Foreman, *, slots: int, gpu_seconds: float) -> None:
        """Tell it, if a few seconds have passed since."""
        if self._clock() < self._next:
            return
        self._next = self._clock() + EVERY
        busy = len(foreman.busy)
        self._ask(busy, ending=bool(foreman.stopping or foreman.held))
        self._metrics.publish(values(self._study, slots=slots, busy=busy, gpu_seconds=gpu_seconds))

    def close(self) -> None:
        """Ask for nothing any more."""
        self._autoscaler.withdraw()

    def _ask(self, busy: int, *, ending: bool) -> None:
        sweep, limit = self._study.sweep, self._study.limit
        new = None if limit is None else limit - len(self._study.trials)
        count = wanted(new, sweep.slots, busy)
        self._autoscaler.ask(0 if ending else count, sweep.resources)


def outside(study: Study, folder: RunFolder) -> Outside:
    """For a study on the Ray that this process has joined."""
    metrics = Metrics(study.sweep.name, folder.path.name)
    return Outside(study, metrics, Autoscaler(grows()))
