"""Values kept in order as they come and go, where there may be a hundred thousand of them.

In one list each that comes would move half of all others, and the cost of a sweep would grow with
the square of its trials. Here they lie in chunks.
"""

from __future__ import annotations

from bisect import bisect_left, insort
from collections.abc import Iterable, Iterator, Sequence
from itertools import chain, islice
from typing import Any, Protocol, TypeVar, overload

CHUNK = 1000  # values at most in one that is split in two


class Ordered(Protocol):
    """What can be sorted."""

    def __lt__(self, other: Any, /) -> bool: ...


T = TypeVar("T", bound=Ordered)


class Ranking(Sequence[T]):
    """A sequence that is sorted at any time, the least value first."""

    def __init__(self, values: Iterable[T] = ()) -> None:
        ordered = sorted(values)
        half = CHUNK // 2
        self._chunks = [ordered[at : at + half] for at in range(0, len(ordered), half)]
        self._last = [chunk[-1] for chunk in self._chunks]
        self._length = len(ordered)

    def add(self, value: T) -> None:
        """Take a value in; behind those equal to it is no different from before them."""
        if not self._chunks:
            self._chunks, self._last = [[]], [value]
        at = min(bisect_left(self._last, value), len(self._chunks) - 1)
        chunk = self._chunks[at]
        insort(chunk, value)
        if len(chunk) > CHUNK:
            self._chunks.insert(at, chunk[: CHUNK // 2])
            self._last.insert(at, chunk[CHUNK // 2 - 1])
            del chunk[: CHUNK // 2]
            at += 1
        self._last[at] = chunk[-1]
        self._length += 1

    def remove(self, value: T) -> None:
        """Take a value out. Errors: ValueError if it is not there."""
        at = bisect_left(self._last, value)
        chunk = self._chunks[at] if at < len(self._chunks) else []
        place = bisect_left(chunk, value)
        if chunk[place : place + 1] != [value]:
            raise ValueError(f"{value} is not in the ranking")
        del chunk[place]
        if chunk:
            self._last[at] = chunk[-1]
        else:
            del self._chunks[at], self._last[at]
        self._length -= 1

    def before(self, value: T) -> int:
        """How many are less than a value."""
        at = bisect_left(self._last, value)
        if at == len(self._chunks):
            return self._length
        return sum(map(len, self._chunks[:at])) + bisect_left(self._chunks[at], value)

    def __eq__(self, other: object) -> bool:
        return isinstance(other, Ranking) and list(self) == list(other)

    def __len__(self) -> int:
        return self._length

    def __iter__(self) -> Iterator[T]:
        return chain.from_iterable(self._chunks)

    @overload
    def __getitem__(self, index: int) -> T: ...
    @overload
    def __getitem__(self, index: slice) -> list[T]: ...
    def __getitem__(self, index: int | slice) -> T | list[T]:
        if isinstance(index, slice):
            start, stop, step = index.indices(self._length)
            return list(islice(self, start, stop, step)) if step > 0 else list(self)[index]
        place = index + self._length if index < 0 else index
        if place < 0:
            raise IndexError(f"there is no value {index} among {self._length}")
        for chunk in self._chunks:
            if place < len(chunk):
                return chunk[place]
            place -= len(chunk)
        raise IndexError(f"there is no value {index} among {self._length}")
