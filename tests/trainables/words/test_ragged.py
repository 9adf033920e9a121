"""Rows of different lengths, in batches."""

from __future__ import annotations

import numpy as np
import torch

from nightsweep.trainables.batches import rows
from nightsweep.trainables.words.ragged import Ragged

# [5], [], [6 7 8], [9]
RAGGED = Ragged.of(
    {"ids": torch.tensor([5, 6, 7, 8, 9]), "weights": torch.arange(5) / 10},
    np.array([0, 1, 1, 4, 5]),
    torch.tensor([0, 1, 2, 3]),
)


def test_a_batch_is_as_wide_as_its_longest_row() -> None:
    (first, y), (second, _) = RAGGED.batches(2, None)
    assert first["ids"].tolist() == [[5], [0]]
    assert second["ids"].tolist() == [[6, 7, 8], [9, 0, 0]]
    assert second["weights"].tolist() == torch.tensor([[0.1, 0.2, 0.3], [0.4, 0, 0]]).tolist()
    assert y.tolist() == [0, 1]


def test_a_batch_of_rows_without_anything_has_one_column() -> None:
    ((x, _),) = RAGGED.take(np.array([1])).batches(8, None)
    assert x["ids"].tolist() == [[0]]


def test_an_order_takes_every_row_once_with_its_target_and_is_the_same_again() -> None:
    seen = [(x["ids"].sum(dim=1).tolist(), y.tolist()) for x, y in RAGGED.batches(3, 7)]
    assert seen == [(x["ids"].sum(dim=1).tolist(), y.tolist()) for x, y in RAGGED.batches(3, 7)]
    sums = {0: 5, 1: 0, 2: 21, 3: 9}
    pairs = [pair for x, y in seen for pair in zip(y, x, strict=True)]
    assert dict(pairs) == sums
    assert [y for y, _ in pairs] != [0, 1, 2, 3]


def test_some_rows_are_taken_with_their_targets() -> None:
    some = RAGGED.take(np.array([3, 2]))
    ((x, y),) = some.batches(8, None)
    assert x["ids"].tolist() == [[9, 0, 0], [6, 7, 8]]
    assert y.tolist() == [3, 2]


def test_the_loop_takes_them_as_they_are() -> None:
    assert rows(RAGGED) is RAGGED
    assert (len(RAGGED), RAGGED.steps(3)) == (4, 2)
