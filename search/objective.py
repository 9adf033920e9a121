"""What a sweep looks for, as scores that can be compared: objectives, and constraints on outcomes.

    objective = Objective(sweep.outcomes)
    score = objective.score({"val_loss": 0.3, "latency_ms": 12.0, "memory_mb": 380.0})

A score that meets the constraints is better than one that does not, and of two that do not, the
one that misses them by less: Deb's rules (Deb 2000, "An efficient constraint handling method for
genetic algorithms").
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    SerializerFunctionWrapHandler,
    model_serializer,
    model_validator,
)

# Where the values of scores that miss a constraint begin, for one objective: behind all others,
# with room for sums of many.
BEYOND = 1e300


class Metric(BaseModel):
    """A reported number: to be made small or large, or to stay within bounds, or both."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: str = Field(min_length=1)
    goal: Literal["minimize", "maximize"] | None = Field(
        None, description="minimize, where there are no bounds; with bounds it may have none"
    )
    min: float | None = Field(None, allow_inf_nan=False, description="what it must not be below")
    max: float | None = Field(None, allow_inf_nan=False, description="what it must not exceed")

    @model_validator(mode="before")
    @classmethod
    def _goal_or_bounds(cls, raw: Any) -> Any:
        """Without bounds there is a goal."""
        if not isinstance(raw, dict) or raw.get("goal") is not None:
            return raw
        bounded = raw.get("min") is not None or raw.get("max") is not None
        return {**raw, "goal": None if bounded else "minimize"}

    @model_validator(mode="after")
    def _some_room(self) -> Metric:
        if self.min is not None and self.max is not None and self.min > self.max:
            raise ValueError(f"min {self.min:g} is above max {self.max:g}; nothing lies between")
        return self

    @property
    def bounded(self) -> bool:
        """Whether it constrains."""
        return self.min is not None or self.max is not None

    def describe(self) -> str:
        """`minimize val_loss`, `memory_mb at most 400`, `maximize accuracy, at least 0.9`."""
        bounds = [f"at least {self.min:g}"] if self.min is not None else []
        bounds += [f"at most {self.max:g}"] if self.max is not None else []
        if self.goal is None:
            return f"{self.name} {' and '.join(bounds)}"
        return ", ".join([f"{self.goal} {self.name}", *bounds])

    @model_serializer(mode="wrap")
    def _as_written(self, serialize: SerializerFunctionWrapHandler) -> dict[str, Any]:
        return {key: value for key, value in serialize(self).items() if value is not None}


@dataclass(frozen=True, slots=True, order=True)
class Score:
    """By how much constraints are missed in all, and the objectives' values, all to be minimised.

    The order is that of one objective; of several it is a way to break ties. `folds_left`: of
    cross-validation; a mean over few of its folds may be luck, so it stands behind one over more.
    """

    folds_left: int = field(default=0, kw_only=True)
    violation: float
    values: tuple[float, ...]

    @property
    def feasible(self) -> bool:
        """Whether all constraints hold."""
        return self.violation == 0.0

    def dominates(self, other: Score) -> bool:
        """It misses constraints by less; or by as much, is nowhere worse, and somewhere better."""
        if self.folds_left != other.folds_left:
            return self.folds_left < other.folds_left
        if self.violation != other.violation:
            return self.violation < other.violation
        pairs = zip(self.values, other.values, strict=True)
        return self.values != other.values and all(mine <= theirs for mine, theirs in pairs)


class Objective:
    """The objectives and constraints of a sweep."""

    def __init__(self, outcomes: Sequence[Metric]) -> None:
        self.names = tuple(outcome.name for outcome in outcomes)
        goals = [outcome for outcome in outcomes if outcome.goal is not None]
        self._signs = {o.name: -1.0 if o.goal == "maximize" else 1.0 for o in goals}
        self._bounded = [outcome for outcome in outcomes if outcome.bounded]
        self.first, self.sign = next(iter(self._signs.items()))
        self.several = len(goals) > 1

    def score(self, metrics: Mapping[str, float]) -> Score:
        """The score of an epoch; its metrics are all there, and finite."""
        values = tuple([sign * metrics[name] for name, sign in self._signs.items()])
        if not self._bounded:
            return Score(0.0, values)
        return Score(math.fsum(missed(o, metrics[o.name]) for o in self._bounded), values)

    def missing(self, metrics: Mapping[str, float]) -> str | None:
        """The first of its metrics that is not there."""
        for name in self.names:
            if name not in metrics:
                return name
        return None

    def unusable(self, metrics: Mapping[str, float]) -> str | None:
        """The first of its metrics that is NaN or infinite."""
        for name in self.names:
            if not math.isfinite(metrics[name]):
                return name
        return None

    def loss(self, score: Score) -> float:
        """One objective's score as a number that keeps the order, lower being better.

        Its value where constraints are met; beyond all such values where they are not.
        """
        if score.feasible:
            return min(score.values[0], BEYOND)
        return BEYOND * (2.0 - 1.0 / (1.0 + score.violation))


def missed(outcome: Metric, value: float) -> float:
    """By how much a value misses its bounds, in parts of the bound (of 1 where that is 0)."""
    if outcome.max is not None and value > outcome.max:
        return (value - outcome.max) / (abs(outcome.max) or 1.0)
    if outcome.min is not None and value < outcome.min:
        return (outcome.min - value) / (abs(outcome.min) or 1.0)
    return 0.0
