from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace

import numpy as np
import numpy.typing as npt
import pytest
from scipy.optimize import approx_fprime
from scipy.stats import multivariate_normal
from sklearn.gaussian_process import GaussianProcessRegressor
from sklearn.gaussian_process.kernels import ConstantKernel, Matern

from nightsweep.search.samplers.onethread import one_thread
from nightsweep.search.samplers.process import JITTER, MEAN, Evidence, Process, Rows

Floats = npt.NDArray[np.float64]
TWO = np.array([0, 1])  # two parameters, a feature each
WORDS = np.array([0, 1, 1, 1])  # a number, and a choice of three words


@pytest.fixture(autouse=True)
def _one_thread() -> Iterator[None]:
    with one_thread():
        yield


def rows(features: Floats, rungs: int | list[int] = 0, first: int = 1) -> Rows:
    """Each of its own trial."""
    count = len(features)
    return Rows(
        features=features,
        rungs=np.full(count, rungs) if isinstance(rungs, int) else np.array(rungs),
        trials=np.arange(first, first + count),
    )


def some(count: int, sides: int = 2, seed: int = 0) -> Floats:
    return np.random.default_rng(seed).random((count, sides))


def on_three_rungs(seed: int = 0) -> tuple[Rows, Floats]:
    """20 trials at rung 0, ten of them at rung 1, five at rung 2; random values."""
    features = some(20, 4, seed)
    known = Rows(
        features=np.concatenate([features, features[:10], features[:5]]),
        rungs=np.repeat([0, 1, 2], [20, 10, 5]),
        trials=np.concatenate([np.arange(20), np.arange(10), np.arange(5)]),
    )
    return known, np.random.default_rng(seed + 1).standard_normal(35)


def with_theta(process: Process, **logarithms: float) -> Process:
    """The process with some of its variances changed."""
    theta, first = process.theta.copy(), int(process.owner.max()) + 1
    for name, value in logarithms.items():
        theta[first + ["configuration", "trial", "noise"].index(name)] = value
    return replace(process, theta=theta)


def twice(trials: int, noise: float, seed: int = 0) -> tuple[Rows, Floats]:
    """The same trials at two rungs: a smooth value at the second, with this noise at the first."""
    features = some(trials, 2, seed)
    value = np.sin(5 * features[:, 0]) + features[:, 1]
    early = value + noise * np.random.default_rng(seed + 1).standard_normal(trials)
    both = Rows(
        features=np.concatenate([features, features]),
        rungs=np.repeat([0, 1], trials),
        trials=np.tile(np.arange(trials), 2),
    )
    y = np.concatenate([early / early.std(), value / value.std()])
    return both, y - y.mean()


@pytest.mark.parametrize("seed", range(3))
def test_the_gradient_of_the_evidence_is_that_of_finite_differences(seed: int) -> None:
    known, y = on_three_rungs(seed)
    evidence = Evidence(WORDS, 3, known, y)
    mode = Process.before_data(WORDS, 3).theta
    theta = mode + np.random.default_rng(seed).normal(scale=0.7, size=len(mode))
    slopes = approx_fprime(theta, lambda at: evidence(at)[0], 1e-7)
    assert evidence(theta)[1] == pytest.approx(slopes, rel=1e-3, abs=1e-4)
    assert np.abs(slopes).min() > 1e-3


def test_the_evidence_is_the_density_of_the_values_times_that_of_the_hyperparameters() -> None:
    known, y = on_three_rungs()
    process = Process.before_data(WORDS, 3)
    away = np.linspace(-0.5, 0.5, len(process.theta))
    moved = replace(process, theta=process.theta + away)
    evidence = Evidence(WORDS, 3, known, y)
    density = multivariate_normal(cov=moved.noisy(known)).logpdf(y)
    constant = 0.5 * len(y) * np.log(2 * np.pi)
    spread = np.array([1.0, 1.0, 0.7, 1.0, 1.0, 1.0, 1.0])
    believed = 0.5 * float((away / spread) @ (away / spread))
    assert evidence(moved.theta)[0] == pytest.approx(-density - constant + believed)


def test_at_one_rung_it_agrees_with_scikit_learn() -> None:
    features, new = some(30), some(10, seed=1)
    y = np.random.default_rng(2).standard_normal(30)
    process = with_theta(Process.before_data(TWO, 1), trial=-50.0)
    lengths, noise = np.exp(process.theta[:2]), np.exp(process.theta[4])
    kernel = Matern(lengths, "fixed", nu=2.5) + ConstantKernel(2 * MEAN, "fixed")
    theirs = GaussianProcessRegressor(kernel, alpha=noise + JITTER, optimizer=None)
    mean, spread = theirs.fit(features, y).predict(new, return_std=True)
    ours = process.given(rows(features), y)
    assert ours.at(rows(new, first=31))[0] == pytest.approx(mean)
    assert ours.at(rows(new, first=31))[1] == pytest.approx(spread, rel=1e-5)
    assert ours.mean(rows(new, first=31)) == pytest.approx(mean)


