"""The embedding bag."""

from __future__ import annotations

import torch

from nightsweep.trainables.bag import Bag


def small() -> Bag:
    torch.manual_seed(0)
    return Bag(9, 3, width=4, dropout=0.2, word_dropout=0.2).eval()


def test_nothing_depends_on_what_a_row_is_filled_up_with() -> None:
    bag = small()
    alone = bag(torch.tensor([[9, 2]]), torch.tensor([[0.5, 1.0]]))
    filled = bag(torch.tensor([[9, 2, 0], [1, 3, 4]]), torch.tensor([[0.5, 1.0, 0.0], [1.0] * 3]))
    assert torch.allclose(alone, filled[:1])


def test_a_text_without_features_has_the_scores_of_any() -> None:
    bag = small()
    assert torch.equal(bag(torch.tensor([[0]]), torch.zeros(1, 1))[0], bag.scores.bias)


def test_a_weight_says_how_much_a_feature_counts() -> None:
    bag = small()
    once, twice = (
        bag(torch.tensor([[3]]), torch.tensor([[weight]])) - bag.scores.bias
        for weight in (1.0, 2.0)
    )
    assert torch.allclose(2 * once, twice)
    assert once.abs().max() > 0
