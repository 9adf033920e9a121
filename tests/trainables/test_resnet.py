"""The small residual network: its shapes, and how large it is."""

from __future__ import annotations

import pytest
import torch

from nightsweep.trainables.resnet import ResNet


@pytest.mark.parametrize(("side", "stem"), [(8, 1), (28, 2), (5, 2), (4, 1)])
@pytest.mark.parametrize("depth", [1, 2])
def test_pictures_of_any_size_become_scores(side: int, stem: int, depth: int) -> None:
    network = ResNet(3, 7, width=4, depth=depth, stem=stem, dropout=0.1)
    assert network(torch.randn(2, 3, side, side + 1)).shape == (2, 7)


def test_depth_and_width_make_it_larger() -> None:
    def weights(width: int, depth: int) -> int:
        network = ResNet(1, 10, width=width, depth=depth, stem=1, dropout=0.0)
        return sum(p.numel() for p in network.parameters())

    assert weights(4, 1) < weights(4, 2) < weights(8, 2)


def test_a_stage_after_the_first_halves_the_picture_and_doubles_the_channels() -> None:
    network = ResNet(1, 10, width=4, depth=2, stem=1, dropout=0.0)
    x = network.first(torch.randn(2, 1, 16, 16))
    shapes = []
    for block in network.stages:
        x = block(x)
        shapes.append(tuple(x.shape[1:]))
    assert shapes == [(4, 16, 16)] * 2 + [(8, 8, 8)] * 2 + [(16, 4, 4)] * 2


def test_scores_are_of_full_precision_under_bf16() -> None:
    network = ResNet(1, 10, width=4, depth=1, stem=1, dropout=0.0)
    with torch.autocast("cpu", torch.bfloat16):
        assert network(torch.randn(2, 1, 8, 8)).dtype == torch.float32
