"""Non-dominated sorting with crowding: how NSGA-II ranks several objectives (Deb et al. 2002).

Nobody in the first front is dominated; nobody in the second is but by those in the first, and so
on. Within a front, who has more room around it comes first, so that what is kept is spread out.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence

from .objective import Score


class Fronts:
    """Trials in fronts. One more costs a comparison with each at most, as a rule far fewer."""

    def __init__(self, scores: Mapping[int, Score] | None = None) -> None:
        self.scores: dict[int, Score] = {}
        self.fronts: list[list[int]] = []
        self._values: dict[int, float] | None = None
        for trial, score in (scores or {}).items():
            self.add(trial, score)

    def add(self, trial: int, score: Score) -> None:
        """Take in a new trial; whom it dominates falls to the next front, and so on down
        (Li et al. 2017, "Efficient Nondomination Level Update Method")."""
        self.scores[trial] = score
        self._values = None
        level = next(
            (k for k, front in enumerate(self.fronts) if not self._below(trial, front)), None
        )
        level, falling = len(self.fronts) if level is None else level, [trial]
        while falling and level < len(self.fronts):
            front = self.fronts[level]
            fallen = {other for other in front if self._below(other, falling)}
            self.fronts[level] = [other for other in front if other not in fallen] + falling
            falling = [other for other in front if other in fallen]
            level += 1
        if falling:
            self.fronts.append(falling)

    def joined(self, trial: int, score: Score) -> Fronts:
        """The fronts as they would be with one more trial."""
        new = Fronts()
        new.scores, new.fronts = dict(self.scores), [list(front) for front in self.fronts]
        new.add(trial, score)
        return new

    def values(self) -> dict[int, float]:
        """Each trial's place as a number, lower being better: 1 and up in the first front."""
        if self._values is None:
            self._values = {
                trial: number + place / len(front)
                for number, front in enumerate(self.fronts, start=1)
                for place, trial in enumerate(self._spread(front))
            }
        return self._values

    def value(self, trial: int) -> float:
        """That of one trial."""
        number, front = next(
            (k, front) for k, front in enumerate(self.fronts, start=1) if trial in front
        )
        return number + self._spread(front).index(trial) / len(front)

    def _below(self, trial: int, others: Sequence[int]) -> bool:
        score = self.scores[trial]
        return any(self.scores[other].dominates(score) for other in others)

    def _spread(self, front: Sequence[int]) -> list[int]:
        """A front, those with the most room first; of equals, the one that came first."""
        room = crowding([self.scores[trial].values for trial in front])
        return [front[i] for i in sorted(range(len(front)), key=lambda i: (-room[i], front[i]))]


def first_front(scores: Mapping[int, Score]) -> list[int]:
    """Those that none dominates, by the first objective."""
    found: list[int] = []
    for trial in sorted(scores, key=lambda trial: (scores[trial], trial)):
        # Only what comes before in this order can dominate, and only by what is itself on it.
        if not any(scores[other].dominates(scores[trial]) for other in found):
            found.append(trial)
    return found


def crowding(points: Sequence[tuple[float, ...]]) -> list[float]:
    """How far apart each point's neighbours are, summed over the objectives; inf at the ends."""
    room = [0.0] * len(points)
    for side in zip(*points, strict=True):
        order = sorted(range(len(points)), key=side.__getitem__)
        span = side[order[-1]] - side[order[0]]
        room[order[0]] = room[order[-1]] = math.inf
        if not 0 < span < math.inf:
            continue
        for before, here, after in zip(order, order[1:], order[2:], strict=False):
            room[here] += (side[after] - side[before]) / span
    return room
