"""How the soak damages files."""

from __future__ import annotations

import random
from pathlib import Path

import pytest
import torch

from nightsweep.trainables import checkpoint

from .scene import Scene
from .within import damaged, flip


def test_a_flipped_byte_is_another_one(tmp_path: Path) -> None:
    path = tmp_path / "state.pt"
    path.write_bytes(b"abc")
    flip(path, 1)
    assert path.read_bytes() == bytes([ord("a"), ord("b") ^ 0xFF, ord("c")])


@pytest.mark.parametrize("seed", range(8))
def test_every_damage_is_one(tmp_path: Path, seed: int) -> None:
    folder = tmp_path / "run" / "trials" / "1"
    folder.mkdir(parents=True)
    checkpoint.save(folder, 1, {"kept": {"model": {"weight": torch.ones(8)}}})
    scene = Scene(tmp_path, random.Random(seed), trials=1)
    assert damaged(scene) == "done"
    assert checkpoint.damage(folder, 1)


def test_without_a_checkpoint_there_is_nothing_to_damage(tmp_path: Path) -> None:
    assert damaged(Scene(tmp_path, random.Random(0), trials=1)) == "came too late"
