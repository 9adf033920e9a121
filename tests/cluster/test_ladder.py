"""What a trial that runs out of memory goes through, as the foreman leads it; no process runs."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.seating import Place
from nightsweep.cluster.work import Order
from nightsweep.search.events import Cause, Event, Failed, Interrupted
from nightsweep.search.record import Status
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Study
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.job import Answer, Divides, End, Ended, Job, Message, Step

SHORT = "ran out of memory, asking for 2 GB"


class Floor:
    """A foreman whose slots are on the devices that their names say: `a0` and `b0` on cuda:0."""

    def __init__(self, trials: int = 9, study: Study | None = None, **changes: Any) -> None:
        values: dict[str, Any] = {
            "metric": "loss",
            "parameters": {"x": {"values": list(range(1, trials + 1))}},
            "sampler": "grid",
            "scheduler": {"name": "asha", "audit": 0},
            "trials": trials,
            "max_epochs": 9,
        }
        self.events: list[Event] = []
        self.study = study or Study(Sweep(**values | changes), self.events.append)
        self.foreman = Foreman(self.study, RunFolder(Path("/run")), self.events.append)

    def open(self, *slots: str) -> list[int]:
        """Open slots and hear of each; the trials that they get."""
        for slot in slots:
            self.foreman.opened(slot)
        for slot in slots:
            self.hear(slot)
        return [self.foreman.busy[slot].trial for slot in slots]

    def hear(self, slot: str, *messages: Message) -> Sequence[Order]:
        place = Place(host="node-1", pid=ord(slot[0]), device=f"cuda:{slot[1]}")
        return self.foreman.heard(slot, place, messages)

    def short(self, slot: str) -> Sequence[Order]:
        """The trial in this slot runs out of memory."""
        return self.hear(slot, Ended(trial=self.trial(slot), end=End.MEMORY, reason=SHORT))

    def pause(self, slot: str, epoch: int = 1, loss: float = 0.5) -> Sequence[Order]:
        """The trial in this slot is paused at a rung, and leaves."""
        trial = self.trial(slot)
        metrics = {"loss": loss}
        step = Step(
            trial=trial, epoch=epoch, metrics=metrics, seconds=1.0, checkpoint=True, waits=True
        )
        assert self.hear(slot, step) == [Answer(trial=trial, until=None)]
        return self.hear(slot, Ended(trial=trial, end=End.HALTED))

    def trial(self, slot: str) -> int:
        return self.foreman.busy[slot].trial

    def woken(self) -> dict[str, Job]:
        """The slots that get work now, and what."""
        woken = self.foreman.wake(self.foreman.idle)
        return {slot: job for slot, (job,) in woken.items() if isinstance(job, Job)}

    def recorded(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def work(orders: Sequence[Order]) -> Job:
    (job,) = orders
    assert isinstance(job, Job)
    return job


def test_it_is_tried_alone_once_its_neighbours_have_paused() -> None:
    floor = Floor()
    assert floor.open("a0", "b0", "c0") == [1, 2, 3]
    assert floor.short("a0") == []
    assert floor.recorded(Interrupted) == [
        Interrupted(trial=1, epoch=0, reason=SHORT, cause=Cause.MEMORY, alone=True)
    ]
    assert floor.woken() == {}
    assert floor.pause("b0") == []
    assert floor.woken() == {}
    assert floor.pause("c0") == []
    woken = floor.woken()
    assert list(woken) == ["a0"]
    assert (woken["a0"].trial, woken["a0"].attempt, woken["a0"].split) == (1, 2, 1)


def test_its_device_is_its_own_until_it_pauses() -> None:
    floor = Floor()
    floor.open("a0", "b0")
    floor.short("a0")
    floor.pause("b0")
    assert list(floor.woken()) == ["a0"]
    assert floor.woken() == {}
    assert floor.hear("b0") == []
    assert work(floor.pause("a0")).trial == 3
    assert [job.trial for job in floor.woken().values()] == [4]


def test_a_new_slot_beside_it_gets_no_work_either() -> None:
    floor = Floor()
    floor.open("a0", "b0")
    floor.short("a0")
    floor.pause("b0")
    assert floor.woken()["a0"].trial == 1
    assert floor.foreman.opened("new0") == []
    assert floor.hear("c0") == []


def test_others_on_other_devices_go_on_meanwhile() -> None:
    floor = Floor()
    floor.open("a0", "b0", "c1", "d1")
    floor.short("a0")
    assert work(floor.pause("c1", loss=0.6)).trial == 5
    floor.pause("b0", loss=0.7)
    assert floor.woken()["a0"].trial == 1
    assert work(floor.pause("c1", loss=0.8)).trial == 3  # it is promoted


def test_where_another_device_is_free_it_goes_there_at_once() -> None:
    floor = Floor(trials=2)
    floor.open("a0", "b0")
    floor.foreman.opened("c1")
    floor.hear("c1")
    assert floor.short("a0") == []
    woken = floor.woken()
    assert (list(woken), woken["c1"].trial) == (["c1"], 1)
    assert not floor.foreman._seating.kept_from("b0")


def test_it_stays_alone_when_it_is_promoted() -> None:
    floor = Floor(trials=1)
    floor.open("a0")
    floor.foreman.opened("b0")
    floor.hear("b0")
    assert work(floor.short("a0")).trial == 1
    promoted = work(floor.pause("a0", loss=0.1))
    assert (promoted.trial, promoted.epoch) == (1, 1)
    assert floor.foreman.busy["a0"].alone


def test_alone_and_in_parts_it_goes_on_after_a_new_driver_has_read_the_journal() -> None:
    floor = Floor(trials=2)
    floor.open("a0", "b0")
    floor.short("a0")
    floor.pause("b0")
    floor.woken()
    floor.hear("a0", Divides(trial=1))
    floor.short("a0")
    again = Floor(study=Study.replay(floor.study.sweep, floor.events))
    again.study.interrupt(1, "its driver died")
    job = work(again.foreman.opened("x0"))
    assert (job.trial, job.split, job.attempt) == (1, 2, 4)
    assert again.foreman.opened("y0") == []


def test_its_batches_are_halved_up_to_sixteen_parts_then_it_does_not_fit() -> None:
    floor = Floor(trials=1)
    floor.open("a0")
    splits = []
    job = work(again_divided(floor))
    while True:
        splits.append(job.split)
        orders = again_divided(floor)
        if not orders:
            break
        job = work(orders)
    assert splits == [2, 4, 8, 16]
    assert floor.recorded(Failed) == [
        Failed(
            trial=1,
            reason=f"does not fit: {SHORT}, even with each batch in 16 parts",
            cause=Cause.MEMORY,
        )
    ]
    assert floor.foreman.finished


def again_divided(floor: Floor) -> Sequence[Order]:
    """It takes its batches in parts, and runs out of memory all the same."""
    floor.hear("a0", Divides(trial=1))
    return floor.short("a0")


def test_whether_batches_are_divided_is_asked_anew_each_time() -> None:
    """One that runs out of memory before its first batch gains nothing by smaller ones."""
    floor = Floor(trials=1)
    floor.open("a0")
    assert work(again_divided(floor)).split == 2
    floor.short("a0")
    assert floor.study.trials[1].status is Status.FAILED


def test_the_search_learns_it_even_before_any_epoch() -> None:
    floor = Floor(trials=2, parameters={"x": {"min": 0.0, "max": 1.0}}, sampler="random")
    floor.open("a0")
    floor.short("a0")
    seen = floor.study.state.contest.observations.history().observations
    assert [(known.trial, known.diverged) for known in seen if known.trial == 1] == [(1, True)]
    floor.hear("a0", Ended(trial=2, end=End.FAILED, reason="raised NameError"))
    seen = floor.study.state.contest.observations.history().observations
    assert [known.trial for known in seen if known.diverged] == [1]


def test_a_slot_is_not_kept_for_a_trial_that_was_stopped_by_hand() -> None:
    floor = Floor()
    floor.open("a0", "b0")
    floor.short("a0")
    assert floor.woken() == {}
    floor.foreman.cut(1, "stopped by hand")
    assert floor.woken()["a0"].trial == 3
    assert work(floor.pause("b0")).trial == 4


def test_several_that_ray_ends_at_once_are_tried_alone_one_after_the_other() -> None:
    floor = Floor(trials=2)
    floor.open("a0", "b0")
    for slot in ("b0", "a0"):
        floor.foreman.lost(slot, "ended by Ray's memory monitor", Cause.MEMORY)
    assert [event.alone for event in floor.events if isinstance(event, Interrupted)] == [True] * 2
    assert work(floor.foreman.opened("c0")).trial == 1
    assert floor.foreman.opened("d0") == []
    assert [job.trial for job in (work(floor.pause("c0")),)] == [2]


def test_one_that_another_s_memory_costs_its_worker_is_not_blamed_at_once() -> None:
    """Two GPUs of one host: the trial on the other one fills the host's memory."""
    floor = Floor(trials=1)
    for attempt, slot in enumerate(("a0", "b0", "c0"), start=1):
        assert work(floor.foreman.opened(slot)).attempt == attempt
        floor.foreman.lost(slot, "ended by Ray's memory monitor", Cause.MEMORY)
    assert floor.study.trials[1].status is Status.FAILED
    assert floor.study.trials[1].reason == (
        "does not fit: ended by Ray's memory monitor, even alone on its device"
    )


def test_one_that_had_ended_alone_goes_on_alone_when_there_are_more_epochs() -> None:
    """Were it not waited for, the sweep would end without it."""
    floor = Floor(trials=2, max_epochs=2, scheduler="none")
    floor.open("a0", "b0")
    floor.study.interrupt(1, SHORT, cause=Cause.MEMORY, alone=True)
    floor.study.ask()
    for trial in (1, 2):
        floor.study.report(trial, 2, {"loss": 0.5})
    floor.study.change(max_epochs=4)
    floor = Floor(study=floor.study)
    floor.foreman.opened("a0")
    floor.hear("a0")
    assert floor.trial("a0") == 1
    assert floor.foreman.opened("b0") == []
    assert not floor.foreman.finished


def test_one_that_was_held_to_its_share_of_a_gpu_is_tried_with_all_of_it() -> None:
    """Nobody was beside it yet."""
    floor = Floor()
    floor.foreman.opened("a0")
    share = Place(host="node-1", pid=1, device="cuda:0", gpus=0.5)
    floor.foreman.heard("a0", share, [])
    orders = floor.foreman.heard("a0", share, [Ended(trial=1, end=End.MEMORY, reason=SHORT)])
    job = work(orders)
    assert (job.trial, job.alone) == (1, True)
