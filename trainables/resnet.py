"""A small residual network for small pictures (He et al. 2016, "Deep Residual Learning for Image
Recognition"): good on 28 × 28 pixels, and quick enough for a processor without a GPU.

    first       3 × 3 convolution to `width` channels
    stages      three of `depth` blocks each; a stage after the first halves the picture and
                doubles the channels
    last        the mean over the picture, dropout, a linear layer
"""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

STAGES = 3


class ResNet(nn.Module):
    """Pictures (B, channels, H, W) to scores (B, outputs)."""

    def __init__(
        self, channels: int, outputs: int, *, width: int, depth: int, stem: int, dropout: float
    ) -> None:
        """`stem`: the step of the first convolution, in pixels; 2 trains four times as fast."""
        super().__init__()
        self.first = nn.Sequential(_convolution(channels, width, stem), nn.BatchNorm2d(width))
        widths = [width, *(width * 2**stage for stage in range(STAGES))]
        self.stages = nn.Sequential(
            *(
                Block(
                    widths[stage + (block > 0)], widths[stage + 1], 2 if stage and not block else 1
                )
                for stage in range(STAGES)
                for block in range(depth)
            )
        )
        self.dropout = nn.Dropout(dropout)
        self.last = nn.Linear(widths[-1], outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Scores (B, outputs), in full precision: of bf16's three digits, losses would be made."""
        x = self.stages(F.relu(self.first(x)))
        with torch.autocast(x.device.type, enabled=False):
            scores: Tensor = self.last(self.dropout(x.float().mean(dim=(2, 3))))
        return scores


class Block(nn.Module):
    """Two convolutions beside a shortcut: a convolution itself where the shape changes."""

    def __init__(self, before: int, after: int, stride: int) -> None:
        super().__init__()
        self.one = nn.Sequential(_convolution(before, after, stride), nn.BatchNorm2d(after))
        self.two = nn.Sequential(_convolution(after, after, 1), nn.BatchNorm2d(after))
        self.shortcut: nn.Module = nn.Identity()
        if stride > 1 or before != after:
            self.shortcut = nn.Sequential(
                nn.Conv2d(before, after, 1, stride, bias=False), nn.BatchNorm2d(after)
            )

    def forward(self, x: Tensor) -> Tensor:
        """(B, before, H, W) to (B, after, H / stride, W / stride)."""
        return F.relu(self.two(F.relu(self.one(x))) + self.shortcut(x))


def _convolution(before: int, after: int, stride: int) -> nn.Conv2d:
    return nn.Conv2d(before, after, 3, stride, padding=1, bias=False)
