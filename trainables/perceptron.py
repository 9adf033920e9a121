"""A perceptron on the rows of a table: numbers, and embeddings of categories."""

from __future__ import annotations

import math
from collections.abc import Sequence

import torch
from torch import Tensor, nn

ACTIVATIONS: dict[str, type[nn.Module]] = {
    "relu": nn.ReLU, "gelu": nn.GELU, "silu": nn.SiLU, "tanh": nn.Tanh,
}  # fmt: skip


class Perceptron(nn.Module):
    """`layers` hidden layers of `units`, each followed by the activation and dropout.

    Args:
        numbers: How many a row has.
        sizes: Of each column of categories, how many codes it has.
        outputs: Scores of a row.
    """

    def __init__(
        self,
        numbers: int,
        sizes: Sequence[int],
        outputs: int,
        *,
        layers: int,
        units: int,
        activation: str,
        dropout: float,
    ) -> None:
        super().__init__()
        self.embeddings = nn.ModuleList(_embedding(size) for size in sizes)
        width = numbers + sum(dimension(size) for size in sizes)
        hidden: list[nn.Module] = []
        for _ in range(layers):
            hidden += [nn.Linear(width, units), ACTIVATIONS[activation]()]
            if dropout:
                hidden.append(nn.Dropout(dropout))
            width = units
        self.layers = nn.Sequential(*hidden, nn.Linear(width, outputs))

    def forward(self, numbers: Tensor, codes: Tensor) -> Tensor:
        """Scores (B, outputs) of numbers (B, numbers) and codes of categories (B, len(sizes))."""
        embedded = [embed(codes[:, place]) for place, embed in enumerate(self.embeddings)]
        scores: Tensor = self.layers(torch.cat([numbers, *embedded], dim=1))
        return scores


def _embedding(size: int) -> nn.Embedding:
    """Of so many codes. 0, the unknown, says nothing where training has no such row."""
    embedding = nn.Embedding(size, dimension(size))
    nn.init.zeros_(embedding.weight[0])
    return embedding


def dimension(size: int) -> int:
    """Of the embedding of so many categories (Howard & Gugger 2020, "fastai")."""
    return min(50, round(1.6 * math.pow(size, 0.56)))
