"""scikit-learn's histogram boosting, which grows by warm_start.

Its trees cannot be stored without pickle, which is a program (trainables/plain.py): what is kept
is how many there are, and a trial that goes on grows them again, all at once.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from . import Floats, Task, Trees


class Histogram:
    """HistGradientBoostingClassifier or -Regressor."""

    def __init__(self, trees: Trees, task: Task, seed: int) -> None:
        from sklearn import ensemble

        kind = ensemble.HistGradientBoostingClassifier
        self._task = task
        self._rounds = 0
        self.scores = task.begun()
        self._model: Any = (kind if task.classes else ensemble.HistGradientBoostingRegressor)(
            learning_rate=trees.lr,
            max_leaf_nodes=trees.leaves,
            max_depth=trees.depth,
            min_samples_leaf=trees.min_rows,
            l2_regularization=trees.l2,
            max_features=trees.columns,  # anew at each split
            early_stopping=False,
            warm_start=True,
            random_state=seed % 2**32,
        )

    def grow(self, rounds: int, seed: int) -> None:
        """Add trees; `seed` is not needed: its generator goes on."""
        self._rounds += rounds
        self._model.set_params(max_iter=self._rounds)
        self._model.fit(self._task.x["train"], self._task.y["train"])
        self.scores = {name: self._scored(x) for name, x in self._task.x.items()}

    def state_dict(self) -> dict[str, Any]:
        """How many rounds."""
        return {"rounds": self._rounds}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Grow as many again."""
        if state["rounds"]:
            self.grow(state["rounds"], 0)

    def _scored(self, x: Floats) -> Floats:
        found = self._model.decision_function(x) if self._task.classes else self._model.predict(x)
        return np.asarray(found)
