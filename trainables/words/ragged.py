"""Rows of different lengths in memory, filled up to the longest of their batch."""

from __future__ import annotations

import math
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from ..batches import Batch

Numbers = NDArray[np.int64]


@dataclass(frozen=True, slots=True, kw_only=True)
class Ragged:
    """Rows as parts of one long tensor a name: row i is `lengths[i]` long from `begins[i]` on.

    A batch is a dict of tensors (B, longest of the batch), filled up with zeros, and targets
    (B,). No length is asked of a device, so no step waits for one.
    """

    values: Mapping[str, Tensor]  # (all rows' together,)
    begins: Numbers  # (N,)
    lengths: Numbers  # (N,)
    y: Tensor  # (N,)

    @classmethod
    def of(cls, values: Mapping[str, Tensor], ends: Numbers, y: Tensor) -> Ragged:
        """Of rows that stand one after another. `ends`: a zero, and where each ends (N + 1,)."""
        return cls(values=values, begins=ends[:-1], lengths=np.diff(ends), y=y)

    def take(self, rows: Numbers) -> Ragged:
        """Some of the rows; nothing is copied but where they stand."""
        return replace(self, begins=self.begins[rows], lengths=self.lengths[rows], y=self.y[rows])

    def __len__(self) -> int:
        return len(self.y)

    def steps(self, size: int) -> int:
        """The last batch may be smaller."""
        return math.ceil(len(self) / size)

    def batches(self, size: int, order: int | None) -> Iterator[Batch]:
        """All rows, `size` at a time. `order`: the seed of their order; None: as they come."""
        rows = np.arange(len(self))
        if order is not None:
            rows = np.random.default_rng(order).permutation(rows)
        for start in range(0, len(rows), size):
            some = rows[start : start + size]
            yield self._padded(some), self.y[torch.from_numpy(some)]

    def _padded(self, rows: Numbers) -> dict[str, Tensor]:
        lengths = self.lengths[rows]
        steps = np.arange(max(lengths.max(), 1))
        inside = torch.from_numpy(steps < lengths[:, None])
        places = torch.from_numpy(self.begins[rows][:, None] + steps)[inside]
        padded = {}
        for name, values in self.values.items():
            padded[name] = torch.zeros(inside.shape, dtype=values.dtype)
            padded[name][inside] = values[places]
        return padded
