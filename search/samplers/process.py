"""A Gaussian process over configurations and rungs: what is known of one rung tells of the others.

The value of trial i with features x at rung r is

    y = mean + mean of the rung + C[r, r'] (Matérn 5/2 of x + deviation of trial i) + noise

where C falls from rung to rung by correlations that are learned: a rung that says nothing about
the end (the first epoch, often) is seen to say nothing. The covariance is a product over inputs
and fidelities, as in multi-task Gaussian processes (Swersky, Snoek & Adams 2013) and MOBSTER
(Klein et al. 2020). All that led to a promotion is in the data, so it is not misled by seeing only
promoted trials at high rungs.

Hyperparameters are the most probable ones, under priors that keep them sane where there are few
results; lengthscales grow with the root of the dimension (Hvarfner, Hellsten & Nardi 2024).
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

import numpy as np
import numpy.typing as npt

Floats = npt.NDArray[np.float64]
Ints = npt.NDArray[np.int64]

ITERATIONS = 25  # of L-BFGS; more change next to nothing
JITTER = 1e-6
MEAN = 1.0  # prior variance of the common mean, and of each rung's
ROOT5 = math.sqrt(5)


@dataclass(frozen=True, slots=True, kw_only=True)
class Rows:
    """Places of the process: features [n, f], rung [n] (from 0), and trial [n] (its number)."""

    features: Floats
    rungs: Ints
    trials: Ints

    def __len__(self) -> int:
        return len(self.trials)

    def __getitem__(self, index: Ints) -> Rows:
        return Rows(
            features=self.features[index], rungs=self.rungs[index], trials=self.trials[index]
        )

    def __add__(self, other: Rows) -> Rows:
        return Rows(
            features=np.concatenate([self.features, other.features]),
            rungs=np.concatenate([self.rungs, other.rungs]),
            trials=np.concatenate([self.trials, other.trials]),
        )


@dataclass(frozen=True, slots=True, kw_only=True)
class Process:
    """A process with hyperparameters, all as logarithms, in one vector:

    lengthscales (one a parameter), the variances of configuration, of trial and of noise, and the
    distances between neighbouring rungs. `owner` [f] says which parameter a feature is of.
    """

    owner: Ints
    rungs: int
    theta: Floats

    @classmethod
    def before_data(cls, owner: Ints, rungs: int) -> Process:
        """The most probable process as long as nothing is known."""
        mode, _ = _prior(int(owner.max()) + 1, rungs)
        return cls(owner=owner, rungs=rungs, theta=mode)

    def fit(self, rows: Rows, y: Floats) -> Process:
        """With the hyperparameters that are most probable given these values."""
        from scipy.optimize import minimize

        mode, spread = _prior(self._sides, self.rungs)
        found = minimize(
            Evidence(self.owner, self.rungs, rows, y),
            self.theta,
            jac=True,
            method="L-BFGS-B",
            bounds=list(zip(mode - 3 * spread, mode + 3 * spread, strict=True)),
            options={"maxiter": ITERATIONS},
        )
        return Process(owner=self.owner, rungs=self.rungs, theta=found.x)

    def given(self, rows: Rows, y: Floats) -> Posterior:
        """What is believed after these values."""
        from scipy.linalg import cho_solve

        root = np.asarray(np.linalg.cholesky(self.noisy(rows)), dtype=np.float64)
        weights = np.asarray(cho_solve((root, True), y, check_finite=False))
        return Posterior(process=self, rows=rows, root=root, weights=weights)

    def noisy(self, rows: Rows) -> Floats:
        """The covariance [n, n] of values with their noise."""
        covariance = self.covariance(rows, rows)
        covariance[np.diag_indices(len(rows))] += math.exp(self.theta[self._sides + 2]) + JITTER
        return covariance

    def covariance(self, a: Rows, b: Rows) -> Floats:
        """The covariance [n, m] of values, without their noise."""
        from scipy.spatial.distance import cdist

        scales = np.exp(self.theta[: self._sides])[self.owner]
        configuration, trial = np.exp(self.theta[self._sides : self._sides + 2])
        distance = cdist(a.features / scales, b.features / scales)
        alike = configuration * _matern(distance)
        alike += trial * (a.trials[:, None] == b.trials[None, :])
        same_rung = a.rungs[:, None] == b.rungs[None, :]
        rung = self.correlation[np.ix_(a.rungs, b.rungs)]
        return np.asarray(rung * alike + MEAN + MEAN * same_rung)

    @property
    def variance(self) -> float:
        """Of any value before data, without noise."""
        configuration, trial = np.exp(self.theta[self._sides : self._sides + 2])
        return float(configuration + trial) + 2 * MEAN

    @property
    def correlation(self) -> Floats:
        """Between rungs [rungs, rungs]."""
        return _correlation(np.exp(self.theta[self._sides + 3 :]))

    @property
    def _sides(self) -> int:
        return int(self.owner.max()) + 1


@dataclass(frozen=True, slots=True, kw_only=True)
class Posterior:
    """A process after values at `rows`; `root` [n, n] is the Cholesky root of their covariance."""

    process: Process
    rows: Rows
    root: Floats
    weights: Floats

    def mean(self, rows: Rows) -> Floats:
        """What is expected at `rows`."""
        return np.asarray(self.process.covariance(rows, self.rows) @ self.weights)

    def at(self, rows: Rows) -> tuple[Floats, Floats]:
        """Mean and standard deviation of the values at `rows`, without noise."""
        between = self.process.covariance(rows, self.rows)
        explained = np.square(self._solved(between)).sum(axis=0)
        spread = np.sqrt(np.maximum(self.process.variance - explained, 1e-8))
        return between @ self.weights, spread

    def expecting(self, rows: Rows) -> Posterior:
        """As if the values at `rows` had come, too, and all as expected.

        What is expected changes no mean: the new weights are 0. Only the spread shrinks.
        """
        if not len(rows):
            return self
        count = len(self.rows)
        below = self._solved(self.process.covariance(rows, self.rows)).T
        root = np.zeros((count + len(rows), count + len(rows)))
        root[:count, :count], root[count:, :count] = self.root, below
        root[count:, count:] = np.linalg.cholesky(self.process.noisy(rows) - below @ below.T)
        weights = np.concatenate([self.weights, np.zeros(len(rows))])
        return Posterior(process=self.process, rows=self.rows + rows, root=root, weights=weights)

    def _solved(self, between: Floats) -> Floats:
        from scipy.linalg import solve_triangular

        solved = solve_triangular(self.root, between.T, lower=True, check_finite=False)
        return np.asarray(solved)


class Evidence:
    """The negative logarithm of the posterior density of hyperparameters, and its gradient."""

    def __init__(self, owner: Ints, rungs: int, rows: Rows, y: Floats) -> None:
        self.owner, self.rows, self.y = owner, rows, y
        self.sides = int(owner.max()) + 1
        self.mode, self.spread = _prior(self.sides, rungs)
        self.at_rung = np.equal.outer(rows.rungs, np.arange(rungs)).astype(float)
        self.same_trial = np.equal.outer(rows.trials, rows.trials).astype(float)
        self.mean = MEAN + MEAN * (self.at_rung @ self.at_rung.T)

    def __call__(self, theta: Floats) -> tuple[float, Floats]:
        from scipy.linalg import lapack
        from scipy.spatial.distance import cdist

        sides, rungs = self.sides, self.rows.rungs
        configuration, trial, noise = np.exp(theta[sides : sides + 3])
        gaps = np.exp(theta[sides + 3 :])
        scaled = self.rows.features / np.exp(theta[:sides])[self.owner]
        distance = ROOT5 * cdist(scaled, scaled)
        decay = np.exp(-distance)
        rung = _correlation(gaps)[np.ix_(rungs, rungs)]
        by_configuration = configuration * (1 + distance + distance * distance / 3) * decay
        by_trial = trial * self.same_trial
        both = rung * (by_configuration + by_trial)
        covariance = both + self.mean
        covariance[np.diag_indices(len(self.y))] += noise + JITTER
        root = np.linalg.cholesky(covariance)
        half, _ = lapack.dpotri(root, lower=1)
        inverse = half + np.tril(half, -1).T
        weights = inverse @ self.y
        value = 0.5 * self.y @ weights + np.log(np.diag(root)).sum()
        # d value / d t = 0.5 tr(outer · dK/dt), Rasmussen & Williams 2006, equation 5.9
        outer = inverse - np.outer(weights, weights)
        by_rung = outer * rung
        slope = configuration * (5 / 3) * by_rung * (1 + distance) * decay
        pull = slope.sum(axis=1) @ (scaled * scaled) - (scaled * (slope @ scaled)).sum(axis=0)
        between = self.at_rung.T @ (outer * both) @ self.at_rung
        gradient = np.concatenate(
            [
                np.bincount(self.owner, weights=pull, minlength=sides),
                [
                    0.5 * (by_rung * by_configuration).sum(),
                    0.5 * (by_rung * by_trial).sum(),
                    0.5 * noise * np.trace(outer),
                ],
                # A gap lies between all rungs below it and all above it, in both orders.
                [-gap * between[: i + 1, i + 1 :].sum() for i, gap in enumerate(gaps)],
            ]
        )
        away = (theta - self.mode) / self.spread
        return float(value + 0.5 * away @ away), gradient + away / self.spread


def _prior(sides: int, rungs: int) -> tuple[Floats, Floats]:
    """Mode and spread of the log-normal priors, in the order of `Process.theta`.

    On the unit cube, for values of variance one: smooth configurations, little of the rest,
    neighbouring rungs that agree at 0.74.
    """
    length = 0.5 * math.log(sides) - 0.35
    mode = [*[length] * sides, 0.0, math.log(0.05), math.log(0.02), *[math.log(0.3)] * (rungs - 1)]
    spread = [*[1.0] * sides, 0.7, 1.0, 1.0, *[1.0] * (rungs - 1)]
    return np.array(mode), np.array(spread)


def _matern(distance: Floats) -> Any:
    return (1 + ROOT5 * distance + 5 / 3 * distance * distance) * np.exp(-ROOT5 * distance)


def _correlation(gaps: Floats) -> Floats:
    place = np.concatenate([[0.0], np.cumsum(gaps)])
    return np.asarray(np.exp(-np.abs(np.subtract.outer(place, place))))
