"""`trainable: boosting`: gradient boosted trees, by rounds."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .rows import Rows


class Boosting(Rows):
    """Gradient boosted trees: an epoch is so many rounds."""

    name: Literal["boosting"] = "boosting"
    library: Literal["sklearn", "xgboost", "lightgbm"] = Field(
        "sklearn", description="whose trees; the others must be installed"
    )
    rounds: int = Field(10, ge=1, le=10_000, strict=True, description="trees that an epoch adds")

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        return {
            "metric": {"name": "val_loss", "goal": "minimize"},
            "parameters": {
                "lr": {"min": 0.01, "max": 0.5, "log": True, "default": 0.1},
            },
            "max_epochs": self.cv or 27,
        }
