"""How a night ends by its budgets, on clocks that go as fast as is wished: no Ray, no waiting."""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import TYPE_CHECKING, Any, cast

import pytest

from nightsweep.cluster.display import Silent
from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.keeper import Keeper
from nightsweep.cluster.loop import Loop, all_done
from nightsweep.cluster.seating import Place
from nightsweep.cluster.stopping import StopRequest
from nightsweep.search.deadline import Deadline
from nightsweep.search.events import Due
from nightsweep.search.ledger import Ledger
from nightsweep.search.meter import Meter
from nightsweep.search.record import Status
from nightsweep.trainables.job import Answer, End, Ended, Job, Message, Step

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening

    from nightsweep.cluster.engine import Engine

ENDLESS: dict[str, Any] = {
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
    "sampler": "random",
    "trials": None,
    "max_epochs": 9,
}
HERE = Place(host="node-1", pid=41, device="cuda:0")
TONIGHT = 1_700_000_000.0


class Bench:
    """An engine whose slots train an epoch of their trial a step, `EPOCH` seconds each."""

    EPOCH = 10.0

    def __init__(self, evening: Evening, slots: int = 2) -> None:
        self.study, self.slots, self.ready, self.late = evening.study, slots, slots, ""
        self.foreman = Foreman(evening.study, evening.folder, evening.record)
        self.now = 0.0  # of a clock that goes evenly
        self.jump = 0.0  # by which the one on the wall is put forward
        self.at: dict[str, tuple[Job, int]] = {}  # the trial in a slot, and its epochs

    def wall(self) -> float:
        return TONIGHT + self.now + self.jump

    def step(self) -> None:
        """What happens in the time of an epoch."""
        if not self.at:
            for slot in "abcdefgh"[: self.slots]:
                self.obey(slot, self.foreman.opened(slot))
        self.now += self.EPOCH
        for slot, (job, epoch) in list(self.at.items()):
            due = epoch + 1 >= self.study.until(job.trial) or bool(self.foreman.stopping)
            waits = due and epoch + 1 < job.max_epochs
            step = Step(
                trial=job.trial,
                epoch=epoch + 1,
                metrics={"loss": 1.0 / (epoch + job.trial)},
                seconds=self.EPOCH,
                checkpoint=waits,
                waits=waits,
            )
            self.at[slot] = (job, epoch + 1)
            messages: list[Message] = [step]
            if epoch + 1 == job.max_epochs:
                messages.append(Ended(trial=job.trial, end=End.RETURNED))
            self.obey(slot, self.foreman.heard(slot, HERE, messages))

    def obey(self, slot: str, orders: list[Any]) -> None:
        if slot not in self.foreman.busy:
            self.at.pop(slot, None)
        for order in orders:
            if isinstance(order, Job):
                self.at[slot] = (order, order.epoch)
            elif isinstance(order, Answer) and order.until is None:
                ended = Ended(trial=order.trial, end=End.HALTED)
                self.obey(slot, self.foreman.heard(slot, HERE, [ended]))


class Told(Silent):
    """Keeps what the display is told of the time left."""

    def __init__(self) -> None:
        self.ends: list[float] = []

    def update(self, busy: int, notice: str, searched: float, ends: float = math.inf) -> None:
        self.ends.append(ends)


def loop(evening: Evening, bench: Bench, before: float = 0.0, display: Told | None = None) -> Loop:
    made = Loop(
        evening.study,
        evening.keeper,
        display or Told(),
        StopRequest(),
        before=before,
        clock=lambda: bench.now,
        wall=bench.wall,
    )
    made._began = bench.now
    return made


def end(evening: Evening, bench: Bench, before: float = 0.0) -> str:
    """Search to the end; its reason."""
    made = loop(evening, bench, before)
    made.search(cast("Engine", bench))
    assert made.done
    return made.reason


