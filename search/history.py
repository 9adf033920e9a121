"""What a sampler may know: results at rungs, and what is being tried right now."""

from __future__ import annotations

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import overload

from .ranking import Ranking
from .space import Config


@dataclass(frozen=True, slots=True, kw_only=True)
class Observation:
    """A trial's values at the rungs it has reached: epoch -> value, the lower the better.

    Whatever the sweep's goal, values are to be minimised; only those of one epoch may be compared.
    The last epoch counts as a rung. A trial that diverged is the worst wherever it did not come.
    """

    trial: int
    config: Config
    values: Mapping[int, float]
    diverged: bool = False

    def at(self, rung: int) -> float | None:
        """The value at a rung; inf for a trial that diverged before, None for one not there."""
        return self.values.get(rung, math.inf if self.diverged else None)


@dataclass(frozen=True, slots=True, kw_only=True)
class History:
    """All observations in the order of their trials, and the trials without one yet.

    It is of its moment: read it at once, and keep from it what is to be kept.

    `arrivals`: the observations as they came, a trial's again whenever it has reached a rung.
    `tried`: the configurations that are not to be tried again.
    """

    observations: Sequence[Observation] = ()
    arrivals: Sequence[Observation] = ()
    pending: Sequence[tuple[int, Config]] = ()
    tried: Container[Config] = ()


@dataclass(slots=True)
class Standing:
    """Who has come to a rung, diverged trials included: the best first, and by trial."""

    ranked: Ranking[tuple[float, int]] = field(default_factory=Ranking)
    trials: list[int] = field(default_factory=list)

    @property
    def reached(self) -> int:
        """How many have a value of their own there."""
        return self.ranked.before((math.inf, 0))

    def move(self, trial: int, old: float | None, new: float | None) -> None:
        """A trial's value has changed; None where it has none."""
        if old is not None:
            self.ranked.remove((old, trial))
            del self.trials[bisect_left(self.trials, trial)]
        if new is not None:
            self.ranked.add((new, trial))
            insort(self.trials, trial)


class Standings(Sequence[Observation]):
    """Observations in the order of their trials, and the standing at each rung.

    Both are kept in order as results come in: sorted anew for each proposal, they would make
    most of the cost of a long sweep.
    """

    def __init__(self, observations: Iterable[Observation] = ()) -> None:
        self.rungs: dict[int, Standing] = {}
        self._known: dict[int, Observation] = {}
        self._trials: list[int] = []
        self._diverged: set[int] = set()
        for observation in observations:
            self.put(observation)

    @classmethod
    def of(cls, observations: Sequence[Observation]) -> Standings:
        """The standings among these observations; themselves, where they are standings."""
        return observations if isinstance(observations, cls) else cls(observations)

    def put(self, observation: Observation) -> None:
        """Take what is known of a trial now, in the place of what was known before."""
        trial = observation.trial
        before = self._known.get(trial)
        if before is None:
            before = Observation(trial=trial, config=observation.config, values={})
            insort(self._trials, trial)
        self._known[trial] = observation
        for rung in observation.values.keys() - self.rungs.keys():
            lost = sorted(self._diverged)
            self.rungs[rung] = Standing(Ranking((math.inf, other) for other in lost), lost)
        turned = observation.diverged != before.diverged
        if turned:
            self._diverged ^= {trial}
        for rung in self.rungs if turned else observation.values:
            old, new = before.at(rung), observation.at(rung)
            if old != new:
                self.rungs[rung].move(trial, old, new)

    def known(self, trial: int) -> Observation | None:
        """What is known of a trial."""
        return self._known.get(trial)

    def leaders(self) -> Iterator[Observation]:
        """Those with a value: who has come furthest first, and of these the best there."""
        seen: set[int] = set()
        for rung in sorted(self.rungs, reverse=True):
            for value, trial in self.rungs[rung].ranked:
                if math.isinf(value):
                    break
                if trial not in seen:
                    seen.add(trial)
                    yield self._known[trial]

    @overload
    def __getitem__(self, index: int) -> Observation: ...
    @overload
    def __getitem__(self, index: slice) -> list[Observation]: ...
    def __getitem__(self, index: int | slice) -> Observation | list[Observation]:
        if isinstance(index, slice):
            return [self._known[trial] for trial in self._trials[index]]
        return self._known[self._trials[index]]

    def __iter__(self) -> Iterator[Observation]:
        return map(self._known.__getitem__, self._trials)

    def __len__(self) -> int:
        return len(self._trials)


Fit = Callable[[Config], Config | None]


class Observations:
    """Collects observations, one a trial."""

    def __init__(self) -> None:
        self._known: dict[int, Observation] = {}
        self._came: list[Observation] = []
        self._fit: Fit | None = None
        self._standings = Standings()
        self._arrivals = self._came
        self._pending: dict[int, Config] = {}

    def began(self, trial: int, config: Config) -> None:
        """A trial has been started; until it has a result, or ends, it is pending."""
        self._pending[trial] = config

    def ended(self, trial: int) -> None:
        """A trial has ended, however it did."""
        self._pending.pop(trial, None)

    def note(self, trial: int, config: Config, rung: int, value: float) -> None:
        """A trial has reached a rung."""
        values = {**self._values(trial), rung: value}
        self.put(Observation(trial=trial, config=config, values=values))

    def diverged(self, trial: int, config: Config) -> None:
        """A trial has diverged."""
        values = self._values(trial)
        self.put(Observation(trial=trial, config=config, values=values, diverged=True))

    def history(self, tried: Container[Config] = ()) -> History:
        """What is known now. While nobody has a value, there is nothing to be learned."""
        running = self._pending.items()
        pending = list(running if self._fit is None else self._fitting(running))
        return History(
            observations=self._standings,
            arrivals=self._arrivals if self._standings.rungs else (),
            pending=pending,
            tried=tried,
        )

    def put(self, observation: Observation) -> None:
        """Take what is known of a trial."""
        self._pending.pop(observation.trial, None)
        self._known[observation.trial] = observation
        self._came.append(observation)
        for fitting in self._refitted([observation]):
            self._standings.put(fitting)
            if self._arrivals is not self._came:
                self._arrivals.append(fitting)

    def refit(self, fit: Fit) -> None:
        """The space has changed: show what `fit` makes of each configuration, without those of
        which it makes none."""
        self._fit = fit
        self._arrivals = list(self._refitted(self._came))
        self._standings = Standings(self._arrivals)

    def _refitted(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        if self._fit is None:
            yield from observations
            return
        for observation in observations:
            for _, config in self._fitting([(observation.trial, observation.config)]):
                yield replace(observation, config=config)

    def _fitting(self, configs: Iterable[tuple[int, Config]]) -> Iterator[tuple[int, Config]]:
        for trial, config in configs:
            fitting = self._fit(config) if self._fit else config
            if fitting is not None:
                yield trial, fitting

    def _values(self, trial: int) -> Mapping[int, float]:
        known = self._known.get(trial)
        return known.values if known else {}


@dataclass(frozen=True, slots=True, kw_only=True)
class Proposal:
    """A configuration to try, and where it comes from in words."""

    config: Config
    origin: str
