"""Which trials are best: one, or where there are several objectives a front of them.

Of one objective, a trial counts with its best epoch; of several, with its last, since what is
better at one epoch and worse at another would be several trials. With cross-validation, too, it is
its last: a mean over its first fold, or the first two, may be luck; and trials that have been
judged by all folds stand before those that were stopped sooner.
"""

from __future__ import annotations

from dataclasses import replace

from .events import Reported
from .fronts import first_front
from .objective import Objective
from .record import UNSCORED, Record


class Leaders:
    """Keeps the best of the trials that have reported."""

    def __init__(self, objective: Objective, folds: int | None = None) -> None:
        self.best: Record | None = None
        self._folds = folds
        self._several = objective.several
        self._reported: dict[int, Record] = {}

    def note(self, known: Record, event: Reported) -> None:
        """A trial has reported an epoch, with `known.latest` as its score."""
        self._reported[known.id] = known
        score = known.latest
        if self._folds:
            score = replace(score, folds_left=self._folds - event.epoch)
        if self._several or score < known.score:
            known.score, known.best, known.best_epoch = score, known.last, event.epoch
            known.best_metrics = event.metrics
        if known.score < (self.best.score if self.best else UNSCORED):
            self.best = known
        elif self._several and known is self.best:  # it may be worse than it was
            self.best = min(self._reported.values(), key=lambda known: (known.score, known.id))

    @property
    def front(self) -> list[Record]:
        """Those that none dominates, by the first objective; of one objective, the best alone.

        The first of them is `best`.
        """
        if not self._several:
            return [self.best] if self.best else []
        scores = {known.id: known.score for known in self._reported.values()}
        return [self._reported[trial] for trial in first_front(scores)]
