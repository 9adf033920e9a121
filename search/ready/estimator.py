"""`trainable: sklearn`: any estimator or pipeline of scikit-learn's kind, judged fold by fold."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .rows import Rows
from .rows import Text as Word


class Estimator(Rows):
    """An estimator, by cross-validation: an epoch is a fold."""

    name: Literal["sklearn"] = "sklearn"
    estimator: Word = Field(
        "sklearn.ensemble.RandomForestClassifier", description="where it can be imported from"
    )
    cv: int = Field(5, ge=2, le=100, strict=True, description="folds; an epoch is one of them")
    scoring: Word | None = Field(
        None, description="scikit-learn's name of a score; accuracy or R² without it"
    )

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        return {
            "metric": {"name": "val_score", "goal": "maximize"},
            "parameters": {},
            "max_epochs": self.cv,
            "scheduler": {"name": "asha", "grace": 2, "eta": 2} if self.cv > 2 else "none",
        }
