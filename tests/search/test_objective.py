from __future__ import annotations

import math
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.objective import BEYOND, Metric, Objective, Score

LOSS = Metric(name="loss", goal="minimize")
SPEED = Metric(name="speed", goal="maximize")
MEMORY = Metric(name="memory", max=400)
NUMBERS = st.floats(allow_nan=False, allow_infinity=False)
SCORES = st.builds(
    Score,
    st.sampled_from([0.0, 0.5, 2.0]),
    st.tuples(st.integers(0, 3).map(float), st.integers(0, 3).map(float)),
)


def violation(value: float, **bounds: Any) -> float:
    metric = Metric(name="memory", **bounds)
    return Objective([LOSS, metric]).score({"loss": 1.0, "memory": value}).violation


def test_values_are_turned_to_be_minimised() -> None:
    score = Objective([LOSS, SPEED]).score({"speed": 5.0, "loss": 0.25, "other": math.nan})
    assert score == Score(0.0, (0.25, -5.0))


def test_a_bound_alone_is_no_objective() -> None:
    objective = Objective([MEMORY, SPEED])
    assert objective.score({"memory": 300.0, "speed": 2.0}).values == (-2.0,)
    assert (objective.first, objective.sign, objective.several) == ("speed", -1.0, False)


def test_a_metric_may_have_both_a_goal_and_a_bound() -> None:
    objective = Objective([Metric(name="latency", goal="minimize", max=100)])
    assert objective.score({"latency": 150.0}) == Score(0.5, (150.0,))


@pytest.mark.parametrize(("value", "missed"), [(300, 0.0), (400, 0.0), (500, 0.25), (1200, 2.0)])
def test_a_bound_is_missed_in_parts_of_itself(value: float, missed: float) -> None:
    assert violation(value, max=400) == missed


def test_a_bound_below_counts_the_other_way() -> None:
    assert violation(-3.0, min=-2) == 0.5
    assert violation(-2.0, min=-2) == 0.0


def test_a_bound_of_zero_is_missed_by_as_much_as_the_value() -> None:
    assert violation(3.0, max=0) == 3.0


def test_what_several_bounds_are_missed_by_adds_up() -> None:
    objective = Objective([LOSS, MEMORY, Metric(name="acc", min=0.5)])
    assert objective.score({"loss": 1.0, "memory": 600.0, "acc": 0.25}).violation == 1.0


def test_the_first_metric_that_is_missing_or_not_finite_is_named() -> None:
    objective = Objective([LOSS, MEMORY])
    assert objective.missing({"loss": 1.0}) == "memory"
    assert objective.missing({"loss": 1.0, "memory": 1.0}) is None
    assert objective.unusable({"loss": 1.0, "memory": math.nan}) == "memory"
    assert objective.unusable({"loss": -math.inf, "memory": math.nan}) == "loss"
    assert objective.unusable({"loss": 1.0, "memory": 2, "other": math.nan}) is None


def test_a_feasible_score_dominates_every_other() -> None:
    assert Score(0.0, (9.0, 9.0)).dominates(Score(0.1, (1.0, 1.0)))
    assert not Score(0.1, (1.0, 1.0)).dominates(Score(0.0, (9.0, 9.0)))


def test_of_two_that_miss_constraints_the_nearer_one_dominates() -> None:
    assert Score(0.1, (9.0, 9.0)).dominates(Score(0.2, (1.0, 1.0)))


def test_otherwise_it_has_to_be_nowhere_worse_and_somewhere_better() -> None:
    assert Score(0.0, (1.0, 2.0)).dominates(Score(0.0, (1.0, 3.0)))
    assert not Score(0.0, (1.0, 2.0)).dominates(Score(0.0, (1.0, 2.0)))
    assert not Score(0.0, (1.0, 2.0)).dominates(Score(0.0, (0.5, 3.0)))


@given(SCORES, SCORES, SCORES)
def test_domination_is_a_strict_order(a: Score, b: Score, c: Score) -> None:
    assert not (a.dominates(b) and b.dominates(a))
    assert a.dominates(c) or not (a.dominates(b) and b.dominates(c))
    assert a < b or not a.dominates(b)


@given(st.lists(st.tuples(NUMBERS, st.floats(0, 1e308)), min_size=2, max_size=2))
def test_one_objectives_loss_keeps_the_order_of_scores(pairs: list[tuple[float, float]]) -> None:
    objective = Objective([LOSS, MEMORY])
    a, b = sorted(Score(violation, (value,)) for value, violation in pairs)
    assert objective.loss(a) <= objective.loss(b)
    assert math.isfinite(objective.loss(b))


def test_missing_a_constraint_is_worse_than_any_value() -> None:
    objective = Objective([LOSS, MEMORY])
    assert objective.loss(Score(0.0, (BEYOND / 2,))) < objective.loss(Score(1e-9, (-5.0,)))
    assert objective.loss(Score(0.0, (0.125,))) == 0.125
    assert objective.loss(Score(0.5, (0.0,))) < objective.loss(Score(0.75, (0.0,)))


def test_each_metric_says_what_it_is_for() -> None:
    metrics = [
        LOSS,
        MEMORY,
        Metric(name="acc", goal="maximize", min=0.5),
        Metric(name="size", min=1, max=2),
    ]
    assert [metric.describe() for metric in metrics] == [
        "minimize loss",
        "memory at most 400",
        "maximize acc, at least 0.5",
        "size at least 1 and at most 2",
    ]
