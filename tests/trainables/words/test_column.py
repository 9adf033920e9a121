"""Which column holds the texts, and what is said where none can be meant."""

from __future__ import annotations

import pandas as pd
import pytest

from nightsweep.search import ready
from nightsweep.search.errors import DataError
from nightsweep.trainables.words.column import column

FRAME = pd.DataFrame(
    {
        "id": [1, 2, 3],
        "review": ["good", "bad film", "fine"],
        "stars": ["five", "one", "four"],
    }
)


def settings(**given: object) -> ready.Text:
    return ready.Text.model_validate({"target": "stars", **given})


def test_the_only_column_of_words_beside_the_target_is_the_text() -> None:
    assert column(FRAME, settings()) == ["good", "bad film", "fine"]


def test_of_several_columns_of_words_one_must_be_named() -> None:
    two = FRAME.assign(title=["a", "b", "c"])
    with pytest.raises(DataError, match="write text: with one of review, title"):
        column(two, settings())
    assert column(two, settings(text="title")) == ["a", "b", "c"]
    assert column(two, settings(ignore=["review"])) == ["a", "b", "c"]


def test_a_table_without_words_is_refused() -> None:
    with pytest.raises(DataError, match="no column holds text, beside the target"):
        column(FRAME.drop(columns="review"), settings())


def test_a_misspelled_column_is_answered_with_the_right_one() -> None:
    with pytest.raises(DataError, match=r"text 'reveiw' is not one of the columns .*\"review\""):
        column(FRAME, settings(text="reveiw"))


def test_the_target_is_no_text() -> None:
    with pytest.raises(DataError, match="text 'stars' is the target or the group already"):
        column(FRAME, settings(text="stars"))


@pytest.mark.parametrize("empty", [None, float("nan"), "", " \t\n"])
def test_rows_without_text_are_counted_and_the_first_is_named(empty: object) -> None:
    frame = FRAME.assign(review=pd.Series(["good", empty, empty], dtype=object))
    with pytest.raises(
        DataError, match="text 'review' is empty in 2 rows, the first of them row 2"
    ):
        column(frame, settings())
    one = FRAME.assign(review=pd.Series(["good", "bad", empty], dtype=object))
    with pytest.raises(DataError, match="text 'review' is empty in row 3; leave"):
        column(one, settings())


def test_a_number_among_the_texts_is_named() -> None:
    with pytest.raises(DataError, match="text 'id' is 1 in row 1, which is no text"):
        column(FRAME, settings(text="id"))
