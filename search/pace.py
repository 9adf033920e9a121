"""How long epochs take, and so what can still be trained in the time that is left."""

from __future__ import annotations

from collections import deque
from statistics import median

LATEST = 200  # epochs that tell what is usual
SLACK = 1.1  # epochs vary, and a slot needs a moment between two trials


class Pace:
    """Learns from every report that says how long it took."""

    def __init__(self) -> None:
        self._latest: deque[float] = deque(maxlen=LATEST)
        self._own: dict[int, tuple[int, float]] = {}  # epochs of a trial, and their seconds

    def note(self, trial: int, seconds: float | None) -> None:
        """A trial has trained an epoch."""
        if seconds is not None:
            self._latest.append(seconds)
            epochs, total = self._own.get(trial, (0, 0.0))
            self._own[trial] = (epochs + 1, total + seconds)

    def epoch(self, trial: int) -> float | None:
        """Seconds that an epoch of this trial takes: its own mean, or what is usual for others.

        None while nothing is known.
        """
        if trial in self._own:
            epochs, total = self._own[trial]
            return total / epochs
        return median(self._latest) if self._latest else None

    def can_train(self, trial: int, epochs: int, left: float | None) -> bool:
        """Whether so many epochs fit into `left` seconds; they do while nothing is known."""
        if left is None:
            return True
        seconds = self.epoch(trial)
        return seconds is None or epochs * seconds * SLACK <= left
