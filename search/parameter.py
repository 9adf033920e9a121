"""One parameter of a sweep: a `Float`, an `Int` or a `Choice`, and the values it may take.

With `log`, `step` is a factor: `Int(min=16, max=256, log=True, step=2)` is 16, 32, 64, 128, 256.
"""

from __future__ import annotations

import math
from collections.abc import Hashable
from decimal import Decimal
from typing import TYPE_CHECKING, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, model_validator
from pydantic_core import PydanticCustomError

from .brief import brief

if TYPE_CHECKING:
    from optuna.distributions import BaseDistribution

Condition = dict[str, Any]

Prior = Literal["low", "medium", "high"]

MOST = 2**53  # values of a range with steps: beyond, floats cannot count them
LISTED = 20  # choices that a message names

PRIOR = "how surely the default is believed to be good; trials are drawn near it first"
WHEN = "only used when these parameters have these values (a list: any of them)"


def wrong(key: str, message: str) -> PydanticCustomError:
    """A mistake in one key of a parameter; `key` leads to its line in the sweep file."""
    return PydanticCustomError("parameter", "{message}", {"key": key, "message": message})


class _Range(BaseModel):
    """What Float and Int share: two bounds, a scale, and steps along it."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    min: float
    max: float
    log: bool = Field(False, description="search the exponent, not the value")
    step: float | None = Field(
        None, description="distance between neighbours; with log: their ratio"
    )
    default: float | None = Field(None, description="tried first")
    prior: Prior | None = Field(None, description=PRIOR)
    when: Condition | None = Field(None, description=WHEN)

    @model_validator(mode="after")
    def _check(self) -> _Range:
        for key in ("min", "max", "step", "default"):
            self._check_size(key, getattr(self, key))
        if self.min >= self.max:
            raise wrong(
                "min",
                f"min {self.min:g} is not below max {self.max:g}; swap them, or write the "
                "value alone for a constant",
            )
        if self.log and self.min <= 0:
            raise wrong(
                "min",
                f"log needs min above 0, but min is {self.min:g}; raise min or remove log",
            )
        if not math.isfinite(self.max - self.min):
            raise wrong("max", f"{self.min:g} to {self.max:g} is wider than numbers can tell")
        if self.step is not None:
            self._check_step(self.step)
        if self.default is not None and not self.contains(self.default):
            raise wrong("default", f"default {self.default:g} is not among {self.describe()}")
        _check_prior(self.prior, self.default)
        return self

    def _check_size(self, key: str, value: float | int | None) -> None:
        if isinstance(value, int) and not -(2**63) <= value < 2**63:
            raise wrong(key, f"{key} is {brief(value)}, beyond integers of 64 bits")
        if value is not None and not math.isfinite(value):
            raise wrong(key, f"{key} is {value}, but must be a finite number")

    def _check_step(self, step: float) -> None:
        if self.log and step <= 1:
            raise wrong("step", f"with log, step is a factor and must be above 1, not {step:g}")
        if step <= 0:
            raise wrong("step", f"step must be above 0, not {step:g}")
        if not self.log and step > self.max - self.min:
            bounds = f"{self.min:g} to {self.max:g}"
            raise wrong("step", f"step {step:g} is wider than the range {bounds}")
        if (self.count or 0) > MOST:
            raise wrong("step", f"step {step:g} makes more than {MOST:,} values; leave it out")

    @property
    def count(self) -> int | None:
        """How many values there are; None where they are not countable."""
        if self.step is None:
            return None
        if self.log:
            octaves = math.log(self.max) - math.log(self.min)
            return math.floor(octaves / math.log(self.step) + 1e-9) + 1
        return int((_exact(self.max) - _exact(self.min)) / _exact(self.step)) + 1

    def level(self, index: int) -> float | int:
        """The index-th value, from below; exact, so that 0.1 + 2 × 0.1 is 0.3."""
        assert self.step is not None
        low, step = _exact(self.min), _exact(self.step)
        exact = low * step**index if self.log else low + index * step
        return min(float(exact), self.max)

    def at(self, unit: float) -> float | int:
        """The value at a place in [0, 1), on the parameter's own scale."""
        if self.count is not None:
            return self.level(min(int(unit * self.count), self.count - 1))
        if self.log:
            low, high = math.log(self.min), math.log(self.max)
            return min(max(math.exp(low + unit * (high - low)), self.min), self.max)
        return min(self.min + unit * (self.max - self.min), self.max)

    def contains(self, value: Any) -> bool:
        """Whether the parameter may take this value."""
        if not _number(value) or not self.min <= value <= self.max:
            return False
        count = self.count
        if count is None:
            return True
        return any(self._equal(self.level(i), value) for i in self._near(value, count))

    def _equal(self, level: float, value: float) -> bool:
        return math.isclose(level, value, rel_tol=1e-9)

    def _near(self, value: float, count: int) -> range:
        assert self.step is not None
        if self.log:
            place = (math.log(value) - math.log(self.min)) / math.log(self.step)
        else:
            place = (value - self.min) / self.step
        return range(max(round(place), 0), min(round(place) + 1, count))

    def index(self, value: float) -> int:
        """Which level a value is; the opposite of `level`."""
        count = self.count
        assert count is not None
        return self._near(value, count)[0]

    def describe(self) -> str:
        """The range in words, for messages and `check`."""
        if self.count is not None and self.count <= 10:
            return ", ".join(f"{self.level(i):g}" for i in range(self.count))
        step = "" if self.step is None else f", {'factor' if self.log else 'step'} {self.step:g}"
        return f"{self.min:g} to {self.max:g}{step}{', log' if self.log else ''}"


