"""Which rows are trained on, judged by and tested with: seeded, even over classes, by groups."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest
from hypothesis import assume, given
from hypothesis import strategies as st

from nightsweep.search.errors import DataError
from nightsweep.search.ready import Tabular
from nightsweep.trainables.table.split import folds, groups, split

CLASSES = np.repeat([0, 1, 2], [50, 30, 20])


def test_every_row_is_in_one_part_and_classes_are_even() -> None:
    parts = split(CLASSES, "classification", Tabular())
    together = np.concatenate([parts.train, parts.val, parts.test])
    assert sorted(together.tolist()) == list(range(100))
    assert np.bincount(CLASSES[parts.train]).tolist() == [30, 18, 12]
    assert np.bincount(CLASSES[parts.val]).tolist() == [10, 6, 4]
    assert np.bincount(CLASSES[parts.test]).tolist() == [10, 6, 4]


def test_the_same_seed_splits_alike_and_another_does_not() -> None:
    first, again = (split(CLASSES, "classification", Tabular()) for _ in range(2))
    other = split(CLASSES, "classification", Tabular(seed=1))
    assert first.test.tolist() == again.test.tolist()
    assert first.test.tolist() != other.test.tolist()


def test_without_a_test_part_there_is_none() -> None:
    parts = split(CLASSES, "classification", Tabular(test=0))
    assert (len(parts.train), len(parts.val), len(parts.test)) == (80, 20, 0)


@given(
    sizes=st.lists(st.integers(2, 40), min_size=2, max_size=6),
    val=st.floats(0.05, 0.4),
    test=st.floats(0.05, 0.4),
    seed=st.integers(0, 99),
)
def test_every_class_is_learned_whatever_its_size(
    sizes: list[int], val: float, test: float, seed: int
) -> None:
    values = np.repeat(np.arange(len(sizes)), sizes)
    assume(min(val, test) * len(values) > 0.5)
    parts = split(values, "classification", Tabular(val=val, test=test, seed=seed))
    assert set(values[parts.train]) == set(values)
    together = np.concatenate([parts.train, parts.val, parts.test])
    assert sorted(together.tolist()) == list(range(len(values)))


def test_rows_of_one_group_stay_together() -> None:
    people = np.repeat(np.arange(25), 4)
    parts = split(np.arange(100.0), "regression", Tabular(), people)
    sides = [set(people[rows]) for rows in (parts.train, parts.val, parts.test)]
    assert sum(map(len, sides)) == len(set.union(*sides)) == 25
    assert [len(rows) for rows in (parts.train, parts.val, parts.test)] == [60, 20, 20]


@pytest.mark.parametrize("seed", range(20))
def test_a_large_group_is_not_spent_on_judging(seed: int) -> None:
    people = np.repeat(np.arange(11), [90, *[1] * 10])
    parts = split(np.arange(100.0), "regression", Tabular(val=0.04, test=0.04, seed=seed), people)
    assert [len(rows) for rows in (parts.train, parts.val, parts.test)] == [92, 4, 4]


def test_where_all_groups_are_large_a_part_takes_the_smallest() -> None:
    people = np.repeat(np.arange(3), [40, 30, 25])
    parts = split(np.arange(95.0), "regression", Tabular(val=0.1, test=0.1), people)
    assert [len(rows) for rows in (parts.train, parts.val, parts.test)] == [40, 30, 25]


def test_each_row_is_judged_by_in_one_fold_and_tests_in_none() -> None:
    found = folds(CLASSES, "classification", Tabular(cv=4))
    judged = np.concatenate([val for _, val in found.parts])
    assert sorted([*judged.tolist(), *found.test.tolist()]) == list(range(100))
    assert [np.bincount(CLASSES[val]).tolist() for _, val in found.parts] == [[10, 6, 4]] * 4
    assert all(not set(train) & (set(val) | set(found.test)) for train, val in found.parts)


@pytest.mark.parametrize("kind", ["classification", "regression"])
def test_groups_stay_together_in_folds_too(kind: Any) -> None:
    people = np.tile(np.arange(20), 5)
    values = people % 2 if kind == "classification" else people * 1.5
    found = folds(values, kind, Tabular(cv=4), people)
    assert all(not set(people[train]) & set(people[val]) for train, val in found.parts)


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        (np.array([0, 0, 1, 1]), {"cv": 5}, "5 folds are more than the 1 rows of the rarest"),
        (np.arange(4.0), {"cv": 5}, "cv: 5 folds are more than the 3 rows that are not"),
        (np.arange(3.0), {"val": 0.1}, "val: 0.1 of 3 rows is none"),
        (np.arange(2.0), {"val": 0.4, "test": 0.1}, "test: 0.1 of 2 rows is none"),
    ],
)
def test_parts_without_rows_are_refused(
    values: Any, settings: dict[str, Any], message: str
) -> None:
    kind: Any = "regression" if values.dtype == float else "classification"
    with pytest.raises(DataError, match=message):
        (folds if "cv" in settings else split)(values, kind, Tabular(**settings))


def test_groups_that_cannot_be_split_are_refused() -> None:
    values, two = np.arange(10.0), np.repeat([0, 1], 5)
    with pytest.raises(DataError, match="group has 2 values; each part needs one"):
        split(values, "regression", Tabular(), two)
    with pytest.raises(DataError, match="cv: 3 folds are more than the 1 groups"):
        folds(values, "regression", Tabular(cv=3), two)
    with pytest.raises(DataError, match="1 of 2 classes would be in no row that is trained"):
        split(np.repeat([0, 1], [90, 10]), "classification", Tabular(), rare(seed=0))


def rare(seed: int) -> Any:
    """Groups, of which one holds all of a class, and is judged by or tested with."""
    people = np.concatenate([np.repeat(np.arange(9), 10), np.full(10, 9)])
    for shift in range(10):
        moved = (people + shift) % 10
        parts = split(np.arange(100.0), "regression", Tabular(seed=seed), moved)
        if 99 not in parts.train:
            return moved
    raise AssertionError


def test_the_column_of_groups_is_read_and_looked_at() -> None:
    frame = pd.DataFrame({"who": ["a", "b", "a"], "part": ["x", None, "y"]})
    found = groups(frame, Tabular(group="who"))
    assert found is not None
    assert found.tolist() == [0, 1, 0]
    assert groups(frame, Tabular()) is None
    with pytest.raises(DataError, match="group 'part' has no value in row 2"):
        groups(frame, Tabular(group="part"))
    with pytest.raises(DataError, match=r"group 'who' is \[1\] in row 1, neither a number"):
        groups(pd.DataFrame({"who": [[1], [2]]}), Tabular(group="who"))
    with pytest.raises(DataError, match=r"group 'hwo' is not one .* mean .who"):
        groups(frame, Tabular(group="hwo"))
