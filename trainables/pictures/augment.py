"""What stands before a network of pictures: they are moved and mirrored at random, then scaled.

A part of the model, so that it trains on whatever device the model is on, and that random numbers
come of torch's own generator, which a checkpoint keeps: a trial that goes on sees the same ones.
"""

from __future__ import annotations

from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn


class Augment(nn.Module):
    """Moves pictures by up to `shift` of their size, and mirrors every second; in training only.

    What is moved in from outside repeats the picture's edge.
    """

    def __init__(self, shift: float, *, flip: bool) -> None:
        super().__init__()
        self.shift = shift
        self.flip = flip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        if not self.training:
            return x
        count, channels, height, width = x.shape
        rows, columns = self._moved(count, height, x), self._moved(count, width, x)
        if self.flip:
            mirrored = torch.rand(count, 1, device=x.device) < 0.5
            columns = torch.where(mirrored, columns.flip(1), columns)
        elif not self.shift:
            return x
        each = torch.arange(count, device=x.device).view(-1, 1, 1, 1)
        channel = torch.arange(channels, device=x.device).view(1, -1, 1, 1)
        return x[each, channel, rows.view(count, 1, -1, 1), columns.view(count, 1, 1, -1)]

    def _moved(self, count: int, size: int, x: Tensor) -> Tensor:
        """For each picture, from which row (or column) each of its own comes: (count, size)."""
        places = torch.arange(size, device=x.device).expand(count, size)
        most = round(self.shift * size)
        if not most:
            return places
        moved = torch.randint(-most, most + 1, (count, 1), device=x.device)
        return (places + moved).clamp(0, size - 1)


class Scale(nn.Module):
    """Numbers with mean 0 and spread 1 over the pictures that are trained on, by channel."""

    mean: Tensor
    spread: Tensor

    def __init__(self, pictures: NDArray[Any], channels: int) -> None:
        """`pictures` (N, C, H, W): those trained on. `channels`: of the network; grey becomes 3."""
        super().__init__()
        self.channels = channels
        mean = pictures.mean(axis=(0, 2, 3), dtype=np.float64)
        spread = pictures.std(axis=(0, 2, 3), dtype=np.float64)
        spread = np.where(spread > 0, spread, 1.0)  # a channel that is one colour
        self.register_buffer("mean", torch.tensor(mean, dtype=torch.float32).view(1, -1, 1, 1))
        self.register_buffer("spread", torch.tensor(spread, dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W), of bytes or of numbers, to numbers in the order that is quick to fold."""
        x = (x.float() - self.mean) / self.spread
        x = x.expand(-1, self.channels, -1, -1)
        return x.contiguous(memory_format=torch.channels_last)
