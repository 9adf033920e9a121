from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterator

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search import ranking as rules
from nightsweep.search.ranking import Ranking

VALUES = st.lists(st.integers(0, 20), max_size=60)


@pytest.fixture(autouse=True, scope="module")
def small_chunks() -> Iterator[None]:
    """So that few values fill many."""
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rules, "CHUNK", 4)
        yield


@given(VALUES, VALUES, VALUES)
def test_it_is_what_a_sorted_list_is(first: list[int], come: list[int], go: list[int]) -> None:
    ranking, plain = Ranking(first), list(first)
    for value in come:
        ranking.add(value)
        plain.append(value)
    for value in go:
        if value in plain:
            ranking.remove(value)
            plain.remove(value)
        else:
            with pytest.raises(ValueError, match=f"^{value} is not in the ranking$"):
                ranking.remove(value)
    plain.sort()
    assert list(ranking) == plain
    assert len(ranking) == len(plain)
    assert [ranking[i] for i in range(-len(plain), len(plain))] == plain + plain
    for value in range(-1, 22):
        assert ranking.before(value) == bisect_left(plain, value)


@given(VALUES, st.slices(70))
def test_a_slice_is_a_list(values: list[int], part: slice) -> None:
    assert Ranking(values)[part] == sorted(values)[part]


@pytest.mark.parametrize("index", [3, -4])
def test_a_place_beyond_its_ends_is_an_error(index: int) -> None:
    with pytest.raises(IndexError, match=f"^there is no value {index} among 3$"):
        Ranking([1, 2, 3])[index]
