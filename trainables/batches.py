"""Data as the training loop takes it: in memory, as a Dataset, or as somebody's own loader.

The order of the rows in an epoch follows from the trial's seed and the epoch alone, so a trial
that goes on from a checkpoint sees the same batches, whatever was drawn before.
"""

from __future__ import annotations

import math
import random
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any, Protocol, runtime_checkable

import numpy as np
import torch
from torch import Tensor
from torch.utils.data import DataLoader, Dataset

from ..search.brief import brief

Batch = tuple[
    Any, Tensor
]  # inputs (a tensor (B, ...), or a tuple or dict of them), targets (B, ...)


@runtime_checkable
class Rows(Protocol):
    """Rows of data, handed out in batches."""

    def __len__(self) -> int: ...

    def steps(self, size: int) -> int:
        """How many batches there are, of `size` rows each."""

    def batches(self, size: int, order: int | None) -> Iterator[Batch]:
        """All rows, `size` at a time. `order`: the seed of their order; None: as they come."""


@dataclass(frozen=True, slots=True)
class InMemory:
    """Tensors, each (N, ...): batches are cut from them, which is faster than any loader."""

    x: Any
    y: Tensor

    def __len__(self) -> int:
        return len(self.y)

    def steps(self, size: int) -> int:
        """The last batch may be smaller."""
        return math.ceil(len(self) / size)

    def batches(self, size: int, order: int | None) -> Iterator[Batch]:
        """Rows that stand in a new order, cut."""
        x, y = self.x, self.y
        if order is not None:
            rows = torch.from_numpy(np.random.default_rng(order).permutation(len(y)))
            x, y = each(x, lambda t: t[rows.to(t.device)]), y[rows.to(y.device)]
        for start in range(0, len(y), size):
            stop = start + size
            yield each(x, lambda t, a=start, b=stop: t[a:b]), y[start:stop]  # type: ignore[misc]


@dataclass(frozen=True, slots=True)
class Stored:
    """A torch Dataset of pairs, read by `workers` processes beside the training.

    `pinned`: into memory from which a GPU reads faster.
    """

    data: Dataset[Any]
    workers: int = 0
    pinned: bool = False

    def __len__(self) -> int:
        return len(self.data)  # type: ignore[arg-type]

    def steps(self, size: int) -> int:
        """The last batch may be smaller."""
        return math.ceil(len(self) / size)

    def batches(self, size: int, order: int | None) -> Iterator[Batch]:
        """By torch's DataLoader; its workers' generators follow from `order` too."""
        rows: Sequence[int] = range(len(self))
        if order is not None:
            rows = np.random.default_rng(order).permutation(len(self)).tolist()
        yield from DataLoader(
            self.data,
            batch_size=size,
            sampler=rows,
            num_workers=self.workers,
            worker_init_fn=_seeded,
            generator=torch.Generator().manual_seed(order or 0),
            pin_memory=self.pinned,
        )


@dataclass(frozen=True, slots=True)
class Own:
    """Somebody's own loader: its batch size and its order are its own."""

    loader: Any

    def __len__(self) -> int:
        return len(self.loader.dataset)

    def steps(self, size: int) -> int:
        """As the loader says."""
        return len(self.loader)

    def batches(self, size: int, order: int | None) -> Iterator[Batch]:
        """As they come."""
        yield from self.loader


@dataclass(frozen=True, slots=True, kw_only=True)
class Data:
    """What to train on, and what to judge by: (x, y) tensors, a Dataset, a DataLoader, or Rows.

    `test`: what no decision is to see; what a model would do on it is reported, and that is all.
    """

    train: Any
    val: Any
    test: Any = None


def rows(given: Any, workers: int = 0, *, pinned: bool = False) -> Rows:
    """Data as the loop takes it. `workers`, `pinned`: as a Dataset is read.

    Errors: TypeError, ValueError.
    """
    if isinstance(given, DataLoader):
        return Own(given)
    if isinstance(given, Dataset):
        return Stored(given, workers, pinned)
    if isinstance(given, Rows):
        return given
    if isinstance(given, tuple | list) and len(given) == 2:
        x, y = each(given[0], torch.as_tensor), torch.as_tensor(given[1])
        lengths = {len(y), *(len(tensor) for tensor in leaves(x))}
        if len(lengths) > 1:
            raise ValueError(f"inputs and targets differ in length: {sorted(lengths)}")
        return InMemory(x, y)
    raise TypeError(
        f"data must be a pair (x, y) of tensors, a Dataset or a DataLoader, not {brief(given)}"
    )


def each(x: Any, act: Callable[[Any], Any]) -> Any:
    """What `act` makes of each tensor in inputs."""
    if isinstance(x, dict):
        return {key: act(value) for key, value in x.items()}
    return tuple(act(value) for value in x) if isinstance(x, tuple | list) else act(x)


def leaves(x: Any) -> list[Tensor]:
    """The tensors in inputs."""
    if isinstance(x, dict):
        return list(x.values())
    return list(x) if isinstance(x, tuple | list) else [x]


def _seeded(worker: int) -> None:
    """In a loader's worker: torch has seeded its own generator, from which the others follow."""
    seed = torch.initial_seed() % 2**32
    random.seed(seed)
    np.random.seed(seed)
