"""A sweep's progress as metrics of Ray: each node offers them to Prometheus, with Ray's own.

They get Ray's prefix there: `ray_nightsweep_trials{Sweep="digits", Status="completed"}`.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any, NamedTuple

from ...search.record import Status
from ...search.study import Study

TAGS = ("Sweep", "Run")


class Value(NamedTuple):
    """One number: its metric, what it counts apart (a status), and itself."""

    metric: str
    kind: tuple[str, str] | None
    value: float


TEXTS = {
    "nightsweep_trials": "Trials of the sweep, by status.",
    "nightsweep_epochs": "Epochs trained.",
    "nightsweep_slots": "Trials that may run at once.",
    "nightsweep_slots_busy": "Slots in which a trial trains.",
    "nightsweep_best": "The best value of the first objective.",
    "nightsweep_gpu_seconds": "Seconds for which trials had GPUs, times how many.",
}


def values(study: Study, *, slots: int, busy: int, gpu_seconds: float) -> Iterable[Value]:
    """What there is to tell of a sweep now."""
    counts = study.counts
    for status in Status:
        yield Value("nightsweep_trials", ("Status", status.value), counts[status])
    yield Value("nightsweep_epochs", None, study.trained)
    yield Value("nightsweep_slots", None, slots)
    yield Value("nightsweep_slots_busy", None, busy)
    yield Value("nightsweep_gpu_seconds", None, gpu_seconds)
    if study.best is not None:
        name = study.sweep.metric.name
        yield Value("nightsweep_best", ("Metric", name), study.best.best)


class Metrics:
    """Publishes values under the sweep's name and its run's."""

    def __init__(self, sweep: str, run: str, gauge: Callable[..., Any] | None = None) -> None:
        """`gauge`: makes one, as ray.util.metrics.Gauge does."""
        self._tags = dict(zip(TAGS, (sweep, run), strict=True))
        self._gauge = gauge or _gauge
        self._gauges: dict[str, Any] = {}

    def publish(self, values: Iterable[Value]) -> None:
        """Say these values."""
        for metric, kind, value in values:
            apart = (kind[0],) if kind else ()
            if metric not in self._gauges:
                self._gauges[metric] = self._gauge(
                    metric, description=TEXTS[metric], tag_keys=(*TAGS, *apart)
                )
            self._gauges[metric].set(value, tags=self._tags | dict([kind] if kind else []))


def _gauge(name: str, **words: Any) -> Any:
    from ray.util.metrics import Gauge

    return Gauge(name, **words)
