import random
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from torch import nn

from nightsweep.trainables import checkpoint


class Tally:
    """State that is more than tensors and plain values."""

    def __init__(self, seen: set[str]) -> None:
        self.seen = seen

    def state_dict(self) -> dict[str, Any]:
        return {"seen": self.seen, "at": Path("data")}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self.seen = state_dict["seen"]


class Broken:
    def state_dict(self) -> dict[str, Any]:
        return {"cannot be pickled": lambda: None}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None: ...


def save(folder: Path, epoch: int, kept: dict[str, checkpoint.Keepable]) -> None:
    checkpoint.save(folder, epoch, checkpoint.state_of(kept))


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def mark(text: str) -> Any:
    return lambda aside: (aside / "mark").write_text(text)


def test_a_checkpoint_lies_in_a_folder_named_after_its_epoch(tmp_path: Path) -> None:
    save(tmp_path / "3", 9, {"model": nn.Linear(2, 1)})
    assert checkpoint.place(tmp_path / "3", 9) == tmp_path / "3" / "epoch-9"
    assert names(tmp_path / "3") == ["epoch-9"]
    assert names(tmp_path / "3" / "epoch-9") == [".manifest.json", "state.pt"]


def test_a_model_and_its_optimiser_come_back_bit_for_bit(tmp_path: Path) -> None:
    torch.manual_seed(0)
    model = nn.Linear(3, 2)
    optimizer = torch.optim.Adam(model.parameters())
    model(torch.rand(4, 3)).sum().backward()
    optimizer.step()
    save(tmp_path, 1, {"model": model, "optimizer": optimizer})
    kept = checkpoint.load(tmp_path, 1)["kept"]
    assert torch.equal(kept["model"]["weight"], model.weight)
    moment = optimizer.state_dict()["state"][0]["exp_avg"]
    assert torch.equal(kept["optimizer"]["state"][0]["exp_avg"], moment)


def test_tensors_and_plain_values_load_without_the_freedom_of_pickle(tmp_path: Path) -> None:
    model = nn.Linear(3, 2)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimizer, T_max=3)
    save(tmp_path, 1, {"model": model, "optimizer": optimizer, "schedule": schedule})
    state = torch.load(tmp_path / "epoch-1" / "state.pt", weights_only=True)
    assert set(state["kept"]) == {"model", "optimizer", "schedule"}


def test_state_that_is_more_than_tensors_comes_back_too(tmp_path: Path) -> None:
    save(tmp_path, 1, {"tally": Tally({"a", "b"})})
    kept = checkpoint.load(tmp_path, 1)["kept"]
    assert kept == {"tally": {"seen": {"a", "b"}, "at": Path("data")}}


def test_a_checkpoint_that_is_not_there_cannot_be_loaded(tmp_path: Path) -> None:
    with pytest.raises(LookupError, match="the checkpoint after epoch 3 is gone"):
        checkpoint.load(tmp_path, 3)


def test_a_write_that_fails_leaves_nothing(tmp_path: Path) -> None:
    def write(aside: Path) -> None:
        (aside / "half").write_text("half")
        raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space left on device"):
        checkpoint.put(tmp_path, 3, write)
    assert names(tmp_path) == []


def test_a_write_that_fails_leaves_the_checkpoint_before_it_whole(tmp_path: Path) -> None:
    checkpoint.put(tmp_path, 3, mark("first"))
    with pytest.raises(AttributeError):
        save(tmp_path, 3, {"broken": Broken()})
    assert names(tmp_path) == ["epoch-3"]
    assert (tmp_path / "epoch-3" / "mark").read_text() == "first"


def test_nothing_has_its_name_before_it_is_whole(tmp_path: Path) -> None:
    def write(aside: Path) -> None:
        assert not checkpoint.place(tmp_path, 1).exists()
        assert aside.parent == tmp_path

    checkpoint.put(tmp_path, 1, write)
    assert names(tmp_path) == ["epoch-1"]


def test_a_full_disk_is_an_operating_system_s_error(tmp_path: Path) -> None:
    state = checkpoint.state_of({"model": nn.Linear(2, 1)})
    (tmp_path / "3").write_text("a file where the folder belongs")
    with pytest.raises(OSError, match=r"File exists|Not a directory"):
        checkpoint.save(tmp_path / "3", 1, state)


def test_the_same_epoch_trained_again_replaces_its_checkpoint(tmp_path: Path) -> None:
    checkpoint.put(tmp_path, 3, mark("first"))
    checkpoint.put(tmp_path, 3, mark("second"))
    assert (tmp_path / "epoch-3" / "mark").read_text() == "second"


def test_keep_only_removes_the_checkpoints_of_other_epochs_and_nothing_else(
    tmp_path: Path,
) -> None:
    for epoch in (1, 3, 9):
        checkpoint.put(tmp_path, epoch, mark(str(epoch)))
    (tmp_path / "log.txt").write_text("hello")
    checkpoint.keep_only(tmp_path, {3})
    assert names(tmp_path) == ["epoch-3", "log.txt"]


def flip(path: Path, place: int) -> None:
    """Turn one bit of a file over."""
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)


def unseal(folder: Path, epoch: int) -> Path:
    """The file of a checkpoint as nightsweep 0.1 wrote it: without a manifest."""
    (checkpoint.place(folder, epoch) / ".manifest.json").unlink()
    return checkpoint.place(folder, epoch) / "state.pt"


