from types import SimpleNamespace

import pytest

from nightsweep.cluster.devices.cap import cap, hold
from nightsweep.cluster.devices.sampler import CONTEXT

GB = 10**9


def test_who_does_not_share_may_fill_the_device() -> None:
    assert cap(1.0, 80 * GB) == 1.0


@pytest.mark.parametrize(("share", "many"), [(0.5, 2), (0.25, 4), (0.1, 10)])
def test_all_that_share_fit_beside_what_cuda_takes_for_each(share: float, many: int) -> None:
    total = 80 * GB
    taken = many * (cap(share, total) * total + CONTEXT)
    assert taken == pytest.approx(total)


def test_on_a_small_device_half_of_the_share_is_left_at_least() -> None:
    assert cap(0.1, 4 * GB) == 0.05


def test_where_the_size_is_not_known_the_share_is_the_cap() -> None:
    assert cap(0.25, 0) == 0.25


class Cuda:
    """What stands for torch.cuda: one GPU of 80 GB, or none."""

    def __init__(self, *, there: bool = True) -> None:
        self.there = there
        self.held: list[tuple[float, int]] = []

    def is_available(self) -> bool:
        return self.there

    def get_device_properties(self, device: int) -> SimpleNamespace:
        return SimpleNamespace(total_memory=80 * GB)

    def set_per_process_memory_fraction(self, fraction: float, device: int) -> None:
        self.held.append((fraction, device))


def test_a_process_is_held_to_its_share_and_let_go_for_a_trial_that_is_alone() -> None:
    cuda = Cuda()
    hold(0.25, cuda)
    hold(1.0, cuda)
    assert cuda.held == [(0.25 - CONTEXT / (80 * GB), 0), (1.0, 0)]


def test_without_cuda_there_is_nothing_to_hold() -> None:
    cuda = Cuda(there=False)
    hold(0.25, cuda)
    assert cuda.held == []