def test_over_rungs_the_posterior_is_the_textbook_one() -> None:
    known, y = on_three_rungs()
    process = Process.before_data(WORDS, 3)
    new = rows(some(6, 4, seed=5), [0, 1, 2, 2, 1, 0], first=100)
    between = process.covariance(new, known)
    inverse = np.linalg.inv(process.noisy(known))
    covariance = process.covariance(new, new) - between @ inverse @ between.T
    mean, spread = process.given(known, y).at(new)
    assert mean == pytest.approx(between @ inverse @ y)
    assert spread == pytest.approx(np.sqrt(np.diag(covariance)))


def test_the_variance_is_that_of_any_row() -> None:
    process = Process.before_data(WORDS, 3)
    known, _ = on_three_rungs()
    assert np.diag(process.covariance(known, known)) == pytest.approx(process.variance)


def test_what_comes_as_expected_changes_no_mean_and_narrows_the_spread() -> None:
    known, y = on_three_rungs()
    posterior = Process.before_data(WORDS, 3).given(known, y)
    pending, new = rows(some(7, 4, seed=3), 1, first=50), rows(some(9, 4, seed=4), 2, first=99)
    told = posterior.process.given(
        known + pending, np.concatenate([y, posterior.mean(pending)])
    ).at(new)
    assert posterior.expecting(pending).at(new)[0] == pytest.approx(told[0])
    assert posterior.expecting(pending).at(new)[1] == pytest.approx(told[1])
    assert told[0] == pytest.approx(posterior.mean(new))
    assert (told[1] < posterior.at(new)[1]).all()


def test_expecting_nothing_changes_nothing() -> None:
    known, y = on_three_rungs()
    posterior = Process.before_data(WORDS, 3).given(known, y)
    nobody = known[np.arange(0)]
    assert posterior.expecting(nobody).mean(known) == pytest.approx(posterior.mean(known))


def test_a_first_rung_that_is_pure_noise_is_seen_to_say_nothing() -> None:
    for seed in range(3):
        known, y = twice(40, 0.0, seed)
        y[:40] = np.random.default_rng(seed + 50).standard_normal(40)
        noise = Process.before_data(TWO, 2).fit(known, y)
        telling = Process.before_data(TWO, 2).fit(*twice(40, 0.05, seed))
        assert noise.correlation[0, 1] < 0.4
        assert telling.correlation[0, 1] > 0.9


def test_rungs_further_apart_agree_less() -> None:
    correlation = Process.before_data(TWO, 4).correlation
    assert correlation[0] == pytest.approx(correlation[0, 1] ** np.arange(4))
    assert correlation[0, 1] == pytest.approx(0.74, abs=0.01)
    assert (correlation == correlation.T).all()


def test_a_parameter_that_does_not_matter_is_given_a_long_scale() -> None:
    features = some(60)
    fitted = Process.before_data(TWO, 1).fit(rows(features), np.sin(6 * features[:, 0]))
    assert fitted.theta[1] - fitted.theta[0] > 1.5


def test_noise_is_told_from_signal() -> None:
    features = some(60)
    signal = np.sin(6 * features[:, 0])
    chance = np.random.default_rng(1).standard_normal(60)
    clean = Process.before_data(TWO, 1).fit(rows(features), signal)
    noisy = Process.before_data(TWO, 1).fit(rows(features), signal + chance)

    def unexplained(process: Process) -> float:
        return float(np.exp(process.theta[3:5]).sum())  # of the trial, and of the value

    assert unexplained(clean) < 0.05
    assert unexplained(noisy) > 0.4


def test_what_is_known_of_a_trial_at_a_rung_tells_of_its_end() -> None:
    """Beyond what its configuration tells: the twin, which has come nowhere, promises less."""
    process = with_theta(Process.before_data(TWO, 2), trial=0.0)
    known = rows(np.full((1, 2), 0.5), first=7)
    posterior = process.given(known, np.array([-2.0]))
    own = posterior.mean(replace(known, rungs=np.array([1])))
    twin = posterior.mean(rows(np.full((1, 2), 0.5), 1, first=8))
    assert own[0] < twin[0] - 0.1 < -0.1


def test_a_fit_is_more_probable_than_what_was_believed_before() -> None:
    known, y = twice(30, 0.5)
    before = Process.before_data(TWO, 2)
    fitted = before.fit(known, y)
    evidence = Evidence(TWO, 2, known, y)
    assert evidence(fitted.theta)[0] < evidence(before.theta)[0] - 5


def test_a_hundred_times_the_same_breaks_nothing() -> None:
    """Equal places, equal trials, equal or contradicting values."""
    same = Rows(
        features=np.full((100, 2), 0.3), rungs=np.tile([0, 1], 50), trials=np.zeros(100, int)
    )
    for y in (np.zeros(100), np.ones(100), np.random.default_rng(0).standard_normal(100)):
        process = Process.before_data(TWO, 2).fit(same, y)
        mean, spread = process.given(same, y).expecting(same).at(same)
        assert np.isfinite(process.theta).all()
        assert mean == pytest.approx(np.full(100, y.mean()), abs=0.6)
        assert (spread > 0).all()


def test_a_fit_is_the_same_each_time() -> None:
    known, y = on_three_rungs()
    first, second = (Process.before_data(WORDS, 3).fit(known, y) for _ in range(2))
    assert (first.theta == second.theta).all()
