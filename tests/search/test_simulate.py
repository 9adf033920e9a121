from __future__ import annotations

import itertools
import math
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import pytest

from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.events import Cause, Event, Interrupted, Metrics
from nightsweep.search.record import Status
from nightsweep.search.simulate import SAVE_EVERY, Curve, Moment, Worker, simulate
from nightsweep.search.space import Config
from nightsweep.trainables import trial

CONTINUE, PAUSE, STOP = Decision.CONTINUE, Decision.PAUSE, Decision.STOP
Train = Callable[[Config], Curve]
EPOCHS = 9


def sweep(**changes: Any) -> Sweep:
    """Random search; rungs at 1 and 3 of 9 epochs."""
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "max_epochs": EPOCHS,
        "trials": 9,
        "sampler": "random",
        "scheduler": {"name": "asha", "audit": 0},
    }
    return Sweep(**(values | changes))


def falling(config: Config) -> Curve:
    """Towards x, one second an epoch."""
    return Curve(metrics=[{"loss": config["x"] + 1 / epoch} for epoch in range(1, EPOCHS + 1)])


def lasting(seconds: float, epochs: int = EPOCHS, fails: str = "") -> Train:
    """Every curve is flat, takes so long an epoch and has so many."""
    curve = Curve(metrics=[{"loss": 0.5}] * epochs, seconds=seconds, fails=fails)
    return lambda config: curve


def moments(study: Study, train: Train, workers: list[Worker], **options: Any) -> list[Moment]:
    return list(simulate(study, train, workers, **options))


def when(found: list[Moment]) -> list[tuple[float, int, int, int]]:
    """Time, worker, trial and epoch of each."""
    return [(moment.time, moment.worker, moment.trial, moment.epoch) for moment in found]


def test_one_worker_trains_one_epoch_after_the_other() -> None:
    study = Study(sweep(trials=2, scheduler="none", max_epochs=3))
    assert when(moments(study, lasting(2.0), [Worker()])) == [
        (2.0, 0, 1, 1), (4.0, 0, 1, 2), (6.0, 0, 1, 3),
        (8.0, 0, 2, 1), (10.0, 0, 2, 2), (12.0, 0, 2, 3),
    ]  # fmt: skip


def test_a_moment_tells_what_the_study_was_told_and_what_it_decided() -> None:
    study = Study(sweep(trials=1, max_epochs=2, scheduler="none"))
    first, second = moments(study, falling, [Worker()])
    x = study.trials[1].config["x"]
    assert (first.metrics, first.decision) == ({"loss": x + 1}, CONTINUE)
    assert (second.metrics, second.decision) == ({"loss": x + 0.5}, STOP)


def test_moments_come_in_order_of_time_and_of_planning_where_times_are_equal() -> None:
    study = Study(sweep(trials=3, max_epochs=2, scheduler="none"))
    assert when(moments(study, lasting(1.0), [Worker()] * 3)) == [
        (1.0, 0, 1, 1), (1.0, 1, 2, 1), (1.0, 2, 3, 1),
        (2.0, 0, 1, 2), (2.0, 1, 2, 2), (2.0, 2, 3, 2),
    ]  # fmt: skip
    slow = {1: 3.0, 2: 1.0, 3: 2.0}
    turns = itertools.count(1)
    study = Study(sweep(trials=3, max_epochs=2, scheduler="none"))
    found = moments(study, lambda config: lasting(slow[next(turns)])(config), [Worker()] * 3)
    assert [m.time for m in found] == sorted(m.time for m in found) == [1, 2, 2, 3, 4, 6]


def test_a_worker_twice_as_fast_trains_twice_as_much() -> None:
    study = Study(sweep(trials=60, scheduler="none"))
    found = moments(study, lasting(1.0), [Worker(), Worker(speed=2.0)], until=90.0)
    assert Counter(moment.worker for moment in found) == {0: 90, 1: 180}


def test_the_study_is_told_how_long_an_epoch_took_on_its_worker() -> None:
    events: list[Event] = []
    study = Study(sweep(trials=1, max_epochs=1), events.append)
    moments(study, lasting(3.0), [Worker(speed=2.0)])
    assert [getattr(event, "seconds", None) for event in events] == [None, 1.5]


def test_a_worker_that_arrives_later_starts_then() -> None:
    study = Study(sweep(trials=2, max_epochs=2, scheduler="none"))
    assert when(moments(study, lasting(1.0), [Worker(arrives=5.5), Worker()])) == [
        (1.0, 1, 1, 1), (2.0, 1, 1, 2), (3.0, 1, 2, 1), (4.0, 1, 2, 2),
    ]  # fmt: skip
    study = Study(sweep(trials=2, max_epochs=2, scheduler="none"))
    late = moments(study, lasting(1.0), [Worker(), Worker(arrives=1.5)])
    assert when(late) == [(1.0, 0, 1, 1), (2.0, 0, 1, 2), (2.5, 1, 2, 1), (3.5, 1, 2, 2)]


