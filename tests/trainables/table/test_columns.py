"""Columns become numbers and codes; what is learned of them comes from training rows alone."""

from __future__ import annotations

from typing import Any

import numpy as np
import pandas as pd
import pytest

from nightsweep.search.errors import DataError
from nightsweep.search.ready import Tabular
from nightsweep.trainables.table.columns import Columns, Raw, learned, raw

SETTINGS = Tabular(target="y")


def table(**columns: Any) -> Raw:
    rows = len(next(iter(columns.values())))
    return raw(pd.DataFrame({**columns, "y": range(rows)}), SETTINGS)


def of(rows: int, **columns: Any) -> tuple[Columns, Any, Any]:
    """What the first `rows` of a table teach, and how all are encoded."""
    made = table(**columns)
    found = learned(made, np.arange(rows))
    return found, *found.encode(made)


def test_numbers_are_standardised_by_training_rows() -> None:
    found, numbers, _ = of(4, a=[0.0, 2.0, 0.0, 2.0, 1000.0])
    assert (found.numbers["a"].mean, found.numbers["a"].spread) == (1.0, 1.0)
    assert numbers[:2, 0] == pytest.approx([-0.9487, 0.9487], abs=1e-4)  # ±1, drawn in
    assert 2.9 < numbers[4, 0] < 3.0


def test_or_their_range_is_brought_to_one() -> None:
    made = table(a=[0.0, 2.0, 10.0, None, 1000.0], b=[1.0, None, 1.0, 1.0, 1.0])
    numbers, _ = learned(made, np.arange(4)).encode(made, "range")
    assert numbers[:3, 0] == pytest.approx([-0.9487, -0.5883, 0.9487], abs=1e-4)
    assert numbers[3, 0] == pytest.approx(-0.2, abs=0.01)  # the mean, 4
    assert 2.9 < numbers[4, 0] < 3.0
    assert numbers[:, 2].tolist() == [0] * 5  # b is there or not, and that is all of it


def test_rows_that_are_judged_by_change_nothing_that_was_learned() -> None:
    columns: dict[str, list[Any]] = {
        "a": [1.0, 2.0, 3.0, None],
        "b": ["x", "y", "x", "y"],
        "c": [1, 1, 1, 1],
    }
    judged: dict[str, list[Any]] = {
        "a": [9e9, None, -1.0, 5.0],
        "b": ["z", "z", "z", "q"],
        "c": [2, 3, 4, 5],
    }
    other: dict[str, list[Any]] = {
        "a": [0.0, 0.0, 0.0, 0.0],
        "b": ["x", "x", "y", "y"],
        "c": [1, 1, 1, 1],
    }
    first = of(4, **{name: columns[name] + judged[name] for name in columns})
    second = of(4, **{name: columns[name] + other[name] for name in columns})
    assert first[0] == second[0]
    assert np.array_equal(first[1][:4], second[1][:4])
    assert np.array_equal(first[2][:4], second[2][:4])


def test_a_missing_number_is_the_mean_and_flagged() -> None:
    found, numbers, _ = of(4, a=[1.0, 3.0, None, None, None], b=[1.0, 2.0, 3.0, 4.0, None])
    assert found.width == 3
    assert numbers[:, 1].tolist() == [0, 0, 1, 1, 1]
    assert numbers[2, 0] == 0
    assert numbers[4, 2] == 0  # none was missing in training: no flag, the mean


def test_categories_are_coded_and_rare_or_new_ones_are_unknown() -> None:
    found, _, codes = of(6, a=["x", "y", "x", "y", "y", "once", "new", " x "])
    assert found.categories == {"a": ["x", "y"]}
    assert codes[:, 0].tolist() == [1, 2, 1, 2, 2, 0, 0, 1]
    assert found.sizes == [3]


def test_a_missing_category_is_one_of_its_own() -> None:
    found, _, codes = of(4, a=["x", "x", None, None])
    assert len(set(codes[:, 0])) == 2
    assert 0 not in codes
    assert found.sizes == [3]


@pytest.mark.parametrize(
    "values",
    [
        ["1", "2.5", None, "1e3"],
        [True, False, None, True],
        pd.array([1, 2, None, 3], dtype="Int64"),
        pd.to_datetime(["2026-01-01", "2026-01-02", "", "2026-02-01"]),
        pd.to_timedelta([1, 2, None, 3], unit="h"),
        ["2026-01-01", "2026-01-02", None, "2026-02-01T12:00"],
    ],
)
def test_what_can_be_a_number_is_one(values: Any) -> None:
    made = table(a=values)
    assert list(made.numbers) == ["a"]
    assert np.isnan(made.numbers["a"]).tolist() == [False, False, True, False]


def test_dates_are_days() -> None:
    made = table(a=["1970-01-02", "1970-01-01T12:00"], b=pd.to_datetime(["1970-02-01"] * 2))
    assert made.numbers["a"].tolist() == [1.0, 0.5]
    assert made.numbers["b"].tolist() == [31.0, 31.0]


def test_a_date_far_in_the_future_is_a_number_too() -> None:
    made = table(a=["9999-12-31", "1970-01-02"])
    assert made.numbers["a"].tolist() == [2932896.0, 1.0]


def test_the_smallest_numbers_are_scaled_too() -> None:
    _, numbers, _ = of(3, a=[1e-200, 2e-200, 3e-200])
    assert np.isfinite(numbers).all()
    assert len(set(numbers[:, 0])) == 3


def test_numbers_that_are_marked_as_categories_are_categories() -> None:
    assert list(table(a=pd.Categorical([1, 2, 1])).categories) == ["a"]


def test_columns_that_say_nothing_are_left_out() -> None:
    names = [f"name {n}" for n in range(8)]
    found, numbers, codes = of(
        8, a=[1] * 8, b=["x"] * 8, c=names, d=[None] * 8, e=range(8), f=["u", "v"] * 4
    )
    assert found.left_out == {
        "a": "has one value",
        "b": "has one value",
        "c": "has a value of its own in most rows",
        "d": "has one value",
    }
    assert (numbers.shape, codes.shape) == ((8, 1), (8, 1))


@pytest.mark.parametrize(
    ("columns", "message"),
    [
        ({"a": [1, "2", "?", 4]}, "column 'a' is '\\?' in row 3, where most rows have numbers"),
        ({"a": [1.0, float("inf"), 2.0]}, "column 'a' is inf in row 2; write a number"),
        ({"a": [1.0, 1e308, 2.0]}, r"column 'a' is 1e\+308 in row 2; write a number"),
        ({"a": ["x", [1], "x"]}, "column 'a' is \\[1\\] in row 2, neither a number nor a word"),
        ({"a": [1, 1, 1]}, "no column to learn from: 'a' has one value"),
        ({"y": [1, 2, 3]}, "no column to learn from, beside the target"),
    ],
)
def test_columns_that_cannot_be_used_are_said(columns: dict[str, Any], message: str) -> None:
    with pytest.raises(DataError, match=message):
        learned(table(**columns), np.arange(3))


def test_target_group_and_ignored_columns_are_not_learned_from() -> None:
    frame = pd.DataFrame({name: [1, 2, 3] for name in "abcdy"})
    made = raw(frame, Tabular(target="y", group="a", ignore=("b", "c")))
    assert list(made.numbers) == ["d"]
    with pytest.raises(DataError, match="ignore 'x' is not one of the columns a, b, c, d, y"):
        raw(frame, Tabular(target="y", ignore="x"))
