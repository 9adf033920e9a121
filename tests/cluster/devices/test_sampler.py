from __future__ import annotations

import pytest

from nightsweep.cluster.devices.device import Device, Reading
from nightsweep.cluster.devices.sampler import CONTEXT, Sampler, Usage, own, torch_reserved

from .cards import GB, Cards, card, part

MINE = 41


class Bench:
    """A sampler, with a clock and a device that read as a test says."""

    def __init__(self, *, alone: bool = True) -> None:
        self.now = 100.0
        self.taken = 0  # bytes by torch's tensors
        self.reading: Reading | None = Reading(used=0)
        self.sampler = Sampler(
            self, card(0), alone=alone, reserved=lambda: self.taken, pid=MINE,
            clock=lambda: self.now,
        )  # fmt: skip

    def devices(self) -> list[Device]:
        return [card(0)]

    def read(self, device: Device) -> Reading | None:
        return self.reading

    def look(self, used: int = 0, busy: float | None = 0.0, **processes: int) -> None:
        """Half a second goes by, and the device is read; `p41=5`: process 41 has five bytes."""
        self.now += 0.5
        of = {int(name[1:]): held for name, held in processes.items()}
        self.reading = Reading(used=used, utilisation=busy, processes=of)
        self.sampler.look()

    def take(self) -> Usage:
        usage = self.sampler.take()
        assert usage is not None
        return usage


def test_it_tells_the_mean_of_what_was_read_and_for_how_long() -> None:
    bench = Bench()
    bench.look(busy=0.2)
    bench.look(busy=0.6)
    assert bench.take() == Usage(device=card(0), memory=0, busy=0.4, seconds=1.0)


def test_each_reading_is_told_once() -> None:
    bench = Bench()
    bench.look(busy=0.2)
    bench.take()
    bench.look(busy=0.8)
    assert bench.take().busy == 0.8
    assert bench.take() == Usage(device=card(0), memory=0, busy=None, seconds=0.0)


def test_time_without_a_reading_belongs_to_the_next() -> None:
    bench = Bench()
    bench.look(busy=0.2)
    bench.take()
    bench.now += 5.0
    assert bench.take().seconds == 0.0
    bench.look(busy=0.2)
    assert bench.take().seconds == 5.5


def test_memory_is_the_most_that_this_process_ever_had() -> None:
    bench = Bench(alone=False)
    bench.look(used=30 * GB, p41=3 * GB, p42=27 * GB)
    bench.look(used=30 * GB, p41=1 * GB, p42=29 * GB)
    assert bench.take().memory == 3 * GB
    bench.look(used=30 * GB, p41=2 * GB)
    assert bench.take().memory == 3 * GB


def test_between_two_readings_torch_knows_what_its_tensors_took() -> None:
    bench = Bench(alone=False)
    bench.taken = 6 * GB
    bench.look(used=2 * GB, p41=2 * GB)
    assert bench.take().memory == 6 * GB + CONTEXT


def test_in_a_container_what_comes_on_top_of_what_was_there_is_ours_if_we_are_alone() -> None:
    """The driver tells processes by their numbers outside of it."""
    alone, beside = Bench(), Bench(alone=False)
    for bench in (alone, beside):
        bench.look(used=1 * GB, p9041=0)
        bench.look(used=5 * GB, p9041=4 * GB)
    assert (alone.take().memory, beside.take().memory) == (4 * GB, 0)


def test_a_device_that_never_answers_has_nothing_to_tell() -> None:
    bench = Bench()
    bench.reading = None
    bench.sampler.look()
    assert bench.sampler.take() is None


def test_a_slice_tells_no_utilisation() -> None:
    bench = Bench()
    bench.look(busy=None)
    assert (bench.take().busy, bench.take().seconds) == (None, 0.0)


@pytest.mark.parametrize(
    ("given", "device"),
    [("1", card(1)), ("GPU-1a", card(1)), ("MIG-2-0", part(2, 0)), ("", None), ("7", None)],
)
def test_a_worker_s_device_is_the_one_that_ray_has_given_it(
    given: str, device: Device | None
) -> None:
    assert own(Cards([card(0), card(1), part(2, 0)]), given) == device


def test_torch_has_taken_nothing_before_it_has_used_a_gpu() -> None:
    assert torch_reserved() == 0
