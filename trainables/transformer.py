"""A small transformer that reads a text (Vaswani et al. 2017, "Attention is all you need").

Norms come before attention and layers (Xiong et al. 2020), so that it learns without warm-up; what
it says of a text is the mean over its words.
"""

from __future__ import annotations

import math

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from .words.vocabulary import PADDING, START, UNKNOWN

LONGEST_WAVE = 10_000.0  # in words, over 2π: of the positions


class Transformer(nn.Module):
    """Scores (B, outputs) of words (B, L), filled up with PADDING, which nothing depends on.

    `heads` share the `width`, which they must divide. `word_dropout`: of words that are read as
    unknown. Errors: ValueError.
    """

    def __init__(
        self,
        words: int,
        outputs: int,
        *,
        width: int,
        layers: int,
        heads: int,
        dropout: float,
        word_dropout: float,
    ) -> None:
        super().__init__()
        if width % heads:
            raise ValueError(f"width {width} must be a multiple of heads, {heads}")
        self.embedding = nn.Embedding(words, width, padding_idx=PADDING)
        nn.init.normal_(self.embedding.weight, std=width**-0.5)
        self.word_dropout = word_dropout
        self.dropout = nn.Dropout(dropout)
        self.layers = nn.ModuleList(Layer(width, heads, dropout) for _ in range(layers))
        self.norm = nn.LayerNorm(width)
        self.scores = nn.Linear(width, outputs)

    def forward(self, ids: Tensor) -> Tensor:
        there = ids != PADDING
        if self.training and self.word_dropout:
            lost = torch.rand(ids.shape, device=ids.device) < self.word_dropout
            ids = ids.masked_fill(lost & there & (ids != START), UNKNOWN)
        width = self.embedding.embedding_dim
        x = self.embedding(ids) * math.sqrt(width) + waves(ids.shape[1], width, ids.device)
        x = self.dropout(x)
        for layer in self.layers:
            x = layer(x, there)
        mask = there.unsqueeze(-1)
        mean = (self.norm(x) * mask).sum(dim=1) / mask.sum(dim=1)
        scores: Tensor = self.scores(self.dropout(mean))
        return scores


class Layer(nn.Module):
    """Attention, then two layers on each word; each is added to what it was given."""

    def __init__(self, width: int, heads: int, dropout: float) -> None:
        super().__init__()
        self.heads = heads
        self.before = nn.LayerNorm(width)
        self.queries = nn.Linear(width, 3 * width)  # and keys, and values
        self.joined = nn.Linear(width, width)
        self.words = nn.Sequential(
            nn.LayerNorm(width),
            nn.Linear(width, 4 * width),
            nn.GELU(),
            nn.Dropout(dropout),
            nn.Linear(4 * width, width),
        )
        self.dropout = nn.Dropout(dropout)

    def forward(self, x: Tensor, there: Tensor) -> Tensor:
        """Words (B, L, width), of which those `there` (B, L) are attended to."""
        parts = self.queries(self.before(x)).unflatten(-1, (3, self.heads, -1))
        q, k, v = parts.permute(2, 0, 3, 1, 4)  # (B, heads, L, width / heads) each
        attended = F.scaled_dot_product_attention(q, k, v, attn_mask=there[:, None, None, :])
        x = x + self.dropout(self.joined(attended.transpose(1, 2).flatten(2)))
        read: Tensor = x + self.dropout(self.words(x))
        return read


def waves(length: int, width: int, device: torch.device) -> Tensor:
    """Where a word stands, as sines and cosines of falling pitch (length, width)."""
    places = torch.arange(length, device=device, dtype=torch.float32)[:, None]
    pitches = torch.arange(0, width, 2, device=device, dtype=torch.float32) / width
    angles = places * LONGEST_WAVE**-pitches
    return torch.cat([angles.sin(), angles.cos()], dim=1)[:, :width]
