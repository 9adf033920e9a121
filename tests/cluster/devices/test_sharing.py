"""Simulated GPUs on which trials share: what they take, and what sharing does to their speed."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field

import pytest

from nightsweep.cluster.devices.device import Device
from nightsweep.cluster.devices.sampler import Usage
from nightsweep.cluster.devices.sharing import MOST, Sharing
from nightsweep.cluster.seating import Place
from nightsweep.cluster.work import Work
from nightsweep.search.events import Shared
from nightsweep.search.resources import part
from nightsweep.trainables.job import End, Ended, Message, Step

GB = 10**9
BEAT = 1.0  # seconds


def gpu(number: int = 0, memory: int = 80 * GB) -> Device:
    return Device(index=number, uuid=f"GPU-{number}", name="Imagined", memory=memory)


@dataclass(kw_only=True)
class Profile:
    """A trial: bytes, the part of a device's time that it needs alone, seconds of its epochs.

    `crowd`: how many times as long each takes for every other beside it, on top of what they
    share out: caches, the bus, one CPU for all.
    """

    memory: int = 5 * GB
    need: float = 0.35
    epoch: float = 5.0
    crowd: float = 1.0
    start: float = 0.0  # what the first epoch of a process takes besides

    def slower(self, beside: int) -> float:
        """How many times as long an epoch takes among so many."""
        return float(max(1.0, beside * self.need) * self.crowd ** (beside - 1))


@dataclass(kw_only=True)
class Room:
    """GPUs with as many trials on each as is decided, beat by beat; trials are 10 epochs long."""

    sharing: Sharing = field(default_factory=Sharing)
    trial: Callable[[int], Profile] = lambda number: Profile()
    devices: int = 2
    noise: float = 0.0
    told: list[Shared] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.chance = random.Random(0)
        self.opened = self.trials = 0
        self.on: dict[str, Device] = {}
        self.busy: dict[str, Work] = {}
        self.left: dict[str, float] = {}
        self.started: dict[str, float] = {}  # slots, with the seconds since they are there
        self.open(self.sharing.each)

    def open(self, each: int) -> None:
        """Slots of that size in the places of those that there are, whose trials go on."""
        going_on = [(self.busy[slot], self.left[slot]) for slot in self.busy]
        for slot in self.busy:
            self.sharing.forget(slot)
        self.on, self.busy, self.left = {}, {}, {}
        for device in map(gpu, range(self.devices)):
            for _ in range(each):
                self.opened += 1
                slot = f"slot {self.opened}"
                self.on[slot] = device
                if going_on:
                    self.busy[slot], self.left[slot] = going_on.pop(0)
                else:
                    self.begin(slot)

    def begin(self, slot: str) -> None:
        self.trials += 1
        self.busy[slot] = Work(self.trials)
        self.left[slot] = 10.0

    def run(self, seconds: float) -> list[Shared]:
        """All that is decided meanwhile."""
        for _ in range(int(seconds / BEAT)):
            for slot in list(self.on):
                self.beat(slot)
            if change := self.sharing.next():
                self.told.append(change)
                self.open(change.each)
        return self.told

    def beat(self, slot: str) -> None:
        each, number = self.sharing.each, self.busy[slot].trial
        profile = self.trial(number)
        before = self.left[slot]
        self.started[slot] = self.started.get(slot, 0.0) + BEAT
        if self.started[slot] > profile.start:
            self.left[slot] -= BEAT / (profile.epoch * profile.slower(each))
        messages: list[Message] = []
        if profile.memory > 80 * GB * part(each):
            messages.append(Ended(trial=number, end=End.MEMORY))
        elif int(before) != int(self.left[slot]):
            seconds = profile.epoch * profile.slower(each)
            if self.started[slot] <= profile.start + BEAT:
                seconds += profile.start
            messages.append(Step(trial=number, epoch=1, metrics={}, seconds=seconds))
        busy = profile.need * each * (1 + self.chance.uniform(-self.noise, self.noise))
        usage = Usage(
            device=self.on[slot],
            memory=min(profile.memory, int(80 * GB * part(each))),
            busy=min(busy, 1.0),
            seconds=BEAT,
        )
        place = Place(host="node-1", pid=1, device="cuda:0", gpus=part(each))
        self.sharing.heard(slot, place, usage, messages, self.busy)
        if self.left[slot] <= 0 or any(isinstance(message, Ended) for message in messages):
            self.begin(slot)

    @property
    def numbers(self) -> list[int]:
        return [change.each for change in self.told]

    @property
    def reasons(self) -> list[str]:
        return [change.reason for change in self.told]


@pytest.mark.parametrize(
    ("profile", "each", "reason"),
    [
        (Profile(), 3, "3 trials share a GPU: one keeps it busy 35% of the time, and trial 1 "
         "takes 5 GB of 80 GB"),
        (Profile(need=0.05, memory=GB), MOST, "8 trials share a GPU: one keeps it busy 5% of the "
         "time, and trial 1 takes 1 GB of 80 GB"),
        (Profile(need=0.95), 1, "one trial a GPU: one keeps it busy 95% of the time, and trial 1 "
         "takes 5 GB of 80 GB"),
        (Profile(need=0.1, memory=30 * GB), 2, "2 trials share a GPU: one keeps it busy 10% of "
         "the time, and trial 1 takes 30 GB of 80 GB"),
        (Profile(need=0.1, memory=35 * GB), 1, "one trial a GPU: one keeps it busy 10% of the "
         "time, and trial 1 takes 35 GB of 80 GB"),
        (Profile(need=0.0, memory=0), MOST, "8 trials share a GPU: one keeps it busy 0% of the "
         "time, and no trial has taken any of its memory"),
    ],
    ids=["a third", "little", "all", "memory for two", "memory for one", "none"],
)  # fmt: skip
def test_as_many_share_a_gpu_as_its_time_and_its_memory_are_enough_for(
    profile: Profile, each: int, reason: str
) -> None:
    room = Room(trial=lambda number: profile)
    room.run(600)
    assert (room.numbers, room.reasons) == ([each], [reason])


def test_nothing_is_decided_before_some_trials_were_read_for_a_while() -> None:
    room = Room()
    assert room.run(10) == []
    assert room.sharing.each == 1


def test_noisy_readings_let_the_number_settle_and_stay() -> None:
    room = Room(noise=0.6, trial=lambda number: Profile(need=0.3 + number % 3 / 10))
    room.run(3_000)
    assert room.numbers == sorted(room.numbers), "it went to and fro"
    assert room.numbers[-1] in (2, 3)


def test_what_a_process_takes_to_start_is_not_taken_for_crowding() -> None:
    """As on an H100: nine seconds for libraries and the device, where an epoch takes half one."""
    profile = Profile(need=0.05, memory=GB, epoch=0.5, start=9.0)
    room = Room(trial=lambda number: profile, devices=1)
    room.run(600)
    assert room.numbers == [MOST]


def test_sharing_that_brings_nothing_is_given_up_for_good() -> None:
    """A device that is idle for the most part, since the trials wait for one another elsewhere."""
    room = Room(trial=lambda number: Profile(crowd=2.0))
    room.run(3_000)
    assert room.numbers == [3, 1]
    assert room.reasons[1] == (
        "one trial a GPU, not 3: 3 on one train 0.71 times as much as one alone"
    )


def test_too_many_become_half_as_many_where_less_is_not_known() -> None:
    """Two together train nearly twice as much, eight less than one."""
    room = Room(trial=lambda number: Profile(need=0.05, memory=GB, crowd=1.4))
    room.run(3_000)
    assert room.numbers == [8, 4]
    assert room.reasons[1].startswith("4 trials share a GPU, not 8: 8 on one train 0.76 times")


def test_a_hungrier_trial_makes_room_before_anything_fails() -> None:
    hungry = Profile(memory=25 * GB)
    room = Room(trial=lambda number: hungry if number == 12 else Profile())
    room.run(3_000)
    assert room.numbers == [3, 2]
    assert room.reasons[1] == "2 trials share a GPU, not 3: trial 12 takes 25 GB of 80 GB"


def test_a_trial_that_does_not_fit_makes_them_fewer_from_then_on() -> None:
    room = Room(trial=lambda number: Profile(memory=60 * GB if number == 20 else 5 * GB))
    room.run(3_000)
    assert room.numbers == [3, 2]
    assert room.reasons[1] == "2 trials share a GPU, not 3: trial 20 did not fit beside others"
    assert room.told[1].most == 2


def test_where_all_fail_at_once_that_counts_once() -> None:
    room = Room(trial=lambda number: Profile(need=0.1, memory=45 * GB if number > 4 else GB))
    room.run(3_000)
    assert room.numbers[:3] == [8, 7, 6]
    assert room.numbers[-1] == 1
    assert room.numbers[1:] == sorted(room.numbers[1:], reverse=True)


def test_no_more_are_wanted_than_there_are_cpus_or_trials_for() -> None:
    sharing = Sharing()
    sharing.room = 2
    room = Room(sharing=sharing)
    room.run(600)
    assert room.numbers == [2]
    assert room.reasons[0].endswith("GB; there are no CPUs, or no trials, for more")


def test_what_an_earlier_driver_has_found_is_gone_on_with() -> None:
    before = Shared(each=2, most=2, memory=20 * GB, reason="")
    room = Room(sharing=Sharing(before))
    room.run(600)
    assert (room.numbers, room.sharing.each) == ([], 2)


def test_on_a_smaller_device_what_was_found_gives_way_at_once() -> None:
    before = Shared(each=3, most=8, memory=39 * GB, reason="")
    room = Room(sharing=Sharing(before))
    room.run(10)
    assert room.reasons == [
        "one trial a GPU, not 3: the hungriest trial takes 39 GB of 80 GB",
    ]


def test_without_readings_one_trial_has_a_gpu_and_that_is_said_once() -> None:
    sharing, told = Sharing(), []
    place = Place(host="node-1", pid=1, device="cuda:0", gpus=1.0)
    for epoch in range(1, 20):
        step = Step(trial=1, epoch=epoch, metrics={}, seconds=60.0)
        sharing.heard("a", place, None, [step], {"a": Work(1)})
        told.append(sharing.next())
    found = [change for change in told if change]
    assert [change.reason for change in found] == [
        "one trial a GPU: the driver tells nothing of its GPUs"
    ]


def test_where_it_is_not_measured_how_busy_a_slice_is_its_memory_decides() -> None:
    sharing = Sharing()
    place = Place(host="node-1", pid=1, device="cuda:0", gpus=1.0)
    usage = Usage(device=gpu(memory=10 * GB), memory=3 * GB, busy=None, seconds=20.0)
    for epoch in range(1, 5):
        step = Step(trial=1, epoch=epoch, metrics={}, seconds=20.0)
        sharing.heard("a", place, usage, [step], {"a": Work(1)})
    change = sharing.next()
    assert change is not None
    assert change.reason == (
        "2 trials share a GPU: how busy one keeps it is not measured, and trial 1 takes 3 GB of "
        "10 GB"
    )


def together(*, alone: bool, memory: int = 0, ends: bool = False) -> Callable[[Sharing], None]:
    """What slot "a", one of three on its GPU, tells twice; `ends`: out of memory."""

    def tell(sharing: Sharing) -> None:
        place = Place(host="node-1", pid=1, device="cuda:0", gpus=part(3))
        usage = Usage(device=gpu(), memory=memory, busy=0.3, seconds=1.0)
        messages = [Ended(trial=7, end=End.MEMORY)] if ends else []
        for _ in range(2):
            sharing.heard("a", place, usage, messages, {"a": Work(7, alone=alone)})

    return tell


def three() -> Sharing:
    return Sharing(Shared(each=3, most=8, memory=5 * GB, reason=""))


def test_a_trial_that_does_not_fit_even_alone_makes_them_no_fewer() -> None:
    sharing = three()
    together(alone=True, ends=True)(sharing)
    assert sharing.next() is None
    together(alone=False, ends=True)(sharing)
    change = sharing.next()
    assert change is not None
    assert change.reason.endswith("not 3: trial 7 did not fit beside others")


def test_what_a_trial_takes_alone_is_not_what_others_need_nor_is_its_process_peak() -> None:
    sharing = three()
    together(alone=True, memory=70 * GB)(sharing)
    together(alone=False, memory=70 * GB)(sharing)
    assert sharing.next() is None


def test_a_process_that_takes_the_place_of_one_that_had_a_trial_alone_is_read_again() -> None:
    sharing = three()
    together(alone=True, memory=70 * GB)(sharing)
    sharing.forget("a")
    together(alone=False, memory=25 * GB)(sharing)
    change = sharing.next()
    assert change is not None
    assert (change.each, change.memory) == (2, 25 * GB)
