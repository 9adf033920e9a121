"""What stands before a network of pictures: they are moved and mirrored at random, then scaled.

A part of the model, so that it trains on whatever device the model is on, and that random numbers
come of torch's own generator, which a checkpoint keeps: a trial that goes on sees the same ones.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

AT_ONCE = 1000


class Augment(nn.Module):
    """Moves pictures by up to `shift` of their size, and mirrors every second; in training only.

    What is moved in from outside is black, as with torchvision's RandomCrop.
    """

    def __init__(self, shift: float, *, flip: bool) -> None:
        super().__init__()
        self.shift = shift
        self.flip = flip

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W) to the same."""
        if not self.training:
            return x
        if self.flip:
            mirrored = torch.rand(len(x), 1, 1, 1, device=x.device) < 0.5
            x = torch.where(mirrored, x.flip(3), x)
        for way in (2, 3):
            x = self._moved(x, way)
        return x

    def _moved(self, x: Tensor, way: int) -> Tensor:
        """Each picture along its rows or its columns, by its own number of pixels."""
        size = x.shape[way]
        most = round(self.shift * size)
        if not most:
            return x
        by = torch.randint(-most, most + 1, (len(x), 1), device=x.device)
        places = torch.arange(size, device=x.device) + by  # (B, size): where each one comes from
        shape = (len(x), 1, -1, 1) if way == 2 else (len(x), 1, 1, -1)
        inside = (places >= 0) & (places < size)
        found = x.gather(way, places.clamp(0, size - 1).view(shape).expand_as(x))
        return found * inside.view(shape)


class Scale(nn.Module):
    """Numbers with mean 0 and spread 1 over the pictures that are trained on, by channel."""

    mean: Tensor
    spread: Tensor

    def __init__(self, moments: Moments, channels: int) -> None:
        """`channels`: that the network takes; grey is repeated."""
        super().__init__()
        self.channels = channels
        for name, values in (("mean", moments.mean), ("spread", moments.spread)):
            self.register_buffer(name, torch.tensor(values, dtype=torch.float32).view(1, -1, 1, 1))

    def forward(self, x: Tensor) -> Tensor:
        """(B, C, H, W), of bytes or of numbers, to numbers in the order that is quick to fold."""
        x = (x.float() - self.mean) / self.spread
        x = x.expand(-1, self.channels, -1, -1)
        return x.contiguous(memory_format=torch.channels_last)


@dataclass(frozen=True, slots=True, kw_only=True)
class Moments:
    """Of pictures, by channel: (C,) each."""

    mean: NDArray[np.float64]
    spread: NDArray[np.float64]

    @classmethod
    def of(cls, pictures: NDArray[Any]) -> Moments:
        """Of pictures (N, C, H, W), a thousand at a time: as float64 they might not fit."""
        sums = np.zeros((2, pictures.shape[1]))
        for start in range(0, len(pictures), AT_ONCE):
            some = pictures[start : start + AT_ONCE].astype(np.float64)
            sums += some.sum(axis=(0, 2, 3)), np.square(some).sum(axis=(0, 2, 3))
        mean, square = sums / (pictures.size / pictures.shape[1])
        spread = np.sqrt(np.maximum(square - mean**2, 0.0))
        return cls(mean=mean, spread=np.where(spread > 0, spread, 1.0))  # where all is one colour