class Float(_Range):
    """A real number between `min` and `max`, both included."""

    def distribution(self) -> BaseDistribution:
        """The same in Optuna's terms; with steps, the index of the level."""
        from optuna.distributions import FloatDistribution, IntDistribution

        if self.count is not None:
            return IntDistribution(0, self.count - 1)
        return FloatDistribution(self.min, self.max, log=self.log)

    def encode(self, value: Any) -> Any:
        """A value of this parameter, as Optuna's distribution has it."""
        return value if self.count is None else self.index(value)

    def decode(self, value: Any) -> float:
        """A value of Optuna's distribution, as this parameter has it."""
        return float(value if self.count is None else self.level(value))


class Int(_Range):
    """A whole number between `min` and `max`, both included."""

    min: int
    max: int
    default: int | None = Field(None, description="tried first")

    @model_validator(mode="after")
    def _whole(self) -> Int:
        # With log a factor of 1.5 would leave the whole numbers: 2, 3, 4.5.
        if self.step is not None and self.step != int(self.step):
            raise wrong("step", f"step must be a whole number between integers, not {self.step:g}")
        return self

    def level(self, index: int) -> int:
        assert self.step is not None
        step = int(self.step)
        return self.min * step**index if self.log else self.min + index * step

    def at(self, unit: float) -> int:
        if self.count is not None:
            return int(super().at(unit))
        if not self.log:
            return min(self.min + int(unit * (self.max - self.min + 1)), self.max)
        # Each whole number owns half a unit to either side, as in Optuna's IntDistribution.
        low, high = math.log(self.min - 0.5), math.log(self.max + 0.5)
        return min(max(round(math.exp(low + unit * (high - low))), self.min), self.max)

    def contains(self, value: Any) -> bool:
        return super().contains(value) and value == int(value)

    def _equal(self, level: float, value: float) -> bool:
        return level == value

    def distribution(self) -> BaseDistribution:
        """The same in Optuna's terms; with steps, the index of the level."""
        from optuna.distributions import IntDistribution

        if self.count is not None and self.step != 1:
            return IntDistribution(0, self.count - 1)
        return IntDistribution(self.min, self.max, log=self.log)

    def encode(self, value: Any) -> Any:
        """A value of this parameter, as Optuna's distribution has it."""
        return value if self.count is None or self.step == 1 else self.index(value)

    def decode(self, value: Any) -> int:
        """A value of Optuna's distribution, as this parameter has it."""
        return int(value if self.count is None or self.step == 1 else self.level(value))


class Choice(BaseModel):
    """One of a list of values; where they are rising numbers, their order is used."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    values: list[Any]
    default: Any = Field(None, description="tried first")
    prior: Prior | None = Field(None, description=PRIOR)
    when: Condition | None = Field(None, description=WHEN)

    @model_validator(mode="after")
    def _check(self) -> Choice:
        if not self.values:
            raise wrong("values", "values is empty; list at least one value")
        twin = _twin(self.values)
        if twin is not None:
            raise wrong("values", f"{brief(self.values[twin])} is listed twice")
        if self.default is not None and not self.contains(self.default):
            among = self.describe()
            raise wrong("default", f"default {brief(self.default)} is not among {among}")
        _check_prior(self.prior, self.default)
        return self

    @property
    def count(self) -> int:
        return len(self.values)

    @property
    def ordered(self) -> bool:
        """Rising or falling numbers: a sampler may go from one to the next."""
        numbers = all(_number(value) for value in self.values)
        return numbers and self.values in (sorted(self.values), sorted(self.values, reverse=True))

    def level(self, index: int) -> Any:
        return self.values[index]

    def at(self, unit: float) -> Any:
        """The value at a place in [0, 1)."""
        return self.values[min(int(unit * len(self.values)), len(self.values) - 1)]

    def contains(self, value: Any) -> bool:
        """Whether the parameter may take this value; `True` is not 1, and `"1"` is not 1."""
        return any(same(value, other) for other in self.values)

    def distribution(self) -> BaseDistribution:
        """The same in Optuna's terms: the index of the value."""
        from optuna.distributions import CategoricalDistribution, IntDistribution

        if self.ordered:
            return IntDistribution(0, len(self.values) - 1)
        return CategoricalDistribution(tuple(range(len(self.values))))

    def encode(self, value: Any) -> int:
        """A value of this parameter, as Optuna's distribution has it."""
        return next(i for i, other in enumerate(self.values) if same(value, other))

    def decode(self, value: Any) -> Any:
        """A value of Optuna's distribution, as this parameter has it."""
        return self.values[value]

    def describe(self) -> str:
        """The values in words, for messages and `check`."""
        told = [value if isinstance(value, str) else brief(value) for value in self.values]
        if len(told) > LISTED:
            told[LISTED - 2 : -1] = ["..."]
        return ", ".join(told)


Parameter = Float | Int | Choice


def same(a: Any, b: Any) -> bool:
    """Equality that keeps True apart from 1, and 1 together with 1.0."""
    return isinstance(a, bool) == isinstance(b, bool) and bool(a == b)


def _twin(values: list[Any]) -> int | None:
    """Where a value stands for the second time."""
    seen: set[tuple[bool, Any]] = set()
    lists: list[Any] = []  # and mappings, which no set can hold
    for index, value in enumerate(values):
        if isinstance(value, Hashable):
            if (key := (isinstance(value, bool), value)) in seen:
                return index
            seen.add(key)
        elif any(same(value, other) for other in lists):
            return index
        else:
            lists.append(value)
    return None


def _check_prior(prior: Prior | None, default: Any) -> None:
    if prior is not None and default is None:
        raise wrong("prior", f"{prior} says how good the default is; give a default too")


def _number(value: Any) -> bool:
    return isinstance(value, int | float) and not isinstance(value, bool)


def _exact(value: float) -> Decimal:
    return Decimal(str(value))
