"""Bayesian optimisation with one Gaussian process over configurations and rungs (process.py).

What is proposed promises the most at the last rung, as far as all rungs tell: a trial that was
stopped at epoch 2 teaches too, as much as epoch 2 has been seen to say about the end.
Configurations that are being tried count as if they came out as expected ("kriging believer",
Ginsbourger, Le Riche & Carraro 2010), which keeps workers apart that ask at the same time.

Three things keep the search wide, for no model is right on every problem. Trials take turns in how
far they trust it: one in four is random, one is the best of SOME random candidates by its mean,
one the best of all candidates by expected improvement (Jones, Schonlau & Welch 1998), which
explores, and one by its mean, which does not. Portfolios do better than any one rule (Hoffman,
Brochu & de Freitas 2011). And no candidate lies closer to a configuration that the model
sees than a quarter of the distance that as many trials would have if they filled the space evenly:
training is too noisy for near-repetitions to teach anything. Where all around it came out exactly
the same (flat.py), none lies on that plateau; and the more of the model's latest trials did, the
more of the next ones are random.
"""

from __future__ import annotations

import math
from bisect import bisect_right
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

import numpy as np
from pydantic import BaseModel, ConfigDict, Field

from ..errors import Problem
from ..history import History, Observation, Proposal, Standings
from ..space import Config, Space
from .admissible import admissible
from .features import Features, Floats, Ints
from .flat import extents
from .onethread import one_thread
from .process import Process, Rows
from .random import RandomSampler

ROWS = 160  # results that the model sees, and half as many of the best: cost grows cubically
PENDING = 100  # trials without a result, at most
ANYWHERE, NEARBY = 300, 200  # candidates
PARENTS = 20  # of the nearby ones: the most promising configurations
STEPS = (0.1, 0.2, 0.3)  # how far they move along each side
TURNS = 4  # trial n: 0 random, 1 the best of SOME, 2 expected improvement, 3 the best mean
SHORTLIST, EXPLORE = 1, 2
SOME = 16
LEVELS = 6
APART = 0.25
LATEST = 16  # of the model's trials, that say how flat the space is where it proposes
COIN = 13  # what a generator is for, in its seed
FRESH = 1.3  # hyperparameters are found again whenever there are so many times the results


