"""Which GPUs a Ray that is started here gets to see. The GPUs are fakes."""

from __future__ import annotations

import contextlib
from collections.abc import Sequence
from pathlib import Path

import pytest

from nightsweep.cluster.devices import claim
from nightsweep.cluster.devices.busy import Taken
from nightsweep.cluster.devices.claim import amd_words, choose, claimed, owner
from nightsweep.cluster.devices.device import Device, Reading
from nightsweep.cluster.devices.nvml import Nvml
from nightsweep.search.errors import ClusterError

from .cards import GB, Cards, card, part, used
from .library import Library, a100

TWO = [card(0), card(1)]
BUSY = [Taken(device=TWO[0], by="31 GB in use by pid 4242 of alice")]
NUMBERED = {"CUDA_DEVICE_ORDER": "PCI_BUS_ID"}


def refusal(
    devices: Sequence[Device], gpus: float | str, environ: dict[str, str] | None = None
) -> str:
    with pytest.raises(ClusterError) as refused:
        choose(devices, [], gpus, environ or {})
    return str(refused.value)


def test_free_devices_are_counted_as_nvidia_smi_counts_them() -> None:
    found = choose(TWO, [], 1, {})
    assert (list(found.devices), found.environ, found.notes) == (TWO, NUMBERED, [])


def test_a_device_of_somebody_else_is_left_alone_and_named() -> None:
    found = choose(TWO, BUSY, 1, {})
    assert found.environ == {**NUMBERED, "CUDA_VISIBLE_DEVICES": "1"}
    assert found.notes == ["GPU 0 (NVIDIA A100, 31 GB in use by pid 4242 of alice) is left alone"]


def test_what_the_user_names_is_taken_as_given() -> None:
    found = choose(TWO, BUSY, 1, {"CUDA_VISIBLE_DEVICES": "0,1"})
    assert (list(found.devices), found.environ) == (TWO, {})
    assert found.notes == [
        "GPU 0 (NVIDIA A100, 31 GB in use by pid 4242 of alice) is used all the same: "
        "CUDA_VISIBLE_DEVICES names it"
    ]


def test_what_slurm_has_allotted_is_taken_as_given() -> None:
    found = choose(TWO, BUSY, 1, {"SLURM_JOB_ID": "12"})
    assert list(found.devices) == TWO
    assert found.notes[0].endswith("is used all the same: Slurm names it")


def test_others_devices_that_the_user_has_not_named_are_no_news() -> None:
    assert choose(TWO, BUSY, 1, {"CUDA_VISIBLE_DEVICES": "1"}).notes == []


def test_each_mig_slice_counts_as_a_gpu() -> None:
    found = choose([part(0, 0), part(0, 1), card(1)], [], 1, {})
    assert found.environ["CUDA_VISIBLE_DEVICES"] == "MIG-0-0,MIG-0-1,1"


def test_a_gpu_that_does_not_answer_is_left_out() -> None:
    found = choose([card(0), card(2)], [], 1, {})
    assert found.environ["CUDA_VISIBLE_DEVICES"] == "0,2"


def test_slices_cannot_be_put_together() -> None:
    assert refusal([part(0, 0), part(0, 1)], 2) == (
        "each trial asks for 2 GPUs, but GPU 0 slice 0 (NVIDIA A100 MIG 1g.5gb) is a MIG slice, "
        "and CUDA gives a process one slice only; write gpus: 1, or leave the slices out of "
        "CUDA_VISIBLE_DEVICES"
    )


def test_a_gpu_that_lets_one_process_in_cannot_be_shared() -> None:
    assert refusal([card(0, processes=1)], 0.5) == (
        "gpus: 0.5 puts 2 trials on a GPU, but the compute mode of GPU 0 (NVIDIA A100) lets one "
        "process in; write gpus: 1, or as root: nvidia-smi -i 0 -c DEFAULT"
    )


def test_devices_that_are_hidden_are_an_error_where_gpus_are_needed() -> None:
    assert refusal(TWO, 1, {"CUDA_VISIBLE_DEVICES": ""}) == (
        "CUDA_VISIBLE_DEVICES is '', which hides all GPUs, and each trial asks for 1 GPU; unset "
        "it, or write gpus: 0 in the sweep's resources"
    )
    assert "and gpus: auto; unset it" in refusal(TWO, "auto", {"CUDA_VISIBLE_DEVICES": ""})


def test_a_device_that_is_not_there_is_an_error_that_says_which_are() -> None:
    assert refusal(TWO, 1, {"CUDA_VISIBLE_DEVICES": "7"}) == (
        "CUDA_VISIBLE_DEVICES is '7', which names no GPU of this machine; there are: 0, 1"
    )


def test_the_environment_is_as_before_when_the_ray_has_ended() -> None:
    environ = {"HOME": "/", "CUDA_DEVICE_ORDER": "FASTEST_FIRST"}
    before, told = dict(environ), list[str]()
    reader = Cards(TWO, {TWO[0]: used(31 * GB, pid=1)})
    with claimed(0.5, told.append, reader=reader, environ=environ) as count:
        assert count == 1
        assert environ == {**before, **NUMBERED, "CUDA_VISIBLE_DEVICES": "1"}
    assert environ == before
    assert told == ["GPU 0 (NVIDIA A100, 31 GB in use by pid 1 of root) is left alone"]


@pytest.mark.parametrize("there", [True, False])
def test_on_windows_what_cannot_be_seen_is_no_reason_to_refuse_the_only_gpu(
    there: bool, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(claim, "SHARED_WITH_WINDOWS", tmp_path if there else tmp_path / "dxg")
    reader = Cards(TWO[:1], {TWO[0]: Reading(used=31 * GB)})
    refused = contextlib.nullcontext() if there else pytest.raises(ClusterError, match="in use")
    with refused, claimed(1, pytest.fail, reader=reader, environ={}) as count:
        assert count == 1


def test_a_sweep_without_gpus_looks_at_none() -> None:
    environ: dict[str, str] = {}
    with claimed(0, pytest.fail, reader=Cards(TWO), environ=environ) as count:
        assert (count, environ) == (None, {})


def test_a_machine_without_a_driver_is_left_to_ray() -> None:
    environ: dict[str, str] = {}
    with claimed(1, pytest.fail, reader=Cards([]), environ=environ) as count:
        assert (count, environ) == (None, {})


def test_gpus_that_cannot_be_used_are_not_counted_by_ray_either() -> None:
    with claimed(
        1, pytest.fail, reader=Nvml(Library({"GPU-a": a100(mig=1)})), environ={}
    ) as count:
        assert count == 0


def test_amd_gpus_are_counted_and_named() -> None:
    cards = [card(0, "AMD gfx90a"), card(1, "AMD gfx90a")]
    assert amd_words(cards, {}) == "2 AMD GPUs (AMD gfx90a): whether others use them is not seen"


def test_amd_gpus_by_the_name_that_ray_does_not_read_are_refused() -> None:
    with pytest.raises(
        ClusterError,
        match=r"^ROCR_VISIBLE_DEVICES is set, and Ray reads HIP_VISIBLE_DEVICES only; write "
        r"HIP_VISIBLE_DEVICES=0,1 and unset ROCR_VISIBLE_DEVICES$",
    ):
        amd_words([card(0)], {"ROCR_VISIBLE_DEVICES": "0,1"})


def test_the_user_of_a_process_is_seen() -> None:
    assert owner(1) == Path("/proc/1").owner()
    assert owner(2**22 + 1) == ""
