"""A sweep's progress as metrics, and how often a cluster is told of it."""

from __future__ import annotations

from typing import Any

from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.joining.autoscaler import Autoscaler
from nightsweep.cluster.joining.metrics import Metrics, values
from nightsweep.cluster.joining.outside import EVERY, Outside

from ..conftest import Evening
from .test_autoscaler import Asked


class Gauges:
    """Keeps what is set, as Prometheus would show it."""

    def __init__(self) -> None:
        self.shown: dict[tuple[str, str], float] = {}
        self.made: list[str] = []

    def __call__(self, name: str, *, description: str, tag_keys: tuple[str, ...]) -> Any:
        self.made.append(name)
        outer = self

        class Gauge:
            def set(self, value: float, tags: dict[str, str]) -> None:
                assert description
                assert set(tags) == set(tag_keys)
                outer.shown[name, " ".join(tags.values())] = value

        return Gauge()


def test_progress_is_told_by_the_sweeps_name(finished: Evening) -> None:
    gauges = Gauges()
    metrics = Metrics("grid", "run", gauges)
    for _ in range(2):
        metrics.publish(values(finished.study, slots=4, busy=3, gpu_seconds=7.5))
    assert len(gauges.made) == len(set(gauges.made)) == 6
    counted = {key[1]: value for key, value in gauges.shown.items() if key[0].endswith("trials")}
    assert sum(counted.values()) == 6
    assert counted["grid run completed"] == 2
    best = finished.study.best
    assert best is not None
    assert gauges.shown["nightsweep_best", "grid run loss"] == best.best
    assert gauges.shown["nightsweep_epochs", "grid run"] == finished.study.trained
    assert gauges.shown["nightsweep_slots_busy", "grid run"] == 3
    assert gauges.shown["nightsweep_gpu_seconds", "grid run"] == 7.5


def test_a_sweep_that_has_found_nothing_tells_no_best(evening: Evening) -> None:
    told = {value.metric for value in values(evening.study, slots=0, busy=0, gpu_seconds=0)}
    assert "nightsweep_best" not in told


def test_a_cluster_is_told_every_few_seconds(evening: Evening) -> None:
    asked, gauges, now = Asked(), Gauges(), [0.0]
    outside = Outside(
        evening.study, Metrics("grid", "run", gauges), Autoscaler(True, asked), lambda: now[0]
    )
    foreman = Foreman(evening.study, evening.folder, evening.record)
    for now[0] in (0.0, EVERY - 1, EVERY):
        outside.tell(foreman, slots=1, gpu_seconds=0)
        evening.search(most=1)
    assert [len(bundles) for bundles in asked.bundles] == [6, 4]  # two have begun meanwhile
    assert gauges.shown["nightsweep_epochs", "grid run"] > 0
    foreman.stop("enough")
    now[0] = 3 * EVERY
    outside.tell(foreman, slots=1, gpu_seconds=0)
    outside.close()
    assert asked.bundles[-1] == []
