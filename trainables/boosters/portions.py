"""Trees in portions: each epoch's are a small model of their own, on top of the scores so far.

Portions are stored as the library's own bytes and read back at once, trained on or not, so that
what a trial goes on with after a pause is what it had before, to the last bit: libraries that
continue a model draw their samples anew and sum scores in another order.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from typing import Any

from . import Floats, Task


class Portions(ABC):
    """What the libraries that store their trees have in common."""

    def __init__(self, task: Task) -> None:
        self._task = task
        self._stored: list[bytes] = []
        self.scores = task.begun()

    def grow(self, rounds: int, seed: int) -> None:
        """Add trees."""
        self._take(self._grown(rounds, seed % 2**31))

    def state_dict(self) -> dict[str, Any]:
        """The portions, and what their scores are added to."""
        return {"portions": list(self._stored), "start": self._task.start.tolist()}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Take the portions in, in order."""
        self._stored, self.scores = [], self._task.begun()
        for portion in state["portions"]:
            self._take(portion)

    def _take(self, portion: bytes) -> None:
        self._stored.append(portion)
        self.scores = self._added(portion)

    @abstractmethod
    def _grown(self, rounds: int, seed: int) -> bytes:
        """Trees that are fitted to what the scores of the training part lack."""

    @abstractmethod
    def _added(self, portion: bytes) -> dict[str, Floats]:
        """The scores of all parts, with those of a portion's trees."""
