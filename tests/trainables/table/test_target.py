"""The column to predict: classes or numbers, or one sentence why it is neither."""

from __future__ import annotations

from typing import Any

import pandas as pd
import pytest

from nightsweep.search.errors import DataError
from nightsweep.search.ready import Tabular
from nightsweep.trainables.table.target import target


def of(values: list[Any], **settings: Any) -> Any:
    return target(pd.DataFrame({"y": values}), Tabular(**{"target": "y", **settings}))


def test_words_are_classes_in_their_order() -> None:
    found = of(["dog", "cat", "dog", "cat"])
    assert (found.kind, found.classes) == ("classification", ("cat", "dog"))
    assert found.values.tolist() == [1, 0, 1, 0]


@pytest.mark.parametrize("values", [[1, 2] * 5, [1.0, 2.0] * 5, [True, False] * 5])
def test_a_few_whole_numbers_are_classes(values: list[Any]) -> None:
    assert of(values).kind == "classification"
    assert of(values).classes == tuple(str(value) for value in sorted(set(values)))


@pytest.mark.parametrize("values", [[1.5, 2.0, 1.5, 2.0], list(range(21)) * 2])
def test_fractions_and_many_numbers_are_regression(values: list[Any]) -> None:
    assert of(values).kind == "regression"
    assert of(values).values.tolist() == values


def test_the_task_can_be_named() -> None:
    assert of([1, 2, 1, 2], task="regression").kind == "regression"
    assert of([1.5, 2.5, 1.5, 2.5], task="classification").classes == ("1.5", "2.5")


def test_numbers_that_are_written_as_text_are_numbers() -> None:
    found = of([f"{n}.5" for n in range(30)])
    assert (found.kind, found.values[:2].tolist()) == ("regression", [0.5, 1.5])


def test_a_few_words_beside_few_numbers_are_classes() -> None:
    assert of(["1", "2", "3+"] * 9).classes == ("1", "2", "3+")


def test_spaces_around_a_class_make_no_other_class() -> None:
    assert of(["yes", "yes ", " no", "no"]).classes == ("no", "yes")


def test_a_column_called_target_needs_not_be_named() -> None:
    assert target(pd.DataFrame({"target": [0, 1, 0, 1]}), Tabular()).classes == ("0", "1")


@pytest.mark.parametrize(
    ("values", "settings", "message"),
    [
        ([3, 3, 3], {}, "target 'y' is 3 in every row; there is nothing to predict"),
        (["a", "a"], {}, "is 'a' in every row"),
        (["a", "b", None, "a"], {}, "has no value in row 3 .NA, None and null are none"),
        (["a", None, None, "a"], {}, "has no value in 2 rows, the first of them row 2"),
        (["a", "a", "b"], {}, "one row only of class 'b'; .* leave it out$"),
        ([1, 1, 2], {}, "one row only of class '2'; .* task: regression"),
        (["a", "b", "c"], {}, "has 3 values in 3 rows, most of them once: these are no classes"),
        ([1.5, "x", 2.5], {"task": "regression"}, "is 'x' in row 2, which is no number"),
        ([1.5, float("inf"), 2.5], {}, "is inf in row 2, which is no number"),
        ([1.5, 1e200, 2.5], {}, r"is 1e\+200 in row 2, which is no number"),
        ([*map(str, range(40)), "?"], {}, "is '\\?' in row 41, where most rows have numbers"),
        ([*map(str, range(40))] * 2 + ["?"] * 2, {}, "is '\\?' in row 81, where most"),
        ([[1], [2], [1]], {}, r"target 'y' is \[1\] in row 1, neither a number nor a word"),
        (pd.to_datetime(["2026-01-01", "2026-01-02"]), {}, "holds times; make numbers of them"),
        (["$1.5", "$2.5", "$3.5"], {}, "no classes. Numbers are written like 1234.5"),
    ],
)
def test_what_cannot_be_learned_is_said(
    values: list[Any], settings: dict[str, Any], message: str
) -> None:
    with pytest.raises(DataError, match=message):
        of(values, **settings)


def test_a_column_that_is_not_there_is_said_with_the_nearest() -> None:
    frame = pd.DataFrame({"price": [1.5, 2.5], "area": [1, 2]})
    with pytest.raises(DataError, match=r"target 'prize' is not one .* mean .price"):
        target(frame, Tabular(target="prize"))
    with pytest.raises(DataError, match=r"no target is named; .* --target with one of price, ar"):
        target(frame, Tabular())


def test_of_many_columns_only_some_are_listed() -> None:
    frame = pd.DataFrame({f"column{n}": [1.5, 2.5] for n in range(200)})
    with pytest.raises(DataError, match=r"\.\.\., column199 \(200 columns\)") as error:
        target(frame, Tabular(target="colum150"))
    assert 'Did you mean "column150"' in str(error.value)
    assert len(str(error.value)) < 300