def test_a_checkpoint_as_it_was_written_is_whole(tmp_path: Path) -> None:
    save(tmp_path, 3, {"model": nn.Linear(2, 1)})
    assert checkpoint.damage(tmp_path, 3) == ""


def test_a_checkpoint_that_is_cut_or_changed_is_damaged(tmp_path: Path) -> None:
    save(tmp_path, 3, {"model": nn.Linear(2, 1)})
    state = checkpoint.place(tmp_path, 3) / "state.pt"
    whole = state.read_bytes()
    flip(state, len(whole) // 2)
    assert checkpoint.damage(tmp_path, 3) == "is damaged (state.pt is not what was written)"
    state.write_bytes(whole[:-1])
    assert checkpoint.damage(tmp_path, 3).startswith("is damaged (state.pt has ")
    state.unlink()
    assert checkpoint.damage(tmp_path, 3) == "is damaged (state.pt is gone)"


def test_a_checkpoint_that_is_not_there_is_gone(tmp_path: Path) -> None:
    assert checkpoint.damage(tmp_path, 3).startswith("is gone")


def test_checkpoints_without_a_manifest_are_read_by_torch_s_own_checksums(tmp_path: Path) -> None:
    save(tmp_path, 3, {"model": nn.Linear(2, 1)})
    state = unseal(tmp_path, 3)
    assert checkpoint.damage(tmp_path, 3) == ""
    whole = state.read_bytes()
    for place in (0, whole.index(b"PK\x01\x02"), len(whole) - 22):
        flip(state, place)
        assert checkpoint.damage(tmp_path, 3) == "is damaged (state.pt is not what was written)"
        state.write_bytes(whole)
    state.write_bytes(whole[:-100])
    assert checkpoint.damage(tmp_path, 3) == "is damaged (state.pt is not what was written)"


def test_what_an_adapter_wrote_is_sealed_with_its_folders(tmp_path: Path) -> None:
    def write(aside: Path) -> None:
        (aside / "layers").mkdir()
        (aside / "layers" / "first.bin").write_bytes(b"weights")
        (aside / "config.json").write_text("{}")

    checkpoint.put(tmp_path, 3, write)
    assert checkpoint.damage(tmp_path, 3) == ""
    (checkpoint.place(tmp_path, 3) / "layers" / "first.bin").write_bytes(b"weighty")
    assert "layers/first.bin is not what was written" in checkpoint.damage(tmp_path, 3)


def test_the_latest_whole_checkpoint_before_a_damaged_one_is_usable(tmp_path: Path) -> None:
    for epoch in (1, 3, 9):
        checkpoint.put(tmp_path, epoch, mark(str(epoch)))
    assert checkpoint.usable(tmp_path, 9) == 3
    flip(tmp_path / "epoch-3" / "mark", 0)
    assert checkpoint.usable(tmp_path, 9) == 1
    assert checkpoint.usable(tmp_path, 1) == 0


def test_names_that_only_look_like_checkpoints_are_none(tmp_path: Path) -> None:
    checkpoint.put(tmp_path, 3, mark("3"))
    for name in ("epoch-best", "epoch-4.txt", "epoch--1"):
        (tmp_path / name).mkdir()
    assert checkpoint.epochs(tmp_path) == [3]


def test_what_killed_processes_have_left_is_removed_by_the_next_write(tmp_path: Path) -> None:
    for name in (".writing-1", ".going-3-1"):
        (tmp_path / name).mkdir()
        (tmp_path / name / "half").write_text("half")
    checkpoint.put(tmp_path, 3, mark("3"))
    assert names(tmp_path) == ["epoch-3"]


def test_removing_a_checkpoint_again_does_nothing(tmp_path: Path) -> None:
    checkpoint.put(tmp_path, 3, mark("3"))
    checkpoint.remove(tmp_path, 3)
    checkpoint.remove(tmp_path, 3)
    assert names(tmp_path) == []


def test_the_size_of_a_checkpoint_is_that_of_all_its_files(tmp_path: Path) -> None:
    checkpoint.put(tmp_path, 3, mark("12345"))
    manifest = (tmp_path / "epoch-3" / ".manifest.json").stat().st_size
    assert checkpoint.size(tmp_path, 3) == manifest + 5
    assert checkpoint.size(tmp_path, 4) == 0


def draws() -> tuple[list[float], list[float], list[float]]:
    """Numbers of all three generators, the normal ones with what they hold back for later."""
    return (
        [random.random(), random.gauss(0, 1)],
        [float(np.random.random()), float(np.random.standard_normal())],
        torch.rand(3).tolist() + torch.randn(3).tolist(),
    )


def test_all_three_generators_come_back_bit_for_bit(tmp_path: Path) -> None:
    random.seed(1)
    np.random.seed(2)
    torch.manual_seed(3)
    draws()  # leaves each generator with the second half of a pair of normal numbers
    save(tmp_path, 1, {})
    expected = draws()
    draws()
    checkpoint.restore_rng(checkpoint.load(tmp_path, 1)["rng"])
    assert draws() == expected


def test_saving_draws_no_random_numbers(tmp_path: Path) -> None:
    model = nn.Linear(2, 1)
    torch.manual_seed(3)
    expected = torch.rand(3)
    torch.manual_seed(3)
    save(tmp_path, 1, {"model": model})
    assert torch.equal(torch.rand(3), expected)
