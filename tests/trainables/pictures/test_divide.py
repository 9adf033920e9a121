"""Which pictures are trained on, judged by and tested with."""

from __future__ import annotations

import numpy as np
import pytest

from nightsweep.search.errors import DataError
from nightsweep.search.ready import Image
from nightsweep.trainables.pictures.divide import divided, folded
from nightsweep.trainables.pictures.pictures import PARTS, Pictures
from nightsweep.trainables.table.split import Split


def pictures(
    counts: tuple[int, ...] = (60, 30, 10), val: int = 0, test: int = 0, *, numbers: bool = False
) -> Pictures:
    """So many of each class; the last ones in parts of their own."""
    y = np.random.default_rng(0).permutation(np.repeat(np.arange(len(counts)), counts))
    part = np.zeros(len(y), dtype=np.int8)
    part[len(y) - val - test :] = PARTS.index("val")
    part[len(y) - test :] = PARTS.index("test")
    x = np.zeros((len(y), 1, 2, 2), dtype=np.uint8)
    names = () if numbers else tuple("abcdefgh"[: len(counts)])
    return Pictures(x=x, y=y + 0.5 if numbers else y, classes=names, part=part)


def sizes(split: Split) -> tuple[int, int, int]:
    return len(split.train), len(split.val), len(split.test)


def apart(split: Split) -> bool:
    together = np.concatenate([split.train, split.val, split.test])
    return len(set(together.tolist())) == len(together)


def test_one_heap_is_divided_in_three_with_every_class_in_each() -> None:
    found, made = pictures(), divided(pictures(), Image())
    assert sizes(made) == (60, 20, 20)
    assert apart(made)
    for part in (made.train, made.val, made.test):
        assert np.bincount(found.y[part]).tolist() == [len(part) * n // 10 for n in (6, 3, 1)]


def test_a_given_test_part_is_the_test_part() -> None:
    found = pictures(test=20)
    made = divided(found, Image())
    assert made.test.tolist() == found.of("test").tolist()
    assert sizes(made) == (64, 16, 20)
    assert apart(made)


def test_a_given_part_to_judge_by_is_that_and_no_test_part_is_taken_from_the_rest() -> None:
    found = pictures(val=30)
    made = divided(found, Image())
    assert made.val.tolist() == found.of("val").tolist()
    assert sizes(made) == (70, 30, 0)


def test_a_limit_takes_from_each_class_its_share_and_leaves_a_given_test_part_alone() -> None:
    found = pictures(test=20)
    made = divided(found, Image(limit=40, val=0.25))
    assert sizes(made) == (30, 10, 20)
    used = np.concatenate([made.train, made.val])
    pool = np.flatnonzero(found.part == 0)
    share = np.bincount(found.y[pool]) / len(pool)
    assert np.allclose(np.bincount(found.y[used]) / 40, share, atol=0.03)


def test_a_limit_above_what_there_is_changes_nothing() -> None:
    more, none = divided(pictures(), Image(limit=1000)), divided(pictures(), Image())
    assert more.train.tolist() == none.train.tolist()


def test_a_limit_that_leaves_a_class_out_is_refused() -> None:
    with pytest.raises(DataError, match="limit: 12 leaves less than two pictures of class c"):
        divided(pictures(), Image(limit=12))


def test_numbers_are_limited_and_divided_too() -> None:
    found = pictures(numbers=True)
    assert sizes(divided(found, Image(limit=50, test=0.1))) == (35, 10, 5)


def test_the_same_seed_divides_in_the_same_way_and_another_differently() -> None:
    one, again, other = (
        divided(pictures(), Image(limit=80, seed=seed)).train.tolist() for seed in (1, 1, 2)
    )
    assert one == again != other


def test_folds_judge_by_each_picture_once_and_never_by_those_for_testing() -> None:
    found = pictures(test=20)
    made = folded(found, Image(cv=4))
    assert all(apart(fold) for fold in made)
    assert all(fold.test.tolist() == found.of("test").tolist() for fold in made)
    judged = np.concatenate([fold.val for fold in made])
    assert sorted(judged.tolist()) == np.flatnonzero(found.part == 0).tolist()


def test_more_folds_than_pictures_of_a_class_are_refused() -> None:
    with pytest.raises(DataError, match="cv: 9 folds are more than the 8 rows of the rarest"):
        folded(pictures(), Image(cv=9))
