"""The scale of a target that is a number: networks learn to say it standardised."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import numpy as np
from torch import Tensor

Metric = Callable[[Tensor, Tensor], Tensor]


@dataclass(frozen=True, slots=True, kw_only=True)
class Scale:
    """Mean and spread of a target, in training."""

    mean: float
    spread: float

    @classmethod
    def of(cls, values: np.ndarray[Any, Any]) -> Scale:
        """Of the rows that are trained on, (N,)."""
        # The squares of the tiniest numbers are 0.
        spread = float(values.std()) or float(np.ptp(values)) or 1.0
        return cls(mean=float(values.mean()), spread=spread)

    def standard(self, values: Tensor) -> Tensor:
        """As the network is to say them."""
        return ((values - self.mean) / self.spread).float()

    @property
    def metrics(self) -> dict[str, Metric]:
        """Of standardised scores and targets (N,): rmse and mae as large as the target is, r2."""
        return {
            "rmse": lambda scores, y: self.spread * (scores - y).square().mean().sqrt(),
            "mae": lambda scores, y: self.spread * (scores - y).abs().mean(),
            "r2": lambda scores, y: (
                1 - (scores - y).square().sum() / (y - y.mean()).square().sum()
            ),
        }
