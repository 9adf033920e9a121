from __future__ import annotations

import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.fronts import Fronts, crowding, first_front
from nightsweep.search.objective import Score

VALUES = st.integers(0, 5).map(float)
SCORES = st.lists(
    st.builds(Score, st.sampled_from([0.0, 0.0, 0.5, 1.0]), st.tuples(VALUES, VALUES, VALUES)),
    max_size=25,
)


def scores(*points: tuple[float, ...], violation: float = 0.0) -> dict[int, Score]:
    return {trial: Score(violation, values) for trial, values in enumerate(points, start=1)}


def peeled(known: dict[int, Score]) -> list[set[int]]:
    """The fronts by their definition: those that none of the rest dominates, again and again."""
    rest, fronts = dict(known), []
    while rest:
        front = {t for t, s in rest.items() if not any(o.dominates(s) for o in rest.values())}
        fronts.append(front)
        rest = {trial: score for trial, score in rest.items() if trial not in front}
    return fronts


def ranked(fronts: Fronts) -> list[int]:
    return sorted(fronts.scores, key=fronts.values().__getitem__)


def test_nobody_in_the_first_front_is_dominated() -> None:
    fronts = Fronts(scores((1.0, 4.0), (3.0, 3.0), (4.0, 1.0), (4.0, 4.0), (5.0, 5.0), (2.0, 2.0)))
    assert [set(front) for front in fronts.fronts] == [{1, 3, 6}, {2}, {4}, {5}]


@given(SCORES)
def test_fronts_that_grow_one_by_one_are_those_of_the_whole(points: list[Score]) -> None:
    known = dict(enumerate(points))
    assert [set(front) for front in Fronts(known).fronts] == peeled(known)
    assert set(first_front(known)) == (peeled(known) or [set()])[0]


def test_fronts_are_those_of_a_sort_in_numpy() -> None:
    points = np.random.default_rng(0).random((60, 2))
    fronts = Fronts({n: Score(0.0, tuple(map(float, point))) for n, point in enumerate(points)})
    above = (points[:, None] <= points[None]).all(axis=2) & (points[:, None] != points[None]).any(
        axis=2
    )
    depth = np.zeros(60, dtype=int)
    for n in np.lexsort(points.T[::-1]):
        depth[n] = 1 + max((depth[other] for other in np.flatnonzero(above[:, n])), default=-1)
    assert [int(value) - 1 for _, value in sorted(fronts.values().items())] == depth.tolist()


def test_who_misses_constraints_stands_behind_all_others_by_how_much() -> None:
    known = {1: Score(0.5, (0.0, 0.0)), 2: Score(0.0, (9.0, 9.0)), 3: Score(0.25, (9.0, 9.0))}
    assert ranked(Fronts(known)) == [2, 3, 1]
    assert first_front(known) == [2]


def test_within_a_front_the_ends_come_first_and_then_who_has_most_room() -> None:
    fronts = Fronts(scores((0.0, 10.0), (1.0, 9.0), (2.0, 8.0), (6.0, 4.0), (10.0, 0.0)))
    assert ranked(fronts) == [1, 5, 4, 3, 2]
    assert fronts.values() == {1: 1.0, 5: 1.2, 4: 1.4, 3: 1.6, 2: 1.8}


def test_a_front_is_worth_a_whole_number() -> None:
    values = Fronts(scores((1.0, 1.0), (2.0, 2.0), (3.0, 3.0))).values()
    assert values == {1: 1.0, 2: 2.0, 3: 3.0}


@given(SCORES)
def test_the_value_of_one_is_that_among_the_values_of_all(points: list[Score]) -> None:
    fronts = Fronts(dict(enumerate(points)))
    assert {trial: fronts.value(trial) for trial in fronts.scores} == fronts.values()


def test_equal_scores_share_a_front_and_the_first_to_come_leads() -> None:
    assert ranked(Fronts(scores((1.0, 1.0), (1.0, 1.0)))) == [1, 2]


def test_looking_at_one_more_changes_nothing() -> None:
    fronts = Fronts(scores((1.0, 2.0), (2.0, 1.0)))
    before = dict(fronts.values())
    joined = fronts.joined(3, Score(0.0, (0.0, 0.0)))
    assert ranked(joined) == [3, 1, 2]
    assert (fronts.values(), len(fronts.scores)) == (before, 2)


@pytest.mark.parametrize(
    ("points", "room"),
    [
        ([], []),
        ([(1.0, 2.0)], [math.inf]),
        ([(0.0, 4.0), (1.0, 2.0), (4.0, 0.0)], [math.inf, 2.0, math.inf]),
        ([(0.0, 4.0), (1.0, 3.0), (2.0, 2.0), (4.0, 0.0)], [math.inf, 1.0, 1.5, math.inf]),
        ([(-1e308, 1.0), (0.0, 0.5), (1e308, 0.0)], [math.inf, 1.0, math.inf]),
    ],
    ids=["none", "one", "three", "four", "a range beyond floats"],
)
def test_room_is_the_distance_of_the_neighbours(
    points: list[tuple[float, ...]], room: list[float]
) -> None:
    assert crowding(points) == room


def test_the_first_front_is_told_by_the_first_objective() -> None:
    assert first_front(scores((4.0, 1.0), (1.0, 4.0), (2.0, 5.0), (2.0, 2.0))) == [2, 4, 1]
