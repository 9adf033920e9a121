import pytest

from nightsweep.search.brief import brief, first_line


@pytest.mark.parametrize(
    ("value", "told"),
    [
        (7, "7"),
        (-1.5, "-1.5"),
        (True, "True"),
        ("sgd", "'sgd'"),
        ({"min": 1, "max": [2, 3]}, "{'max': [2, 3], 'min': 1}"),
        ({10**5000}, "{a number of 5,001 digits}"),
        ([-(10**40)], "[a number of 41 digits]"),
        ([[[[[[1]]]]]], "[[[[[...]]]]]"),
        (list(range(99)), "[0, 1, 2, 3, 4, 5, 6, 7, 8, 9, ...]"),
    ],
)
def test_a_value_is_quoted_in_few_words(value: object, told: str) -> None:
    assert brief(value) == told


def test_a_long_text_is_shortened_in_its_middle() -> None:
    told = brief("begin" + "x" * 10_000 + "end")
    assert told.startswith("'begin")
    assert told.endswith("end'")
    assert len(told) == 100


def test_of_an_error_the_first_line_is_quoted_or_its_type() -> None:
    assert first_line(ValueError("\nno luck\nat all")) == "no luck"
    assert first_line(KeyError()) == "KeyError"