def test_an_idle_worker_starts_as_soon_as_there_is_something() -> None:
    """Two of three trials pause at once; the third is slow, and makes one of them go on."""
    seconds = iter([1.0, 1.0, 5.0])
    curves = {n: Curve(metrics=[{"loss": n}] * 9, seconds=next(seconds)) for n in (1, 2, 3)}
    study = Study(sweep(trials=3))
    found = moments(study, lambda config: curves[len(study.trials)], [Worker()] * 3)
    assert when(found)[:3] == [(1.0, 0, 1, 1), (1.0, 1, 2, 1), (5.0, 2, 3, 1)]
    assert (found[3].trial, found[3].epoch) == (1, 2)


def test_a_worker_that_leaves_takes_its_epoch_with_it() -> None:
    study = Study(sweep(trials=1, scheduler="none"))
    found = moments(study, lasting(2.0), [Worker(leaves=5.0)])
    assert when(found) == [(2.0, 0, 1, 1), (4.0, 0, 1, 2), (5.0, 0, 1, 3)]
    assert [moment.decision for moment in found] == [CONTINUE, CONTINUE, None]
    assert found[-1].metrics == {}
    assert study.trials[1].status is Status.WAITING
    assert study.trials[1].troubles == {Cause.LOST: 1}


def test_a_worker_that_has_left_starts_nothing_more() -> None:
    study = Study(sweep(scheduler="none"))
    workers = [Worker(leaves=12.5), Worker(leaves=0.5), Worker(arrives=3.0, leaves=2.0)]
    found = moments(study, lasting(1.0), workers)
    assert {moment.worker for moment in found if moment.decision} == {0}
    assert max(moment.time for moment in found) == 12.5
    assert study.counts == {Status.COMPLETED: 1, Status.WAITING: 1}


def test_a_trial_that_lost_its_worker_goes_on_elsewhere_from_its_rung() -> None:
    study = Study(sweep(trials=1))  # alone, so that it goes on at each rung
    found = moments(study, lasting(1.0), [Worker(leaves=7.5), Worker(arrives=20.0)])
    assert when(found)[6:] == [
        (7.0, 0, 1, 7), (7.5, 0, 1, 8), *((20.0 + n, 1, 1, 3 + n) for n in range(1, 7)),
    ]  # fmt: skip
    assert study.counts == {Status.COMPLETED: 1}
    assert study.trained == EPOCHS


def test_between_distant_rungs_trials_are_saved_as_often_as_in_a_real_run() -> None:
    assert SAVE_EVERY == trial.SAVE_EVERY
    study = Study(sweep(trials=1, scheduler="none"))
    found = moments(study, lasting(100.0), [Worker(leaves=750.0), Worker(arrives=1000.0)])
    assert when(found)[7:9] == [(750.0, 0, 1, 8), (1100.0, 1, 1, 7)]


def test_a_trial_whose_scheduler_never_pauses_is_not_saved_for_its_decisions() -> None:
    study = Study(sweep(trials=1, scheduler="median"))
    found = moments(study, lasting(1.0), [Worker(leaves=7.5), Worker(arrives=20.0)])
    assert when(found)[7:9] == [(7.5, 0, 1, 8), (21.0, 1, 1, 1)]


def test_workers_that_die_now_and_then_cost_epochs_and_no_trial() -> None:
    events: list[Event] = []
    study = Study(sweep(trials=30), events.append)
    found = moments(study, falling, [Worker(loss=0.2)] * 4)
    lost = sum(moment.decision is None for moment in found)
    assert lost == sum(
        isinstance(event, Interrupted) and event.cause == Cause.LOST for event in events
    )
    assert 0.1 < lost / len(found) < 0.3
    assert set(study.counts) == {Status.COMPLETED, Status.PAUSED}


def test_a_trial_that_fails_is_lost_in_the_epoch_after_its_last() -> None:
    study = Study(sweep(trials=1, scheduler="none"))
    found = moments(study, lasting(1.0, epochs=2, fails="out of memory"), [Worker()])
    assert when(found) == [(1.0, 0, 1, 1), (2.0, 0, 1, 2), (3.0, 0, 1, 3)]
    assert (found[-1].decision, found[-1].metrics) == (None, {})
    assert study.trials[1].status is Status.FAILED
    assert study.trials[1].reason == "out of memory"


def test_a_trial_may_fail_before_its_first_report() -> None:
    study = Study(sweep(trials=2))
    found = moments(study, lasting(1.0, epochs=0, fails="no data"), [Worker()])
    assert when(found) == [(1.0, 0, 1, 1), (2.0, 0, 2, 1)]
    assert study.counts == {Status.FAILED: 2}


