"""Optuna's objectives, unchanged: `def objective(trial)` with suggest_*, report, should_prune.

Each report is an epoch, in the order in which they come, whatever steps they name. At a rung
`report` waits for the decision, and `should_prune` says what it was.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Callable, Iterator, Sequence
from numbers import Real
from typing import Any

import numpy as np
from optuna.exceptions import TrialPruned

from ..search.brief import brief
from ..search.errors import RunFolderError
from ..search.runfolder import write_whole
from ..search.space import Choice, Parameter
from ..search.units import plural
from .asking import Asking
from .checkpoint import Keepable
from .metrics import ReportError
from .trial import Halted, Trial

ATTRIBUTES = "attributes.json"  # in a trial's folder: what set_user_attr was given


def follow(objective: Callable[[Any], Any], trial: Trial) -> None:
    """Train a trial by an objective. Errors: ReportError, and what the objective raises."""
    asked = Asked(trial)
    try:
        returned = objective(asked)
    except TrialPruned:
        asked.pruned()
    else:
        asked.returned(returned)


class Asked(Asking):
    """A trial, as an objective sees it.

    `keep` and `epochs` are nightsweep's own, for objectives that are to be paused and go on.
    """

    def __init__(self, trial: Trial) -> None:
        super().__init__(trial.id - 1)
        self._trial = trial
        self._steps: set[int] = set()
        self._values: list[float] = []  # reported
        self._last: float | None = None  # of the last epoch: the returned value may replace it
        self._keeps = self._looping = False

    def answer(self, name: str, parameter: Parameter) -> Any:
        """The configuration's; where it has none, one that follows from the trial's seed."""
        if parameter.count == 1:
            return parameter.level(0)
        if name not in self._trial.config:
            value = parameter.at(_place(self._trial.seed, name))
            print(f"{name} is not among the sweep's parameters: {value} was drawn for it")
            self.set_user_attr(name, value)
            return value
        value = self._trial.config[name]
        return value if parameter.contains(value) else self._nearest(name, value, parameter)

    def _nearest(self, name: str, value: Any, parameter: Parameter) -> Any:
        """What comes nearest in a range that depends on other values."""
        if isinstance(parameter, Choice) or not isinstance(value, int | float):
            raise ReportError(
                f"{name} is {brief(value)} in this trial, but the objective asks for one of "
                f"{parameter.describe()}; give the sweep's {name} these values"
            )
        inside = min(max(value, parameter.min), parameter.max)
        nearest = inside if parameter.count is None else parameter.level(parameter.index(inside))
        print(f"{name} is {nearest:g} instead of {value:g}: {parameter.describe()} was asked for")
        return nearest

    def report(self, value: float, step: int) -> None:
        """An epoch's value; as with Optuna, the second report of the same step does not count."""
        if step in self._steps:
            return
        self._send_last()
        if self._trial.halted:
            raise Halted  # nobody has asked should_prune, or it has trained all its epochs
        if self._keeps and not self._looping:
            raise ReportError(
                "the objective keeps its state to be paused, but its own loop would begin again "
                "from the first epoch; let it loop over trial.epochs()"
            )
        self._steps.add(step)
        self._values.append(float(value))
        if self._trial.epoch + 1 >= self._trial.max_epochs and not self._looping:
            self._last = float(value)
            return
        try:
            self._trial.report(self._metrics(float(value)))
        except Halted:
            pass  # should_prune says so

    def should_prune(self) -> bool:
        """Whether the last report's decision was to leave this trial, for now or for good."""
        return self._trial.halted and self._trial.epoch < self._trial.max_epochs

    def set_user_attr(self, key: str, value: Any) -> None:
        """Numbers are reported too, with the next value; all are in the trial's folder."""
        super().set_user_attr(key, value)
        text = json.dumps(self._attributes, indent=2, default=str) + "\n"
        try:
            write_whole(
                self._trial.folder / ATTRIBUTES,
                lambda path: path.write_text(text, encoding="utf-8"),
            )
        except RunFolderError as error:
            print(f"{key} is not in {ATTRIBUTES}: {error}")  # no reason to lose the trial

    def keep(self, **things: Keepable) -> None:
        """nightsweep's: what is saved when the trial is paused, and restored here."""
        self._keeps = True
        self._trial.keep(**things)

    def epochs(self, last: int | None = None) -> Iterator[int]:
        """nightsweep's: the epochs from 1, or from where the trial was paused."""
        self._looping = True
        return self._trial.epochs(last)

    def pruned(self) -> None:
        """The objective has raised TrialPruned, told to or of its own accord."""
        self._send_last()
        if not (self._trial.halted or self._trial.epoch):
            print("pruned before it has reported anything: it counts as the worst")
            self._end(dict.fromkeys(self._trial.metrics, math.nan))

    def returned(self, given: Any) -> None:
        """What the objective has returned is that of the last epoch, unless it was reported."""
        if self._trial.halted:
            return
        if given is None and self._values:
            self._send_last()
            return
        names = self._trial.metrics
        alone = isinstance(given, str) or not isinstance(given, Sequence)
        several = [given] if alone else list(given)
        if len(several) > len(names):
            raise ReportError(
                f"the objective returned {len(several)} values, and the sweep has "
                f"{plural(len(names), 'metric')}: {', '.join(names)}"
            )
        try:
            values = [float(value) for value in several]
        except (TypeError, ValueError):
            raise ReportError(
                f"the objective returned {brief(given)}; it must return a number"
            ) from None
        if values[0] in self._values:
            self._send_last()
        else:
            self._end(self._metrics(values[0]) | dict(zip(names, values, strict=False)))

    def _send_last(self) -> None:
        if self._last is not None:
            value, self._last = self._last, None
            self._end(self._metrics(value))

    def _end(self, metrics: dict[str, Any]) -> None:
        self._trial.report_saving(metrics, lambda epoch: False, last=True)

    def _metrics(self, value: float) -> dict[str, Any]:
        numbers = {
            key: float(attribute)
            for key, attribute in self._attributes.items()
            if isinstance(attribute, Real) and not isinstance(attribute, bool)
        }
        return numbers | {self._trial.metrics[0]: value}


def _place(seed: int, name: str) -> float:
    """In [0, 1): the same for a trial that begins again."""
    return float(np.random.default_rng([seed, zlib.crc32(name.encode())]).random())
