"""XGBoost (Chen & Guestrin 2016): its histogram method, grown leaf by leaf."""

from __future__ import annotations

from typing import Any

import numpy as np

from . import Floats, Task, Trees
from .portions import Portions


class XGBoost(Portions):
    """Boosters, each on the margins of those before it."""

    def __init__(self, trees: Trees, task: Task, cpus: int) -> None:
        import xgboost

        super().__init__(task)
        self._library: Any = xgboost
        self._data = {
            name: xgboost.DMatrix(x, label=task.y[name], nthread=cpus)
            for name, x in task.x.items()
        }
        self._settings = {
            **_objective(task.classes),
            "learning_rate": trees.lr,
            "max_leaves": trees.leaves,
            "max_depth": trees.depth or 0,
            "grow_policy": "lossguide",
            "min_child_weight": trees.min_weight,
            "reg_alpha": trees.l1,
            "reg_lambda": trees.l2,
            "subsample": trees.rows,
            "colsample_bytree": trees.columns,
            "tree_method": "hist",
            "nthread": cpus,
            "verbosity": 0,
        }

    def _grown(self, rounds: int, seed: int) -> bytes:
        train = self._data["train"]
        train.set_base_margin(self.scores["train"])
        grown = self._library.train({**self._settings, "seed": seed}, train, rounds)
        return bytes(grown.save_raw("ubj"))

    def _added(self, portion: bytes) -> dict[str, Floats]:
        trees = self._library.Booster({"nthread": self._settings["nthread"]})
        trees.load_model(bytearray(portion))
        found = {}
        for name, data in self._data.items():
            data.set_base_margin(self.scores[name])
            margin = trees.predict(data, output_margin=True)
            found[name] = np.asarray(margin, dtype=np.float64)
        return found


def _objective(classes: int) -> dict[str, Any]:
    if classes > 2:
        return {"objective": "multi:softprob", "num_class": classes}
    return {"objective": "binary:logistic" if classes else "reg:squarederror"}
