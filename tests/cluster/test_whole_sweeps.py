"""Whole sweeps through the Foreman, on slots that only pretend to train."""

import random
from pathlib import Path

import pytest

from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.seating import Place
from nightsweep.cluster.work import Order
from nightsweep.search.events import Event, Opened, Started
from nightsweep.search.record import Status
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Study
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.job import Answer, End, Ended, Job, Message, Step

HERE = Place(host="here", pid=1, device="cpu")
SWEEP = Sweep(
    metric="loss",
    parameters={"x": {"min": 0.0, "max": 1.0}, "kind": {"values": ["a", "b"]}},
    max_epochs=9,
    trials=30,
    sampler={"name": "tpe", "startup": 5},
    seed=3,
)


class Slot:
    """Trains by formula; each look at it takes one epoch."""

    def __init__(self) -> None:
        self.job: Job | None = None
        self.halted: int | None = None
        self.epoch = self.until = 0

    def take(self, orders: list[Order]) -> None:
        for order in orders:
            if isinstance(order, Job):
                self.job, self.epoch, self.until = order, order.epoch, order.until
            elif isinstance(order, Answer) and order.until is not None:
                self.until = order.until
            elif isinstance(order, Answer):
                self.job, self.halted = None, order.trial

    def look(self) -> list[Message]:
        if self.halted is not None:
            ended, self.halted = Ended(trial=self.halted, end=End.HALTED), None
            return [ended]
        assert self.job is not None
        if self.epoch == self.job.max_epochs:
            return [Ended(trial=self.job.trial, end=End.RETURNED)]
        self.epoch += 1
        waits = self.epoch >= self.until and self.epoch < self.job.max_epochs
        loss = (self.job.config["x"] - 0.3) ** 2 + 1 / self.epoch
        return [
            Step(
                trial=self.job.trial,
                epoch=self.epoch,
                metrics={"loss": loss},
                seconds=0.1,
                checkpoint=waits,
                waits=waits,
            )
        ]


def search(slots: int, *, chance: int = 0, loss: float = 0.0) -> tuple[Study, list[Event]]:
    """Run a sweep on so many slots, which speak in random order and get lost now and then."""
    dice = random.Random(chance)
    events: list[Event] = []
    study = Study(SWEEP, events.append)
    foreman = Foreman(study, RunFolder(Path("/run")), events.append)
    floor: dict[str, Slot] = {}
    opened = 0
    while not foreman.finished:
        if len(floor) < slots and foreman.short_of_slots:
            opened += 1
            floor[f"slot {opened}"] = slot = Slot()
            slot.take(foreman.opened(f"slot {opened}"))
        for name, orders in foreman.wake(foreman.idle).items():
            floor[name].take(orders)
        talking = sorted({*foreman.busy, *foreman.leaving})
        if not talking:
            continue
        name = dice.choice(talking)
        if dice.random() < loss:
            del floor[name]
            foreman.lost(name, "its worker died")
        else:
            floor[name].take(foreman.heard(name, HERE, floor[name].look()))
    return study, events


def test_a_sweep_on_one_slot_comes_out_the_same_every_time() -> None:
    assert search(1)[1] == search(1)[1]


@pytest.mark.parametrize("slots", [1, 4, 50])
def test_every_trial_is_tried_and_none_is_left_running(slots: int) -> None:
    study, _ = search(slots)
    assert len(study.trials) == 30
    assert study.counts[Status.COMPLETED] >= 1
    assert set(study.counts) == {Status.COMPLETED, Status.PAUSED}


def test_early_stopping_saves_most_of_the_work() -> None:
    study, _ = search(4)
    assert study.trained < 0.5 * 30 * 9


def test_each_epoch_of_a_trial_is_trained_once() -> None:
    study, events = search(4)
    reports = [event for event in events if hasattr(event, "metrics")]
    assert len(reports) == study.trained == sum(known.epoch for known in study.trials.values())


@pytest.mark.parametrize("chance", range(5))
def test_lost_slots_leave_no_trial_behind(chance: int) -> None:
    study, _ = search(4, chance=chance, loss=0.1)
    assert len(study.trials) == 30
    assert set(study.counts) <= {Status.COMPLETED, Status.PAUSED, Status.FAILED}
    assert all(
        known.reason.startswith("its worker died; tried")
        for known in study.trials.values()
        if known.status is Status.FAILED
    )


@pytest.mark.parametrize("chance", range(5))
def test_what_was_recorded_gives_the_same_study_again(chance: int) -> None:
    study, events = search(4, chance=chance, loss=0.1)
    told = [event for event in events if not isinstance(event, Started | Opened)]
    assert Study.replay(SWEEP, told).trials == study.trials
