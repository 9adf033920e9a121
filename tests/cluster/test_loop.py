from __future__ import annotations

from typing import Any

import pytest

from nightsweep.cluster.loop import all_done
from nightsweep.search import Choice, Float, Study, Sweep


def reason(**changes: Any) -> str:
    """What is said when every trial of a sweep has ended."""
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"a": Choice(values=[1, 2, 3])},
        "max_epochs": 1,
        "sampler": "random",
    }
    study = Study(Sweep(**(values | changes)))
    while trial := study.ask():
        study.report(trial.id, 1, {"loss": 0.5})
    return all_done(study)


@pytest.mark.parametrize("changes", [{}, {"trials": 60}, {"time": "9h"}], ids=str)
def test_a_sweep_that_has_run_out_of_configurations_says_so(changes: dict[str, Any]) -> None:
    expected = "all 3 trials are decided, and there is no other configuration to try"
    assert reason(**changes) == expected


@pytest.mark.parametrize(
    "changes",
    [
        {"trials": 3},
        {"sampler": "grid"},
        {"parameters": {"x": Float(min=0.0, max=1.0)}, "trials": 3},
    ],
    ids=["as many as asked for", "grid", "no end"],
)
def test_a_sweep_that_has_tried_what_it_should_does_not(changes: dict[str, Any]) -> None:
    assert reason(**changes) == "all 3 trials are decided"