def test_a_curve_that_ends_early_returns_of_its_own_accord() -> None:
    study = Study(sweep(trials=2, scheduler="none"))
    found = moments(study, lasting(1.0, epochs=4), [Worker()])
    assert when(found)[3:5] == [(4.0, 0, 1, 4), (5.0, 0, 2, 1)]
    assert study.counts == {Status.COMPLETED: 2}
    assert study.trials[1].reason == "returned after 4 of 9 epochs"


def test_a_curve_that_ends_at_a_rung_returns_when_its_trial_goes_on() -> None:
    study = Study(sweep(trials=3))
    found = moments(study, lasting(1.0, epochs=1), [Worker()])
    assert when(found) == [(1.0, 0, 1, 1), (2.0, 0, 2, 1), (3.0, 0, 3, 1)]
    assert study.counts == {Status.COMPLETED: 1, Status.PAUSED: 2}


def test_a_diverged_trial_stops_at_once() -> None:
    curve = Curve(metrics=[{"loss": 1.0}, {"loss": math.nan}, {"loss": 1.0}])
    study = Study(sweep(trials=1))
    assert [moment.decision for moment in moments(study, lambda c: curve, [Worker()])] == [
        PAUSE, STOP,
    ]  # fmt: skip
    assert study.counts == {Status.DIVERGED: 1}


def test_a_curve_says_something() -> None:
    with pytest.raises(ValueError, match="the metrics of an epoch at least, or says why it fails"):
        Curve(metrics=[])


@pytest.mark.parametrize("loss", [-0.1, 1.0, 2.0])
def test_a_worker_that_always_dies_is_refused(loss: float) -> None:
    with pytest.raises(ValueError, match="must be at least 0 and below 1"):
        Worker(loss=loss)


def test_it_ends_when_the_study_has_nothing_left() -> None:
    study = Study(sweep())
    found = moments(study, falling, [Worker()] * 20)
    assert study.ask() is None
    assert set(study.counts) == {Status.COMPLETED, Status.PAUSED}
    assert len(study.trials) == 9
    assert len(found) == study.trained == sum(known.epoch for known in study.trials.values())


def test_it_ends_at_the_time_given_with_trials_still_running() -> None:
    study = Study(sweep(trials=None, time="1h", scheduler="none"))
    found = moments(study, lasting(1.0), [Worker()] * 4, until=20.0)
    assert [moment.time for moment in found[-4:]] == [20.0] * 4
    assert study.counts == {Status.COMPLETED: 8, Status.RUNNING: 4}


def test_nothing_is_trained_that_is_not_looked_at() -> None:
    study = Study(sweep())
    next(simulate(study, falling, [Worker()]))
    assert study.trained == 1


def test_the_same_seed_gives_the_same_moments() -> None:
    def once(seed: int) -> list[Moment]:
        workers = [Worker(loss=0.2), Worker(speed=1.7, loss=0.1), Worker(arrives=3.0, leaves=9.0)]
        return moments(Study(sweep(trials=30)), falling, workers, seed=seed)

    assert once(1) == once(1)
    assert once(1) != once(2)


def test_a_thousand_workers_are_kept_busy() -> None:
    study = Study(sweep(trials=2000))
    found = moments(study, falling, [Worker()] * 1000)
    assert len(study.trials) == 2000
    assert [moment.time for moment in found[:2000]] == [1.0] * 1000 + [2.0] * 1000
    assert Counter(moment.worker for moment in found[:2000]) == dict.fromkeys(range(1000), 2)


@dataclass
class Fixed:
    """A peer: two trials that are always wanted, for three epochs each."""

    told: list[tuple[Any, ...]] = field(default_factory=list)
    left: list[int] = field(default_factory=lambda: [1, 2])

    @dataclass(frozen=True)
    class Start:
        id: int
        config: Config
        epoch: int = 0

    def ask(self) -> Fixed.Start | None:
        return self.Start(self.left.pop(0), {"x": 0.5}) if self.left else None

    def report(
        self, trial: int, epoch: int, metrics: Metrics, *, seconds: float | None = None
    ) -> Decision:
        self.told.append((trial, epoch, metrics["loss"], seconds))
        return CONTINUE if epoch < 3 else STOP

    def finish(self, trial: int) -> None:
        self.told.append((trial, "finished"))

    def fail(self, trial: int, reason: str) -> None:
        self.told.append((trial, reason))

    def interrupt(self, trial: int, reason: str, *, cause: Cause = Cause.NONE) -> None:
        self.told.append((trial, reason, cause))


def test_whoever_answers_the_calls_of_a_study_can_be_simulated() -> None:
    peer = Fixed()
    list(simulate(peer, lasting(1.0), [Worker(), Worker(leaves=1.5)]))
    assert peer.told == [
        (1, 1, 0.5, 1.0), (2, 1, 0.5, 1.0), (2, "its worker was lost", Cause.LOST),
        (1, 2, 0.5, 1.0), (1, 3, 0.5, 1.0),
    ]  # fmt: skip
