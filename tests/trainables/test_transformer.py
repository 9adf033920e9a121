"""The small transformer."""

from __future__ import annotations

import pytest
import torch

from nightsweep.trainables.transformer import Transformer
from nightsweep.trainables.words.vocabulary import START


def small(**given: object) -> Transformer:
    torch.manual_seed(0)
    knobs = {"width": 8, "layers": 2, "heads": 2, "dropout": 0.1, "word_dropout": 0.2}
    return Transformer(20, 3, **(knobs | given))  # type: ignore[arg-type]


def test_nothing_depends_on_the_padding() -> None:
    model = small().eval()
    short = torch.tensor([[START, 5, 9]])
    beside = torch.tensor([[START, 5, 9, 0, 0], [START, 3, 4, 6, 7]])
    assert torch.allclose(model(short), model(beside)[:1], atol=1e-6)


def test_the_order_of_words_matters() -> None:
    model = small().eval()
    assert not torch.allclose(
        model(torch.tensor([[START, 5, 9]])), model(torch.tensor([[START, 9, 5]]))
    )


def test_a_text_of_its_start_alone_has_finite_scores_and_gradients() -> None:
    model = small()
    model(torch.tensor([[START, 0], [START, 4]])).sum().backward()
    assert all(p.grad is None or torch.isfinite(p.grad).all() for p in model.parameters())


def test_a_width_that_heads_do_not_divide_is_refused() -> None:
    with pytest.raises(ValueError, match="width 10 must be a multiple of heads, 4"):
        small(width=10, heads=4)


def test_an_odd_width_has_places_too() -> None:
    assert small(width=7, heads=1)(torch.tensor([[START, 5, 9]])).shape == (1, 3)
