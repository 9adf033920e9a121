"""CUDA_VISIBLE_DEVICES, read as CUDA reads it."""

from __future__ import annotations

import pytest

from nightsweep.cluster.devices.device import Device
from nightsweep.cluster.devices.visible import visible

from .cards import card, part

FOUR = [card(index) for index in range(4)]


def indices(devices: list[Device]) -> list[int]:
    return [device.index for device in devices]


@pytest.mark.parametrize(
    ("given", "seen"),
    [
        (None, [0, 1, 2, 3]),
        ("2,0", [2, 0]),
        ("1, 3", [1, 3]),
        ("GPU-2a", [2]),
        ("GPU-2", [2]),  # the beginning is enough
        ("GPU-3a,1", [3, 1]),
        ("", []),
        ("-1", []),
        ("NoDevFiles", []),
        ("1,9,2", [1]),  # CUDA stops at the first that is not there
        ("1,1", [1]),
        ("GPU-", []),  # any of them
    ],
)
def test_numbers_and_uuids_name_devices(given: str | None, seen: list[int]) -> None:
    assert indices(visible(FOUR, given)) == seen


def test_a_mig_slice_is_named_by_its_id() -> None:
    slices = [part(0, 0), part(0, 1), card(1)]
    assert visible(slices, "MIG-0-1") == [slices[1]]
    assert visible(slices, "1") == [slices[2]]


def test_the_number_of_a_sliced_gpu_is_its_first_slice_as_cuda_has_it() -> None:
    assert visible([part(0, 0), part(0, 1)], "0") == [part(0, 0)]


def test_a_slice_is_addressed_by_its_id_and_a_gpu_by_its_number() -> None:
    assert [device.address for device in (card(3), part(0, 1))] == ["3", "MIG-0-1"]
