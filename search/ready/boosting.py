"""`trainable: boosting`: gradient boosted trees, by rounds."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from .knob import Knob, Number
from .rows import Rows

SHARE = Number(0.01, 1)
KNOBS: dict[str, Knob] = {
    "lr": Number(1e-6, 1),
    "leaves": Number(2, 100_000, whole=True),
    "depth": Number(1, 1000, whole=True),
    "min_rows": Number(1, whole=True),
    "min_weight": Number(),
    "l1": Number(),
    "l2": Number(),
    "rows": SHARE,
    "columns": SHARE,
    "epochs": Number(1, whole=True),
}
LACKS: Mapping[str, tuple[str, ...]] = {
    "sklearn": ("l1", "min_weight", "rows"),
    "xgboost": ("min_rows",),
}


class Boosting(Rows):
    """Gradient boosted trees: an epoch is so many rounds."""

    name: Literal["boosting"] = "boosting"
    library: Literal["sklearn", "xgboost", "lightgbm"] = Field(
        "sklearn", description="whose trees; the others must be installed"
    )
    rounds: int = Field(
        10, ge=1, le=10_000, strict=True, description="trees that an epoch adds, of each class"
    )

    @property
    def knobs(self) -> Mapping[str, Knob]:
        """What a configuration may hold: what the library has."""
        lacks = LACKS.get(self.library, ())
        return {name: knob for name, knob in KNOBS.items() if name not in lacks}

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        parameters = {
            "lr": {"min": 0.02, "max": 0.5, "log": True, "default": 0.1},
            "leaves": {"min": 3, "max": 64, "log": True, "default": 16},
            "min_rows": {"min": 1, "max": 60, "log": True, "default": 10},
            "min_weight": {"min": 1e-3, "max": 10.0, "log": True, "default": 0.1},
            "l2": {"min": 1e-3, "max": 30.0, "log": True, "default": 1.0},
            "columns": {"min": 0.1, "max": 1.0, "default": 0.5},
            "rows": {"min": 0.3, "max": 1.0, "default": 0.8},
        }
        if self.library == "lightgbm":
            del parameters["min_weight"]  # it has min_rows, which says much the same
        found: dict[str, Any] = {k: v for k, v in parameters.items() if k in self.knobs}
        if self.cv:
            found["epochs"] = {"min": 5, "max": 30, "default": 20}
        return {
            "metric": {"name": "val_loss", "goal": "minimize"},
            "parameters": found,
            "max_epochs": self.cv or 27,
        }
