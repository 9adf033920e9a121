from typing import Any

import pytest

from nightsweep.search import Sweep
from nightsweep.search.study import Study

LR = {"min": 1e-5, "max": 1.0, "log": True}


def sweep(**values: Any) -> Sweep:
    return Sweep(**{"metric": "loss", "parameters": {"lr": LR}, **values})


def many(count: int) -> dict[str, Any]:
    return {f"p{index}": LR for index in range(count)}


@pytest.mark.parametrize(
    ("values", "name"),
    [
        ({}, "gp"),
        ({"time": "9h"}, "gp"),
        ({"trials": 10}, "qmc"),
        ({"trials": 11}, "gp"),
        ({"parameters": many(20)}, "gp"),
        ({"parameters": many(21)}, "tpe"),
        ({"metric": ["loss", {"name": "latency", "goal": "minimize"}]}, "nsga2"),
    ],
)
def test_the_default_chooses_by_budget_space_and_metrics(values: Any, name: str) -> None:
    chosen = sweep(**values).chosen

    assert chosen.sampler.name == name
    assert chosen.why


def test_a_named_sampler_is_not_replaced() -> None:
    chosen = sweep(sampler="random", trials=5).chosen

    assert (chosen.sampler.name, chosen.why) == ("random", "")


def test_the_chosen_one_proposes() -> None:
    study = Study(sweep(trials=3))
    first = study.ask()

    assert first is not None
    assert study.trials[1].origin == "point 1 of a Sobol sequence"
