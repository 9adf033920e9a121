"""Damaged checkpoints: seen as such, and never used; an older one that is whole is."""

from __future__ import annotations

import contextlib
import shutil
from pathlib import Path
from random import Random

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.trainables import checkpoint, manifest, plain

from .damage import torn

CHANCES = st.randoms(use_true_random=True)


def state(epoch: int) -> dict[str, object]:
    weights = torch.arange(64, dtype=torch.float32) * epoch
    return {"kept": {"model": {"weights": weights, "steps": epoch, "name": "größer"}}, "rng": {}}


@pytest.fixture(scope="module")
def whole(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A trial's folder with checkpoints after epochs 1, 3 and 9, all of them whole."""
    folder = tmp_path_factory.mktemp("whole")
    for epoch in (1, 3, 9):
        checkpoint.save(folder, epoch, state(epoch))
    return folder


@pytest.fixture(scope="module")
def trial(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("trials") / "1"


def hurt(chance: Random, folder: Path) -> None:
    """Tear, empty, remove or replace a file of a checkpoint."""
    path = chance.choice(sorted(path for path in folder.iterdir() if path.is_file()))
    match chance.choice(["tear", "tear", "tear", "empty", "remove", "older", "folder"]):
        case "tear":
            path.write_bytes(torn(chance, path.read_bytes()))
        case "empty":
            path.write_bytes(b"")
        case "remove":
            path.unlink()
        case "older":
            shutil.copy(folder.with_name("epoch-1") / path.name, path)
        case "folder":
            path.unlink()
            path.mkdir()


def equal(found: dict[str, object], epoch: int) -> bool:
    """Whether a state is the one that was saved."""
    expected = state(epoch)["kept"]["model"]  # type: ignore[index]
    kept = found["kept"]["model"]  # type: ignore[index]
    return kept.keys() == expected.keys() and all(
        torch.equal(kept[key], value) if isinstance(value, torch.Tensor) else kept[key] == value
        for key, value in expected.items()
    )


@given(chance=CHANCES)
def test_a_damaged_checkpoint_is_never_used(whole: Path, trial: Path, chance: Random) -> None:
    shutil.rmtree(trial, ignore_errors=True)
    shutil.copytree(whole, trial)
    for epoch in chance.sample([3, 9], chance.randint(1, 2)):
        hurt(chance, checkpoint.place(trial, epoch))
    use = 9 if not checkpoint.damage(trial, 9) else checkpoint.usable(trial, 9)
    assert use in (1, 3, 9)
    assert equal(checkpoint.load(trial, use), use)
    for epoch in (3, 9):
        path = checkpoint.place(trial, epoch) / "state.pt"
        same = (
            path.is_file()
            and path.read_bytes() == (checkpoint.place(whole, epoch) / "state.pt").read_bytes()
        )
        assert same or checkpoint.damage(trial, epoch)


@given(chance=CHANCES)
def test_without_a_manifest_what_is_read_is_what_was_saved(
    whole: Path, trial: Path, chance: Random
) -> None:
    shutil.rmtree(trial, ignore_errors=True)
    shutil.copytree(whole, trial)
    folder = checkpoint.place(trial, 9)
    (folder / manifest.NAME).unlink()
    path = folder / "state.pt"
    path.write_bytes(torn(chance, path.read_bytes()))
    if checkpoint.damage(trial, 9):
        return
    with contextlib.suppress(plain.StateError):
        assert equal(checkpoint.load(trial, 9), 9)


@given(chance=CHANCES)
def test_saving_over_a_damaged_checkpoint_makes_it_whole(
    whole: Path, trial: Path, chance: Random
) -> None:
    shutil.rmtree(trial, ignore_errors=True)
    shutil.copytree(whole, trial)
    hurt(chance, checkpoint.place(trial, 9))
    checkpoint.save(trial, 9, state(9))
    assert not checkpoint.damage(trial, 9)
    assert checkpoint.epochs(trial) == [1, 3, 9]
    assert sorted(path.name for path in trial.iterdir()) == ["epoch-1", "epoch-3", "epoch-9"]
