from __future__ import annotations

import math
from collections.abc import Iterable

from nightsweep.search.history import Observation, Standings
from nightsweep.search.samplers.teaching import (
    LEADERS,
    RECENT,
    best,
    count,
    modelled,
    telling,
    there,
)


def having(results: Iterable[dict[int, float]], *, first: int = 1) -> list[Observation]:
    """Observations of trials `first`, `first + 1`, ... with these values at rungs."""
    return [
        Observation(trial=trial, config={"x": 0.5}, values=values)
        for trial, values in enumerate(results, start=first)
    ]


def lost(trial: int, values: dict[int, float]) -> Observation:
    return Observation(trial=trial, config={"x": 0.5}, values=values, diverged=True)


def trials(results: list[tuple[Observation, float]]) -> list[int]:
    return [observation.trial for observation, _ in results]


FOUR = [*having([{1: 0.5, 3: 0.4}, {1: 0.3}, {1: 0.6, 3: 0.1}]), lost(4, {1: 0.2})]


def test_the_modelled_rung_is_the_highest_with_enough_results() -> None:
    observations = having([{1: 0.5, 3: 0.4, 9: 0.3}, {1: 0.5, 3: 0.4}, {1: 0.5}])
    assert [modelled(observations, enough) for enough in (1, 2, 3, 4)] == [9, 3, 1, None]


def test_where_trials_have_only_diverged_nothing_is_modelled() -> None:
    assert modelled([lost(trial, {}) for trial in range(1, 20)], 1) is None


def test_there_are_those_who_came_to_the_rung_or_diverged_before() -> None:
    assert [(o.trial, value) for o, value in there(FOUR, 3)] == [(1, 0.4), (3, 0.1), (4, math.inf)]
    assert trials(there(FOUR, 1)) == [1, 2, 3, 4]
    assert there(FOUR, 9) == []


def test_what_is_there_can_be_taken_from_some_place_on() -> None:
    assert trials(there(FOUR, 3, 1)) == [3, 4]
    assert count(FOUR, 3) == 3


def test_the_best_come_first_and_who_diverged_last() -> None:
    assert trials(best(FOUR, 3, 9)) == [3, 1, 4]
    assert trials(best(FOUR, 1, 2)) == [4, 2]
    assert best(FOUR, 9, 2) == []


def test_standings_and_plain_observations_teach_the_same() -> None:
    kept = Standings(FOUR)
    assert there(kept, 3) == there(FOUR, 3)
    assert best(kept, 3, 2) == best(FOUR, 3, 2)
    assert modelled(kept, 2) == modelled(FOUR, 2) == 3


def test_all_results_tell_while_they_are_few() -> None:
    observations = having({1: float(i)} for i in range(LEADERS + RECENT))
    assert telling(observations, 1) == [(o, o.values[1]) for o in observations]


def test_only_trials_that_have_come_to_the_rung_tell() -> None:
    observations = having([{1: 0.5, 3: 0.25}, {1: 0.5}])
    assert telling(observations, 3) == [(observations[0], 0.25)]


def test_of_many_results_the_leaders_and_the_latest_tell() -> None:
    others = having({1: -float(i)} for i in range(LEADERS + RECENT))
    leaders = having(({1: -1000.0 - i} for i in range(LEADERS)), first=1000)
    told = [observation for observation, _ in telling(leaders + others, 1)]
    assert told == leaders[::-1] + others[-RECENT:]
