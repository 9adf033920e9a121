"""What an Optuna objective talks to, without saying who answers.

In the search that is a trial (objective.py); before it, whoever looks what is asked (probe.py).
"""

from __future__ import annotations

import datetime
from abc import abstractmethod
from collections.abc import Sequence
from typing import Any

from optuna.distributions import (
    BaseDistribution,
    CategoricalDistribution,
    FloatDistribution,
    IntDistribution,
)
from optuna.trial import BaseTrial
from pydantic import ValidationError

from ..search.errors import TrainingFunctionError
from ..search.parameter import same
from ..search.space import Choice, Float, Int, Parameter, storable


class Asking(BaseTrial):
    """An `optuna.Trial` in all that an objective may ask of one; `answer` has the values."""

    def __init__(self, number: int) -> None:
        self._number = number
        self._start = datetime.datetime.now()
        self._params: dict[str, Any] = {}
        self._distributions: dict[str, BaseDistribution] = {}
        self._attributes: dict[str, Any] = {}

    @abstractmethod
    def answer(self, name: str, parameter: Parameter) -> Any:
        """One of the parameter's values."""

    def suggest_float(
        self, name: str, low: float, high: float, *, step: float | None = None, log: bool = False
    ) -> float:
        return float(self._ask(name, FloatDistribution(low, high, log=log, step=step)))

    def suggest_uniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high)

    def suggest_loguniform(self, name: str, low: float, high: float) -> float:
        return self.suggest_float(name, low, high, log=True)

    def suggest_discrete_uniform(self, name: str, low: float, high: float, q: float) -> float:
        return self.suggest_float(name, low, high, step=q)

    def suggest_int(
        self, name: str, low: int, high: int, *, step: int = 1, log: bool = False
    ) -> int:
        return int(self._ask(name, IntDistribution(low, high, log=log, step=step)))

    def suggest_categorical(self, name: str, choices: Sequence[Any]) -> Any:
        """Values that a sweep file cannot hold are called by their name or text there."""
        given = list(choices)
        called = [_called(value) for value in given]
        value = self._ask(name, CategoricalDistribution(called))
        return next(own for own, text in zip(given, called, strict=True) if same(text, value))

    def set_user_attr(self, key: str, value: Any) -> None:
        self._attributes[key] = value

    def set_constraint(self, key: str, value: float) -> None:
        """A number like any other: a bound in the sweep's `metric` makes a constraint of it."""
        self.set_user_attr(key, float(value))

    @property
    def params(self) -> dict[str, Any]:
        return dict(self._params)

    @property
    def distributions(self) -> dict[str, BaseDistribution]:
        return dict(self._distributions)

    @property
    def user_attrs(self) -> dict[str, Any]:
        return dict(self._attributes)

    @property
    def datetime_start(self) -> datetime.datetime:
        return self._start

    @property
    def number(self) -> int:
        """From 0, as Optuna counts; nightsweep's own count from 1."""
        return self._number

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)  # copying and pickling ask for many of these
        raise AttributeError(
            f"trial.{name} is not there on nightsweep: a trial sees neither the study nor other "
            "trials, which run elsewhere at the same time; it has suggest_*, report, "
            "should_prune, params, number, user_attrs, keep and epochs"
        )

    def _ask(self, name: str, distribution: BaseDistribution) -> Any:
        if name not in self._params:  # asked again, it is what it was
            self._distributions[name] = distribution
            self._params[name] = self.answer(name, parameter_of(name, distribution))
        return self._params[name]


def _called(value: Any) -> Any:
    if getattr(value, "shape", None) == ():  # one of numpy's numbers
        value = value.item()
    return value if storable(value) else getattr(value, "__name__", str(value))


def parameter_of(name: str, distribution: BaseDistribution) -> Parameter:
    """The same as a parameter of a sweep. Errors: TrainingFunctionError."""
    try:
        return _parameter(distribution)
    except ValidationError as error:
        why = error.errors()[0]["msg"]
        raise TrainingFunctionError(f"{name}: {why}") from None


def _parameter(asked: BaseDistribution) -> Parameter:
    match asked:
        case CategoricalDistribution():
            return Choice(values=list(asked.choices))
        case FloatDistribution() | IntDistribution() if asked.single():
            return Choice(values=[asked.low])
        case FloatDistribution():
            return Float(min=asked.low, max=asked.high, log=asked.log, step=asked.step)
        case IntDistribution():
            step = None if asked.step == 1 else asked.step
            return Int(min=asked.low, max=asked.high, log=asked.log, step=step)
    raise TypeError(f"{asked} is none of Optuna's own")
