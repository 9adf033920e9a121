from __future__ import annotations

from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from nightsweep.cluster.display import Silent
from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.keeper import Keeper
from nightsweep.cluster.loop import Loop, all_done
from nightsweep.cluster.requests import Request, post
from nightsweep.cluster.stopping import StopRequest
from nightsweep.search import Choice, Float, Study, Sweep
from nightsweep.search.ledger import Ledger
from nightsweep.search.runfolder import RunFolder


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


def test_a_signal_while_the_sweep_is_held_ends_it_at_once(tmp_path: Path) -> None:
    sweep = Sweep(metric="loss", parameters={"a": Choice(values=[1, 2, 3])})
    keeper = Keeper(RunFolder.create(tmp_path / "run"), Ledger())
    study, request = Study(sweep, keeper.record), StopRequest()
    foreman = Foreman(study, keeper.folder, keeper.record)
    loop = Loop(study, keeper, Silent(), request, before=0.0, clock=lambda: 100.0)
    post(keeper.folder, Request(ask="pause"))
    steps = []

    def step() -> None:
        steps.append(foreman.held)
        request.signal = "SIGTERM"

    engine: Any = SimpleNamespace(foreman=foreman, slots=1, ready=0, late="", step=step)
    loop.search(engine)
    assert steps == ["paused by hand", "paused by hand"], "it waited for something"
    assert (loop.done, loop.reason) == (False, "stopped by SIGTERM")
