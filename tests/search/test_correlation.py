from __future__ import annotations

import math

import pytest

from nightsweep.search.correlation import spearman


@pytest.mark.parametrize(
    ("left", "right", "expected"),
    [
        ([1, 2, 3], [10, 20, 900], 1.0),
        ([1, 2, 3], [3, 2, 1], -1.0),
        ([1, 2, 3, 4], [2, 1, 4, 3], 0.6),
        ([1, 1, 2], [1, 2, 3], 1.5 / math.sqrt(1.5 * 2)),
        ([1, 2, 3, 4], [1, 2, math.inf, math.inf], 4.5 / math.sqrt(5 * 4.5)),
    ],
)
def test_it_is_the_correlation_of_ranks(
    left: list[float], right: list[float], expected: float
) -> None:
    assert spearman(zip(left, right, strict=True)) == pytest.approx(expected)


def test_values_that_are_all_equal_say_nothing() -> None:
    assert spearman([(1.0, 0.1), (1.0, 0.2), (1.0, 0.3)]) == 0.0
