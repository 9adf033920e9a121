"""What stands before a network of pictures: moved, mirrored, scaled."""

from __future__ import annotations

import numpy as np
import pytest
import torch
from torch import Tensor

from nightsweep.trainables.pictures import augment
from nightsweep.trainables.pictures.augment import Augment, Moments, Scale


def pictures(count: int = 40, channels: int = 3) -> Tensor:
    """(B, C, 8, 6), no pixel black."""
    generator = torch.Generator().manual_seed(1)
    return torch.randint(1, 256, (count, channels, 8, 6), generator=generator, dtype=torch.uint8)


def moved(picture: Tensor, down: int, right: int) -> Tensor:
    """A picture (C, H, W), black where it came from outside."""
    found = torch.zeros_like(picture)
    _, height, width = picture.shape
    for row in range(max(down, 0), min(height + down, height)):
        for column in range(max(right, 0), min(width + right, width)):
            found[:, row, column] = picture[:, row - down, column - right]
    return found


def test_pictures_are_moved_up_and_down_and_sideways_by_no_more_than_the_shift() -> None:
    x = pictures()
    torch.manual_seed(0)
    changed = Augment(0.25, flip=False)(x)  # 2 of 8 rows, 2 of 6 columns
    steps = [(down, right) for down in range(-2, 3) for right in range(-2, 3)]
    found = [
        next(step for step in steps if torch.equal(now, moved(was, *step)))
        for was, now in zip(x, changed, strict=True)
    ]
    assert {down for down, _ in found} == {right for _, right in found} == {-2, -1, 0, 1, 2}


def test_about_every_second_picture_is_mirrored() -> None:
    x = pictures(400)
    torch.manual_seed(0)
    changed = Augment(0.0, flip=True)(x)
    mirrored = [torch.equal(now, was.flip(2)) for was, now in zip(x, changed, strict=True)]
    same = [torch.equal(now, was) for was, now in zip(x, changed, strict=True)]
    assert [a != b for a, b in zip(mirrored, same, strict=True)] == [True] * 400
    assert 150 < sum(mirrored) < 250


@pytest.mark.parametrize(("shift", "flip"), [(0.0, False), (0.05, False)])
def test_without_either_nothing_changes(shift: float, flip: bool) -> None:
    """A shift below half a pixel is none."""
    assert torch.equal(Augment(shift, flip=flip)(pictures()), pictures())


def test_what_is_judged_is_left_as_it_is() -> None:
    assert torch.equal(Augment(0.5, flip=True).eval()(pictures()), pictures())


def test_the_same_generator_makes_the_same_pictures() -> None:
    def made() -> Tensor:
        torch.manual_seed(5)
        changed: Tensor = Augment(0.3, flip=True)(pictures())
        return changed

    assert torch.equal(made(), made())


def test_scaled_pictures_have_mean_0_and_spread_1_by_channel(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(augment, "AT_ONCE", 7)  # so that several shares are added up
    x = pictures(50)
    x[:, 1] //= 4
    scaled = Scale(Moments.of(x.numpy()), 3)(x)
    assert torch.allclose(scaled.mean(dim=(0, 2, 3)), torch.zeros(3), atol=1e-5)
    assert torch.allclose(scaled.std(dim=(0, 2, 3)), torch.ones(3), atol=1e-3)


def test_a_channel_of_one_colour_becomes_zeros() -> None:
    x = torch.full((5, 1, 4, 4), 9, dtype=torch.uint8)
    assert Scale(Moments.of(x.numpy()), 1)(x).count_nonzero() == 0


def test_grey_is_repeated_for_a_network_that_sees_colours() -> None:
    x = pictures(channels=1)
    scaled = Scale(Moments.of(x.numpy()), 3)(x)
    assert scaled.shape == (40, 3, 8, 6)
    assert torch.equal(scaled[:, 0], scaled[:, 2])


def test_moments_are_those_of_numpy() -> None:
    x = pictures().numpy().astype(np.float32) / 255
    found = Moments.of(x)
    assert np.allclose(found.mean, x.mean(axis=(0, 2, 3)), atol=1e-6)
    assert np.allclose(found.spread, x.std(axis=(0, 2, 3)), atol=1e-6)
