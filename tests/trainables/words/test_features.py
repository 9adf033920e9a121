"""What an embedding bag sees of texts."""

from __future__ import annotations

import math

import numpy as np
import pytest

from nightsweep.trainables.words.features import features

TEXTS = [["red", "fox"], ["red", "hen"], ["fox", "red"], ["zebra", "zebra"]]
TRAIN = np.array([0, 1, 2])


def of(texts: list[list[str]], train: np.ndarray = TRAIN, **given: object) -> np.ndarray:
    knobs = {"pairs": False, "pieces": False, "least": 1, "most": 99, **given}
    found: np.ndarray = features(texts, train, **knobs).toarray()  # type: ignore[arg-type]
    return found


def test_words_are_weighed_by_how_rare_they_are_among_training_rows() -> None:
    weights = of(TEXTS)  # red, fox, hen
    red, fox, hen = (1 + math.log(4 / (1 + rows)) for rows in (3, 2, 1))
    assert weights[0] == pytest.approx(np.array([red, fox, 0]) / math.hypot(red, fox))
    assert weights[1] == pytest.approx(np.array([red, 0, hen]) / math.hypot(red, hen))


def test_what_only_other_rows_have_is_not_seen() -> None:
    weights = of(TEXTS, pairs=True, pieces=True)
    assert not weights[3].any()
    changed = [*TEXTS[:3], ["red", "quagga", "red"]]
    assert (of(changed, pairs=True, pieces=True)[:3] == weights[:3]).all()


def test_pairs_tell_the_order_of_words() -> None:
    assert (of(TEXTS)[0] == of(TEXTS)[2]).all()
    told = of(TEXTS, pairs=True)
    assert (told[0] != told[2]).any()


def test_pieces_are_shared_by_words_alike() -> None:
    texts = [["walking"], ["walked"], ["hen"]]
    pieces = of(texts, pieces=True)[:, 3:]  # after the three words
    assert (pieces[0] * pieces[1]).sum() > 0
    assert (pieces[0] * pieces[2]).sum() == 0


def test_words_and_pieces_have_length_one_each() -> None:
    assert (of(TEXTS, pieces=True)[:3] ** 2).sum(axis=1) == pytest.approx([2, 2, 2])


def test_what_is_rare_in_training_is_left_out_and_the_frequent_is_kept() -> None:
    assert of(TEXTS, least=2).shape[1] == 2
    assert of(TEXTS, most=1).shape[1] == 1
    assert of(TEXTS, most=1)[:3].all()  # red


def test_a_text_of_one_letter_has_no_pieces_and_is_no_error() -> None:
    assert of([["a"], ["b"], ["a"]], pieces=True).shape == (3, 2)
