"""`trainable: tabular`: a perceptron on a table, with embeddings for its categories."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from .knob import Knob, Number, Words
from .loop import LOOP, SHARE
from .rows import Rows

KNOBS: dict[str, Knob] = {
    **LOOP,
    "layers": Number(0, 100, whole=True),
    "units": Number(1, 1e6, whole=True),
    "activation": Words(("relu", "gelu", "silu", "tanh")),
    "dropout": SHARE,
    "scaling": Words(("standard", "range")),
}


class Tabular(Rows):
    """A perceptron on a table."""

    name: Literal["tabular"] = "tabular"

    @property
    def knobs(self) -> Mapping[str, Knob]:
        """What a configuration may hold."""
        return KNOBS

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        return {
            "metric": {"name": "val_loss", "goal": "minimize"},
            "parameters": {
                "lr": {"min": 3e-4, "max": 3e-2, "log": True, "default": 3e-3},
                "batch_size": {"values": [16, 32, 64, 128], "default": 32},
                "layers": {"min": 1, "max": 4, "default": 2},
                "units": {"min": 32, "max": 512, "log": True, "default": 256},
                "dropout": {"min": 0.0, "max": 0.5, "default": 0.1},
                "scaling": {"values": ["standard", "range"], "default": "standard"},
                "l2": {"min": 1e-4, "max": 1.0, "log": True, "default": 1e-2},
                "optimizer": "adamw",
                "schedule": "cosine",
                "label_smoothing": 0.1,
                **({"epochs": 30} if self.cv else {}),
            },
            "max_epochs": self.cv or 30,
        }