class Gp(BaseModel):
    """Settings of Bayesian optimisation."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Literal["gp"] = "gp"
    startup: int = Field(10, ge=2, description="results that the model needs")

    def problems(self, space: Space) -> Iterator[Problem]:
        yield from ()

    def build(self, space: Space, seed: int) -> GpSampler:
        return GpSampler(space=space, seed=seed, startup=self.startup)


@dataclass(frozen=True, slots=True, kw_only=True)
class Known:
    """The results that the model sees, as rows: where they lie [n, sides], what they are [n].

    `scores`: values as the model has them; a diverged trial has one, but its value is infinite.
    """

    places: Floats
    rows: Rows
    values: Floats
    scores: Floats

    @property
    def first(self) -> Ints:
        """The first row of each trial."""
        _, first = np.unique(self.rows.trials, return_index=True)
        return np.sort(first)

    @property
    def by_trial(self) -> Floats:
        """The values of each trial at each rung [trials, rungs], in the order of `first`."""
        trials = self.rows.trials[self.first]
        order = np.argsort(trials)
        owner = order[np.searchsorted(trials, self.rows.trials, sorter=order)]
        found = np.full((len(trials), int(self.rows.rungs.max()) + 1), np.nan)
        found[owner, self.rows.rungs] = self.values
        return np.where(np.isfinite(found), found, np.nan)


@dataclass(slots=True, kw_only=True)
class Growth:
    """When hyperparameters are found: in steps, and whenever a rung is reached that none had.

    That depends on the arrivals alone, which are only ever added to: each is read once.
    """

    arrivals: Sequence[Observation]
    read: int = 0
    rungs: set[int] = field(default_factory=set)  # reached so far
    last_new: int = 0  # arrivals until the latest of these was reached

    def follows(self, arrivals: Sequence[Observation]) -> bool:
        """Whether these are the same arrivals, perhaps more by now."""
        return self.arrivals is arrivals and self.read <= len(arrivals)

    def latest(self, startup: int) -> int:
        """After how many arrivals hyperparameters were found last."""
        for index in range(self.read, len(self.arrivals)):
            new = self.arrivals[index].values.keys() - self.rungs
            if new:
                self.rungs |= new
                self.last_new = index + 1
        self.read = len(self.arrivals)
        count = float(startup)
        while count * FRESH <= self.read:
            count *= FRESH
        return max(int(count), self.last_new)


@dataclass(slots=True, kw_only=True)
class GpSampler:
    """Defaults, then chance until there are `startup` results, then the model.

    Keeps places and hyperparameters that follow from the history, to save time.
    """

    space: Space
    seed: int
    startup: int
    _features: Features = field(init=False, repr=False)
    _places: dict[int, tuple[Config, Floats]] = field(default_factory=dict, repr=False)
    _growth: Growth = field(default_factory=lambda: Growth(arrivals=()), repr=False)
    _fitted: tuple[int, Process] | None = field(default=None, repr=False)

    def __post_init__(self) -> None:
        self._features = Features(self.space)

    def propose(self, number: int, history: History) -> Proposal | None:
        turn, results = number % TURNS, len(history.arrivals)
        if number == 1 or turn == 0 or results < self.startup or not self.space.parameters:
            return RandomSampler(space=self.space, seed=self.seed).propose(number, history)
        with one_thread():
            candidates = self._candidates(number, turn, history)
        origin = f"gp from {results} results"

        def guess(attempt: int) -> Proposal:
            return Proposal(config=self._features.config(candidates[attempt]), origin=origin)

        return admissible(self.space, self.seed, number, history, guess, len(candidates))

    def _candidates(self, number: int, turn: int, history: History) -> Floats:
        """Places to try [n, sides], the most promising first; none where chance is to decide."""
        if not self._growth.follows(history.arrivals):
            self._growth, self._fitted = Growth(arrivals=history.arrivals), None
        when = self._growth.latest(self.startup)
        rungs = levels(self._growth.rungs)
        known = self._known(Standings.of(history.observations), rungs)
        if not len(known.rows):
            return known.places
        places = known.places[known.first]
        flat = extents(known.by_trial, self._features.distance(places, places))
        if self._by_chance(number, known.rows.trials[known.first], flat):
            return places[:0]
        posterior = self._process(when, rungs).given(known.rows, known.scores)
        trials, last = known.rows[known.first], len(rungs) - 1
        at_end = posterior.mean(replace(trials, rungs=np.full(len(trials), last)))
        order = np.argsort(at_end, kind="stable")
        waiting, pending = self._waiting(history.pending)
        generator = np.random.default_rng([self.seed, number])
        places = self._pool(generator, number, places[order], flat[order], waiting)
        if turn == SHORTLIST:
            places = places[:SOME]
        new = -np.arange(1, len(places) + 1)  # each differs from every trial
        rows = self._rows(places, np.full(len(places), last), new)
        if turn == EXPLORE:
            mean, spread = posterior.expecting(pending).at(rows)
            promise = log_improvement(float(at_end.min()), mean, spread)
        else:
            promise = -posterior.mean(rows)
        return places[np.argsort(-promise, kind="stable")]

    def _by_chance(self, number: int, trials: Ints, flat: Floats) -> bool:
        """Whether a trial of the model's is left to chance: its latest ones taught so little."""
        own = trials % TURNS != 0
        latest = np.argsort(trials[own])[-LATEST:]
        repeated = np.count_nonzero(flat[own][latest]) / (len(latest) + 1)
        return bool(np.random.default_rng([self.seed, number, COIN]).random() < repeated)

    def _pool(
        self,
        generator: np.random.Generator,
        number: int,
        best_first: Floats,
        flat: Floats,
        waiting: Floats,
    ) -> Floats:
        """Candidates [n, sides]: anywhere, and near the most promising; none too near to any."""
        sides = self._features.sides
        anywhere = generator.random((ANYWHERE, sides))
        parents = best_first[:PARENTS]
        chosen = parents[generator.integers(len(parents), size=NEARBY)]
        filled = np.where(np.isnan(chosen), generator.random(chosen.shape), chosen)
        step = generator.choice(STEPS, size=(NEARBY, 1))
        moved = filled + step * generator.standard_normal(chosen.shape)
        places = self._features.snap(np.concatenate([anywhere, _reflected(moved)]))
        tried = np.concatenate([best_first, waiting])
        near = np.full(len(tried), apart(number, sides))
        near[: len(flat)] = np.maximum(near[: len(flat)], flat)
        far = (self._features.distance(places, tried) >= near).all(axis=1)
        return places[far] if far.sum() >= SOME else places

    def _process(self, when: int, rungs: Sequence[int]) -> Process:
        """The process as it was fitted last: a function of the arrivals, after resuming too."""
        if self._fitted is None or self._fitted[0] != when:
            known = self._known(Standings(self._growth.arrivals[:when]), rungs)
            process = Process.before_data(self._features.owner, len(rungs))
            self._fitted = (when, process.fit(known.rows, known.scores))
        return self._fitted[1]

    def _known(self, standings: Standings, rungs: Sequence[int]) -> Known:
        found = [
            (o, rung, value)
            for o in telling(standings, rungs)
            for rung, value in results(o, rungs)
        ]
        places = self._stacked([self._place(o.trial, o.config) for o, _, _ in found])
        at, trials = np.array([(rung, o.trial) for o, rung, _ in found], int).reshape(-1, 2).T
        values = np.array([value for _, _, value in found])
        rows = self._rows(places, at, trials)
        return Known(places=places, rows=rows, values=values, scores=normal_scores(values))

    def _waiting(self, pending: Sequence[tuple[int, Config]]) -> tuple[Floats, Rows]:
        """Where the pending trials lie [m, sides], and their rows, all at the first rung."""
        latest = pending[-PENDING:]
        places = self._stacked([self._place(trial, config) for trial, config in latest])
        trials = np.array([trial for trial, _ in latest], int)
        return places, self._rows(places, np.zeros(len(places), int), trials)

    def _stacked(self, places: Sequence[Floats]) -> Floats:
        return np.array(places, float).reshape(-1, self._features.sides)

    def _rows(self, places: Floats, rungs: Ints, trials: Ints) -> Rows:
        return Rows(features=self._features.matrix(places), rungs=rungs, trials=trials)

    def _place(self, trial: int, config: Config) -> Floats:
        known = self._places.get(trial)
        if known is None or known[0] is not config:
            known = self._places[trial] = (config, self._features.place(config))
        return known[1]