def test_time_is_over_when_it_is(begin: Callable[..., Evening]) -> None:
    evening = begin(**ENDLESS | {"max_epochs": 1000}, scheduler="none", time="10m")
    bench = Bench(evening)
    assert end(evening, bench) == "its time of 10 min is over"
    assert bench.now == 610.0  # the epoch in which it was over is trained to its end, and saved
    assert evening.study.counts == {Status.WAITING: 2}


def test_what_earlier_drivers_have_searched_counts(begin: Callable[..., Evening]) -> None:
    evening = begin(**ENDLESS | {"max_epochs": 1000}, scheduler="none", time="10m")
    bench = Bench(evening)
    end(evening, bench, before=400.0)
    assert bench.now == 210.0


def test_a_clock_that_is_put_forward_takes_no_time_away(begin: Callable[..., Evening]) -> None:
    evening = begin(**ENDLESS | {"max_epochs": 1000}, scheduler="none", time="10m")
    bench = Bench(evening)
    bench.jump = 3600.0
    end(evening, bench)
    assert bench.now == 610.0


def test_a_deadline_goes_by_the_clock_on_the_wall(begin: Callable[..., Evening]) -> None:
    evening = begin(**ENDLESS | {"max_epochs": 1000}, scheduler="none", deadline="07:00 UTC")
    bench = Bench(evening)
    due = Deadline.parse("07:00 UTC").after(TONIGHT)
    evening.record(Due(at=due))
    bench.jump = due - TONIGHT - 300.0
    assert end(evening, bench) == "its time until 07:00 UTC is over"
    assert bench.now == 310.0


def test_gpu_hours_are_those_of_the_slots_that_train(begin: Callable[..., Evening]) -> None:
    evening = begin(
        **ENDLESS | {"max_epochs": 1000}, scheduler="none", gpu_hours=1, resources={"gpus": 2}
    )
    bench = Bench(evening)
    meter = Meter(gpus=2.0)
    evening.keeper = Keeper(evening.folder, Ledger(meter=meter), lambda: TONIGHT + bench.now)
    evening.study.record_to(evening.record)
    assert end(evening, bench) == "its 1 GPU-hour is used up"
    assert bench.now == pytest.approx(3600 / 4, abs=20)


def test_at_last_nothing_is_begun_that_could_not_be_compared(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(**ENDLESS | {"max_epochs": 90}, scheduler="none", time="20m")
    bench = Bench(evening)
    assert end(evening, bench) == (
        "its time of 20 min is nearly over: nothing that could be compared would be finished"
    )
    assert bench.now == 900.0  # two whole trials, and no time for another
    assert evening.study.counts == {Status.COMPLETED: 2}


def test_a_sweep_that_has_tried_all_in_time_says_so(begin: Callable[..., Evening]) -> None:
    evening = begin(time="9h")
    assert end(evening, Bench(evening)) == "all 6 trials are decided"


def test_a_target_ends_the_search_at_once(begin: Callable[..., Evening]) -> None:
    evening = begin(**ENDLESS | {"time": "9h"}, target=0.125)
    bench = Bench(evening)
    reason = end(evening, bench)
    assert reason.startswith("its target of 0.125 is reached: loss 0.125 of trial ")
    assert evening.study.ask() is None


def test_patience_ends_it_when_what_was_begun_is_finished(begin: Callable[..., Evening]) -> None:
    evening = begin(
        **ENDLESS | {"max_epochs": 1}, patience=3, metric={"name": "loss", "goal": "maximize"}
    )
    assert end(evening, Bench(evening, slots=1)) == (
        "3 trials in a row have been no better than trial 1"
    )
    assert len(evening.study.trials) == 4


def test_the_display_is_told_when_the_search_ends_at_the_latest(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(**ENDLESS | {"max_epochs": 1000}, scheduler="none", time="10m")
    bench, display = Bench(evening), Told()
    loop(evening, bench, display=display).search(cast("Engine", bench))
    assert display.ends[:3] == [590.0, 580.0, 570.0]


def test_the_reason_for_an_end_before_any_trial_was_begun(evening: Evening) -> None:
    assert all_done(evening.study) == "all 0 trials are decided"
