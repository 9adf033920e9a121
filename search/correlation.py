"""How alike two orders are: Spearman's rank correlation."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray


def spearman(pairs: Iterable[tuple[float, float]]) -> float:
    """From -1 (the reverse order) to 1 (the same); equal values share their average rank.

    0 where all values on one side are equal: they say nothing about the other.
    """
    left, right = np.array(list(pairs), dtype=float).T
    a, b = _centred(left), _centred(right)
    spread = float(np.sqrt((a @ a) * (b @ b)))
    return float(a @ b) / spread if spread else 0.0


def _centred(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Each value's rank, less the average rank. Infinities have one too."""
    _, place, counts = np.unique(values, return_inverse=True, return_counts=True)
    ranks: NDArray[np.float64] = np.cumsum(counts) - (counts - 1) / 2
    return ranks[place] - (len(values) + 1) / 2