def apart(number: int, sides: int) -> float:
    """How far proposals keep from what was tried, as the `number`-th trial of a unit cube."""
    return APART * math.sqrt(sides) * float(number ** (-1 / sides))


def levels(rungs: Iterable[int]) -> list[int]:
    """The rungs that are modelled: all, or of many LEVELS at most, evenly spread (log scale)."""
    known = sorted(rungs)
    if len(known) <= LEVELS:
        return known
    wanted = np.geomspace(known[0], known[-1], LEVELS)
    return sorted({min(known, key=lambda rung: abs(rung - epoch)) for epoch in wanted})


def telling(standings: Standings, rungs: Sequence[int]) -> list[Observation]:
    """Half of ROWS for those that came furthest, up to ROWS for an even choice of all others."""
    leaders: dict[int, Observation] = {}
    rows = 0
    for known in standings.leaders():
        if rows >= ROWS // 2:
            break
        leaders[known.trial] = known
        rows += len(results(known, rungs))
    step = max(1.0, (_count(standings, rungs) - rows) / ROWS)
    others = (standings[int(index * step)] for index in range(int(len(standings) / step)))
    return [*leaders.values(), *(o for o in others if o.trial not in leaders)]


def results(observation: Observation, rungs: Sequence[int]) -> list[tuple[int, float]]:
    """A trial's values, by rung from 0; one that diverged is the worst where it came next."""
    values = observation.values
    found = [(index, values[rung]) for index, rung in enumerate(rungs) if rung in values]
    furthest = max(values, default=0)
    if observation.diverged and rungs and furthest < rungs[-1]:
        found.append((bisect_right(rungs, furthest), math.inf))
    return found


def _count(standings: Standings, rungs: Sequence[int]) -> int:
    """How many rows all observations would have."""
    at = [standings.rungs[rung] for rung in rungs if rung in standings.rungs]
    diverged = len(at[-1].ranked) - at[-1].reached if at else 0
    return sum(standing.reached for standing in at) + diverged


def normal_scores(values: Floats) -> Floats:
    """Values [n] as quantiles of the normal distribution; equal ones share theirs.

    Only the order counts: a loss of 1e34, or one that is infinite, is no more than the worst.
    """
    from scipy.special import ndtri

    _, place, count = np.unique(values, return_inverse=True, return_counts=True)
    middle = np.cumsum(count) - count / 2
    return np.asarray(ndtri(middle / len(values)))[place]


def log_improvement(best: float, mean: Floats, spread: Floats) -> Floats:
    """The logarithm of the expected improvement on `best` (the lower the better)."""
    from scipy.special import ndtr

    away = (best - mean) / spread
    density = np.exp(-0.5 * away * away) / math.sqrt(2 * math.pi)
    return np.asarray(np.log(np.maximum(spread * (away * ndtr(away) + density), 1e-300)))


def _reflected(places: Floats) -> Floats:
    """Into the unit cube, by reflection at its sides."""
    folded = np.abs(places) % 2
    return np.minimum(np.where(folded > 1, 2 - folded, folded), 1.0)
