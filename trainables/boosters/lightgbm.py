"""LightGBM (Ke et al. 2017)."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import Floats, Task, Trees
from .portions import Portions


class LightGBM(Portions):
    """Boosters, each on the scores of those before it."""

    def __init__(self, trees: Trees, task: Task, cpus: int) -> None:
        import lightgbm

        super().__init__(task)
        self._library: Any = lightgbm
        self._settings = {
            **_objective(task.classes),
            "learning_rate": trees.lr,
            "num_leaves": trees.leaves,
            "max_depth": trees.depth or -1,
            "min_data_in_leaf": trees.min_rows,
            "min_sum_hessian_in_leaf": trees.min_weight,
            "lambda_l1": trees.l1,
            "lambda_l2": trees.l2,
            "bagging_fraction": trees.rows,
            "bagging_freq": 1 if trees.rows < 1 else 0,
            "feature_fraction": trees.columns,
            "boost_from_average": False,  # the scores start there
            "deterministic": True,
            "force_row_wise": True,
            "num_threads": cpus,
            "verbosity": -1,
        }
        self._train = lightgbm.Dataset(
            task.x["train"], task.y["train"], params=self._settings, free_raw_data=False
        )

    def _grown(self, rounds: int, seed: int) -> bytes:
        self._train.set_init_score(self.scores["train"])
        grown = self._library.train({**self._settings, "seed": seed}, self._train, rounds)
        return bytes(grown.model_to_string().encode())

    def _added(self, portion: bytes) -> dict[str, Floats]:
        trees = self._library.Booster(model_str=portion.decode())
        threads = self._settings["num_threads"]
        return {
            name: self.scores[name]
            + np.asarray(trees.predict(x, raw_score=True, num_threads=threads))
            for name, x in self._task.x.items()
        }


def _objective(classes: int) -> dict[str, Any]:
    if classes > 2:
        return {"objective": "multiclass", "num_class": classes}
    return {"objective": "binary" if classes else "regression"}
