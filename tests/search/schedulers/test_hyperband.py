from __future__ import annotations

from nightsweep.search import Study, Sweep
from nightsweep.search.errors import Problem
from nightsweep.search.schedulers import Decision, Hyperband

CONTINUE, PAUSE = Decision.CONTINUE, Decision.PAUSE


def test_a_grace_beyond_the_last_epoch_is_a_problem() -> None:
    message = "grace 10 is beyond max_epochs 9; lower it"
    problem = Problem(key=("scheduler", "grace"), message=message)
    assert list(Hyperband(grace=10).problems(9)) == [problem]
    assert list(Hyperband(grace=9).problems(9)) == []


def test_in_a_study_a_trial_is_due_at_the_rungs_of_its_bracket() -> None:
    made = Sweep(
        metric="loss",
        parameters={"x": {"min": 0.0, "max": 1.0}},
        sampler="random",
        scheduler="hyperband",
    )
    study = Study(made)
    trials = [study.ask() for _ in range(8)]
    assert [trial.until for trial in trials if trial] == [1, 3, 1, 9, 1, 3, 27, 1]
    assert study.report(7, 26, {"loss": 9e9}) is CONTINUE
    assert study.report(2, 3, {"loss": 0.1}) is PAUSE
    assert study.trials[2].reason.startswith("bracket 1, rung 3: rank 1 of 1")
