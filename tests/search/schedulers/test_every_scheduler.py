"""What holds for every scheduler, in whole sweeps on a virtual cluster."""

from __future__ import annotations

import math
import random
from typing import Any, get_args

import pytest

from nightsweep.search import Study, Sweep
from nightsweep.search.events import Event
from nightsweep.search.record import Status
from nightsweep.search.schedulers import Scheduler, SchedulerSettings
from nightsweep.search.simulate import Curve, Moment, Worker, simulate

KINDS = get_args(get_args(SchedulerSettings)[0])
SETTINGS: list[dict[str, Any]] = [
    *({"name": kind.model_fields["name"].default} for kind in KINDS),
    {"name": "asha", "eta": 2, "grace": 2},
    {"name": "asha", "audit": 0},
    {"name": "asha", "mode": "standard"},
    {"name": "asha", "mode": "conservative", "audit": 0.2},
    {"name": "asha", "form": "stopping", "audit": 0.2},
    {"name": "hyperband", "eta": 2, "grace": 2},
    {"name": "median", "grace": 3, "min_trials": 1, "every": 2},
]
every_scheduler = pytest.mark.parametrize("settings", SETTINGS, ids=str)
EPOCHS = 12


def sweep(settings: dict[str, Any], **changes: Any) -> Sweep:
    values = {
        "metric": "loss",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "max_epochs": EPOCHS,
        "trials": 30,
        "sampler": "random",
        "scheduler": settings,
    }
    return Sweep(**(values | changes))


def noisy(x: float) -> list[float]:
    """A curve that falls towards x, with noise that is x's own."""
    chance = random.Random(x)
    return [x + 1 / epoch + chance.gauss(0, 0.1) for epoch in range(1, EPOCHS + 1)]


CURVES: dict[str, Any] = {
    "noisy": noisy,
    "all the same": lambda x: [0.5] * EPOCHS,
    "ever worse": lambda x: [x * epoch for epoch in range(EPOCHS)],
    "some diverge": lambda x: [*noisy(x)[:3], math.nan] if x * 9 % 1 < 0.3 else noisy(x),
    "most diverge at once": lambda x: [math.nan] if x < 0.8 else noisy(x),
    "huge": lambda x: [(x - 0.5) * 1.7e308] * EPOCHS,
}


def search(study: Study, curves: str, workers: list[Worker], seed: int = 0) -> list[Moment]:
    def train(config: dict[str, Any]) -> Curve:
        losses = CURVES[curves](config["x"])
        return Curve(metrics=[{"loss": loss} for loss in losses], seconds=1 + config["x"])

    return list(simulate(study, train, workers, seed=seed))


@every_scheduler
def test_it_is_a_scheduler(settings: dict[str, Any]) -> None:
    scheduler: Scheduler = sweep(settings).scheduler.build(EPOCHS)
    assert scheduler.next_rung(1, EPOCHS - 1) == EPOCHS
    assert scheduler.promote(last=True) is None


@every_scheduler
@pytest.mark.parametrize("workers", [1, 4, 30])
@pytest.mark.parametrize("curves", CURVES)
def test_every_sweep_ends_and_somebody_comes_to_its_end(
    settings: dict[str, Any], curves: str, workers: int
) -> None:
    study = Study(sweep(settings))
    search(study, curves, [Worker()] * workers)
    assert len(study.trials) == 30
    assert not set(study.counts) & {Status.RUNNING, Status.WAITING, Status.FAILED}
    assert any(t.epoch == EPOCHS for t in study.trials.values() if t.status is Status.COMPLETED)


@every_scheduler
@pytest.mark.parametrize("seed", range(3))
def test_lost_workers_change_nothing_of_that(settings: dict[str, Any], seed: int) -> None:
    study = Study(sweep(settings, seed=seed))
    search(study, "some diverge", [Worker(loss=0.1), Worker(loss=0.2, speed=2.0)], seed=seed)
    assert len(study.trials) == 30
    assert not set(study.counts) & {Status.RUNNING, Status.WAITING, Status.FAILED}
    assert study.counts[Status.COMPLETED] >= 1


@every_scheduler
def test_the_same_sweep_gives_the_same_decisions(settings: dict[str, Any]) -> None:
    workers = [Worker(loss=0.1), Worker(speed=2.0), Worker(arrives=5.0, leaves=30.0)]
    assert repr(search(Study(sweep(settings)), "noisy", workers)) == repr(
        search(Study(sweep(settings)), "noisy", workers)
    )


@every_scheduler
def test_a_study_replayed_in_the_middle_decides_as_the_undisturbed_one(
    settings: dict[str, Any],
) -> None:
    events: list[Event] = []
    whole = Study(sweep(settings), events.append)
    search(whole, "some diverge", [Worker()])
    middle = len(events) // 2
    while getattr(events[middle], "decision", "continue") == "continue":
        middle += 1  # to where no trial is running, so that the one worker asks next
    later: list[Event] = []
    again = Study.replay(sweep(settings), events[: middle + 1], later.append)
    assert again.running == []
    search(again, "some diverge", [Worker()])
    assert repr(later) == repr(events[middle + 1 :])


@every_scheduler
def test_the_epochs_expected_are_all_that_were_trained_once_it_is_over(
    settings: dict[str, Any],
) -> None:
    study = Study(sweep(settings))
    assert 30 <= study.expected_epochs <= 30 * EPOCHS
    search(study, "noisy", [Worker()] * 4)
    assert study.trained <= study.expected_epochs <= 1.25 * study.trained


@every_scheduler
def test_every_stop_has_a_reason(settings: dict[str, Any]) -> None:
    study = Study(sweep(settings))
    search(study, "noisy", [Worker()] * 4)
    assert all(known.reason for known in study.trials.values())
