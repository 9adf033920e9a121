"""The perceptron on tables: what goes in, what comes out."""

from __future__ import annotations

from typing import Any

import pytest
import torch

from nightsweep.search.ready.tabular import KNOBS
from nightsweep.trainables.perceptron import ACTIVATIONS, Perceptron, dimension

KNOWN: dict[str, Any] = {"layers": 2, "units": 8, "activation": "relu", "dropout": 0.1}


@pytest.mark.parametrize(("numbers", "sizes"), [(3, [4, 9]), (3, []), (0, [4])])
def test_numbers_and_categories_become_scores(numbers: int, sizes: list[int]) -> None:
    model = Perceptron(numbers, sizes, 5, **KNOWN)
    codes = torch.zeros(7, len(sizes), dtype=torch.int64)
    assert model(torch.zeros(7, numbers), codes).shape == (7, 5)


def test_an_unknown_category_says_nothing_before_it_is_learned() -> None:
    model = Perceptron(0, [4, 9], 5, **KNOWN)
    weights = [weight for name, weight in model.named_parameters() if "embed" in name]
    assert len(weights) == 2
    assert [bool(weight[0].any()) for weight in weights] == [False, False]
    assert [bool(weight[1:].any(dim=1).all()) for weight in weights] == [True, True]


def test_without_layers_it_is_linear() -> None:
    model = Perceptron(3, [], 1, **KNOWN | {"layers": 0})
    assert sum(weight.numel() for weight in model.parameters()) == 4


def test_every_activation_that_a_sweep_may_name_is_there() -> None:
    words: Any = KNOBS["activation"]
    assert words.allowed == tuple(ACTIVATIONS)


def test_embeddings_are_smaller_than_their_categories_and_bounded() -> None:
    assert [dimension(size) for size in (2, 10, 100, 10**6)] == [2, 6, 21, 50]
