"""Ray Tune's search spaces, read from its own objects."""

from __future__ import annotations

from typing import Any

import numpy as np
import pytest
from ray import tune

import nightsweep
from nightsweep.cluster import api
from nightsweep.cluster.domains import ours
from nightsweep.search import Choice, Float, Int
from nightsweep.search.errors import SweepError


@pytest.mark.parametrize(
    ("domain", "parameter"),
    [
        (tune.uniform(0.0, 1.0), Float(min=0.0, max=1.0)),
        (tune.uniform(1, 2), Float(min=1.0, max=2.0)),
        (tune.loguniform(1e-5, 1e-1), Float(min=1e-5, max=1e-1, log=True)),
        (tune.quniform(0.0, 1.0, 0.25), Float(min=0.0, max=1.0, step=0.25)),
        (tune.choice(["a", None, 3]), Choice(values=["a", None, 3])),
        (tune.grid_search([16, 32]), Choice(values=[16, 32])),
        (tune.randint(1, 10), Int(min=1, max=9)),
        (tune.lograndint(1, 1000), Int(min=1, max=999, log=True)),
        (tune.qrandint(1, 33, 8), Int(min=8, max=32, step=8)),
        (tune.qrandint(1, 33, 1), Int(min=1, max=32)),
        (tune.choice(list(2 ** np.arange(2))), Choice(values=[1, 2])),
        (tune.randint(3, 4), 3),
        (tune.uniform(0.5, 0.5), 0.5),
        (0.9, 0.9),
        ({"a": 1}, {"a": 1}),
    ],
)
def test_a_domain_is_the_parameter_with_the_same_values(domain: Any, parameter: Any) -> None:
    assert ours({"x": domain}) == {"x": parameter}


@pytest.mark.parametrize("low_step", [(1, 8), (0, 5), (-7, 3)])
def test_rounded_integers_have_the_values_that_tune_draws(low_step: tuple[int, int]) -> None:
    low, step = low_step
    domain = tune.qrandint(low, 33, step)
    drawn = {domain.sample(random_state=seed) for seed in range(300)}
    parameter = ours({"x": domain})["x"]
    assert {parameter.level(n) for n in range(parameter.count)} == drawn


@pytest.mark.parametrize(
    ("domain", "words"),
    [
        (tune.randn(), "x: is drawn from a normal distribution; give it a range, min and max"),
        (tune.qloguniform(1e-4, 1e-1, 1e-4), "x: is rounded to 0.0001 on a log scale"),
        (tune.sample_from(lambda spec: 1), "x: is made by a function"),
        ({"a": tune.uniform(0, 1)}, "x: has domains inside"),
        ([tune.uniform(0, 1)], "x: has domains inside"),
        (tune.uniform(1, 0), "x: min 1 is not below max 0; swap them, or write the value alone"),
        (tune.choice([1, 1, 2]), "x: 1 is listed twice$"),
        (tune.grid_search(5), "x: needs a list of values, not 5"),  # type: ignore[arg-type]
    ],
)
def test_what_has_no_counterpart_is_refused(domain: Any, words: str) -> None:
    with pytest.raises(SweepError, match=f"parameters.{words}"):
        ours({"x": domain, "y": 1})


def test_run_takes_a_search_space_as_it_is(monkeypatch: pytest.MonkeyPatch) -> None:
    def start(sweep: Any, function: Any, **how: Any) -> Any:
        return sweep

    monkeypatch.setattr(api, "start", start)
    sweep: Any = nightsweep.run(lambda config: None, {"x": tune.uniform(0, 1)}, metric="loss")
    assert sweep.parameters == {"x": Float(min=0.0, max=1.0)}
