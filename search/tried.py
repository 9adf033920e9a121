"""Which configurations have been tried as often as they may be."""

from __future__ import annotations

from collections import Counter

from .space import Config, Key, Space


class Tried:
    """A container of configurations; finding one takes as long among ten as among millions."""

    def __init__(self, space: Space, replicates: int = 1) -> None:
        self._space = space
        self._replicates = replicates
        self._times: Counter[Key] = Counter()

    def add(self, config: Config) -> None:
        """A trial of it has begun."""
        self._times[self._space.key(config)] += 1

    def __contains__(self, config: object) -> bool:
        assert isinstance(config, dict)
        return self._times[self._space.key(config)] >= self._replicates
