"""`trainable: sklearn`: any estimator or pipeline of scikit-learn's kind, judged fold by fold."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, Literal

from pydantic import Field, field_validator

from ..brief import brief
from ..nearest import nearest
from .rows import Rows
from .rows import Text as Word

KINDS = ("Classifier", "Regressor")
FOREST = "sklearn.ensemble.RandomForest"  # where no estimator is named


class Estimator(Rows):
    """An estimator, by cross-validation: an epoch is a fold."""

    name: Literal["sklearn"] = "sklearn"
    estimator: Word | None = Field(
        None,
        description="where it can be imported from: sklearn.svm.SVC, mine.make, mine.py:pipeline; "
        "a random forest without it",
    )
    cv: int = Field(5, ge=2, le=100, strict=True, description="folds; an epoch is one of them")
    scoring: Word | None = Field(
        None, description="scikit-learn's name of a score; accuracy or R² without it"
    )

    @field_validator("estimator")
    @classmethod
    def _importable(cls, given: str | None) -> str | None:
        if given is None or "." in given or ":" in given:
            return given
        near = nearest(given, list(known := dict(_known())))
        hint = f'. Did you mean "{known[near]}"?' if near else ""
        raise ValueError(f"{brief(given)} is no import path, such as sklearn.svm.SVC{hint}")

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing.

        Of an estimator that is not in `RANGES` there is nothing to say: no `parameters`.
        """
        ranges = ranges_of(self.estimator or FOREST)
        return {
            "metric": {"name": "val_score", "goal": "maximize"},
            **({"parameters": dict(ranges)} if ranges else {}),
            "max_epochs": self.cv,
        }


def ranges_of(estimator: str) -> Mapping[str, Any] | None:
    """What is searched of an estimator by its import path; classifier or regressor alike."""
    path = estimator.replace(":", ".")
    kind = next((kind for kind in KINDS if path.endswith(kind)), "")
    return RANGES.get(path.removesuffix(kind))


def _known() -> Iterator[tuple[str, str]]:
    """The last words of import paths that have ranges, and the paths."""
    for path in RANGES:
        _, module, name = path.split(".")
        for kind in ("",) if module in ("linear_model", "svm") else KINDS:
            yield name + kind, path + kind


def _log(least: float, most: float, default: float) -> dict[str, Any]:
    return {"min": least, "max": most, "log": True, "default": default}


_LEAF = _log(1, 30, 1)
_SHARE = {"min": 0.1, "max": 1.0, "default": 0.3}  # of the columns, at each split
_RATE = _log(0.01, 0.5, 0.1)
_FOREST = {
    "n_estimators": 100,
    "max_depth": _log(2, 40, 20),
    "min_samples_leaf": _log(1, 20, 1),
    "max_features": _SHARE,
}
_ALPHA = _log(1e-5, 1.0, 1e-2)
_KERNEL = {"C": _log(1e-2, 1e3, 1.0), "gamma": _log(1e-5, 1.0, 1e-2)}

# The parameters that matter most (van Rijn & Hutter 2018, "Hyperparameter importance across
# datasets"; Probst et al. 2019, "Tunability"), for columns and targets that are standardised.
RANGES: Mapping[str, Mapping[str, Any]] = {
    "sklearn.tree.DecisionTree": {
        "max_depth": _log(1, 30, 8),
        "min_samples_leaf": _log(1, 60, 5),
        "max_features": {"min": 0.2, "max": 1.0, "default": 1.0},
        "ccp_alpha": _log(1e-6, 0.05, 1e-6),
    },
    FOREST: _FOREST,
    "sklearn.ensemble.ExtraTrees": _FOREST,
    "sklearn.ensemble.GradientBoosting": {
        "learning_rate": _RATE,
        "n_estimators": _log(50, 500, 100),
        "max_depth": {"min": 1, "max": 8, "default": 3},
        "min_samples_leaf": _LEAF,
        "subsample": {"min": 0.4, "max": 1.0, "default": 0.8},
        "max_features": _SHARE,
    },
    "sklearn.ensemble.HistGradientBoosting": {
        "learning_rate": _RATE,
        "max_iter": _log(50, 500, 100),
        "max_leaf_nodes": _log(4, 64, 31),
        "min_samples_leaf": _log(2, 60, 20),
        "l2_regularization": _log(1e-6, 10.0, 1e-3),
        "max_features": {"min": 0.2, "max": 1.0, "default": 1.0},
    },
    "sklearn.linear_model.LogisticRegression": {"C": _log(1e-4, 1e3, 1.0), "max_iter": 2000},
    "sklearn.linear_model.Ridge": {"alpha": _log(1e-3, 1e5, 1.0)},
    "sklearn.linear_model.Lasso": {"alpha": _ALPHA, "max_iter": 10_000},
    "sklearn.linear_model.ElasticNet": {
        "alpha": _ALPHA,
        "l1_ratio": {"min": 0.0, "max": 1.0, "default": 0.5},
        "max_iter": 10_000,
    },
    "sklearn.svm.SVC": _KERNEL,
    "sklearn.svm.SVR": {**_KERNEL, "epsilon": _log(1e-3, 1.0, 0.1)},
    "sklearn.neighbors.KNeighbors": {
        "n_neighbors": _log(1, 60, 5),
        "weights": {"values": ["uniform", "distance"]},
        "p": {"values": [1, 2], "default": 2},
    },
    "sklearn.neural_network.MLP": {
        "hidden_layer_sizes": _log(16, 512, 100),
        "alpha": _log(1e-6, 1.0, 1e-4),
        "learning_rate_init": _log(1e-4, 0.1, 1e-3),
        "batch_size": {"values": [32, 64, 128, 256], "default": 128},
        "max_iter": 300,
    },
}
