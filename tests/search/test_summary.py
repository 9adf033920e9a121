from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from nightsweep.search import Float, Study, Sweep
from nightsweep.search.events import (
    Asked,
    Cause,
    Closed,
    Event,
    Failed,
    Interrupted,
    Opened,
    Reported,
)
from nightsweep.search.results import Results
from nightsweep.search.summary import duration, plural, show

ResultsOf = Callable[[Sweep, list[Event]], Results]
Train = Callable[[Study], list[tuple[int, int, float, str]]]
OPENED = Opened(format=1, version="0.1.0", host="node", pid=1)
DONE = Closed(done=True, reason="all 9 trials are tried", elapsed=7260.0)
LOSS = Sweep(
    name="toy", metric="loss", parameters={"p": Float(min=0.0, max=1.0)}, trials=9, max_epochs=9
)
SEVERAL = Sweep(
    name="toy",
    metric=["loss", {"name": "acc", "goal": "maximize"}, {"name": "mb", "max": 400}],
    parameters={"p": Float(min=0.0, max=1.0)},
    trials=9,
    max_epochs=9,
)


def asked(trial: int) -> Asked:
    return Asked(trial=trial, epoch=0, reason="random", config={"p": 0.123456})


def reported(trial: int, metrics: dict[str, float], **changes: Any) -> Reported:
    values: dict[str, Any] = {"epoch": 1, "reason": "rung 1", "decision": "pause", "seconds": 1.0}
    return Reported(trial=trial, metrics=metrics, **(values | changes))


def rivals() -> list[Event]:
    """Trial 2 needs too much memory, trial 4 is worse than 3 in everything, 5 has no result."""
    metrics = [(0.5, 0.875, 400.0), (0.125, 0.9, 401.0), (0.25, 0.5, 399.0), (0.75, 0.25, 1.0)]
    events: list[Event] = [asked(trial) for trial in range(1, 6)]
    for trial, (loss, acc, mb) in enumerate(metrics, start=1):
        events.append(reported(trial, {"loss": loss, "acc": acc, "mb": mb}))
    return events


@pytest.fixture
def trained(toy_sweep: Sweep, train: Train, results_of: ResultsOf) -> Results:
    """A whole run of the toy sweep."""
    events: list[Event] = [OPENED]
    train(Study(toy_sweep, events.append))
    return results_of(toy_sweep, [*events, DONE])


def test_a_run_that_is_done_is_told_in_a_few_sentences(trained: Results) -> None:
    assert trained.summary().splitlines() == [
        "toy is done: all 9 trials are tried.",
        "9 trials in 2 h 1 min: 2 trained to their end, 7 stopped early.",
        "29 epochs trained, 36% of what training every trial to the end would take.",
        "Best: trial 9, val_loss 0.1831 at epoch 9,",
        "with lr 0.01855.",
    ]


def test_what_the_controls_say_of_early_stopping_is_told(
    toy_sweep: Sweep, train: Train, results_of: ResultsOf
) -> None:
    events: list[Event] = []
    audited = Sweep(**{**dict(toy_sweep), "scheduler": "asha"})
    train(Study(audited, events.append))
    results = results_of(audited, events)
    assert results.summary().splitlines()[-1] == (
        "Early stopping agreed with the next rung: rank correlation 1.00 at epoch 1; 0 of 6 "
        "controls would have gone on."
    )
    (found,) = json.loads(json.dumps(results.as_json(), allow_nan=False))["audit"]
    assert (found["epoch"], found["next"], found["trials"]) == (1, 3, 8)
    assert (found["correlation"], found["controls"], found["wrong"]) == (1.0, 6, 0)


def test_a_run_that_is_not_done_says_who_is_where(results_of: ResultsOf) -> None:
    events: list[Event] = [
        OPENED,
        *(asked(trial) for trial in range(1, 4)),
        reported(1, {"loss": 0.5, "acc": 0.875}),
        reported(2, {"loss": math.nan}, decision="stop", reason="diverged at epoch 1"),
    ]
    assert results_of(LOSS, events).summary().splitlines() == [
        "toy is not done.",
        "3 trials in 1 s: 1 paused at a rung, 1 in training, 1 diverged.",
        "2 epochs trained, 7% of what training every trial to the end would take.",
        "Best: trial 1, loss 0.5 at epoch 1 (acc 0.875),",
        "with p 0.1235.",
    ]


def test_what_the_best_does_on_a_test_part_is_said_apart(results_of: ResultsOf) -> None:
    metrics = {"loss": 0.5, "val_accuracy": 0.9, "test_accuracy": 0.875, "lr": 0.1, "step_ms": 2.0}
    lines = results_of(LOSS, [OPENED, asked(1), reported(1, metrics)]).summary().splitlines()
    assert lines[-3:] == [
        "Best: trial 1, loss 0.5 at epoch 1 (val_accuracy 0.9),",
        "with p 0.1235.",
        "On the test part, which no decision saw: test_accuracy 0.875.",
    ]


def test_a_test_part_that_was_searched_by_is_none(results_of: ResultsOf) -> None:
    sweep = Sweep(**{**LOSS.model_dump(), "metric": "test_loss"})
    told = results_of(sweep, [OPENED, asked(1), reported(1, {"test_loss": 0.5, "test_acc": 0.9})])
    assert "Best: trial 1, test_loss 0.5 at epoch 1 (test_acc 0.9)," in told.summary()
    assert "which no decision saw" not in told.summary()


def test_an_interrupted_run_says_why(results_of: ResultsOf) -> None:
    closed = Closed(done=False, reason="stopped by Ctrl-C", elapsed=5.0)
    first = results_of(LOSS, [OPENED, closed]).summary().splitlines()[0]
    assert first == "toy is not done: stopped by Ctrl-C."


def test_an_empty_run_has_a_summary_too(results_of: ResultsOf) -> None:
    assert results_of(LOSS, []).summary().splitlines() == [
        "toy is not done.",
        "0 trials in 0 s: none.",
        "No trial has reported a finite loss yet.",
    ]


def test_of_several_objectives_the_front_is_told(results_of: ResultsOf) -> None:
    assert results_of(SEVERAL, rivals()).summary().splitlines()[3:] == [
        "2 trials that no other beats in loss and acc at once:",
        "  trial  loss    acc   mb  epoch",
        "      3  0.25    0.5  399      1",
        "      1   0.5  0.875  400      1",
    ]


def test_of_a_long_front_ten_are_told(results_of: ResultsOf) -> None:
    events: list[Event] = []
    for n in range(1, 14):
        events += [asked(n), reported(n, {"loss": n / 8, "acc": n / 16, "mb": 1.0})]
    lines = results_of(SEVERAL, events).summary().splitlines()
    assert (len(lines), lines[-1]) == (3 + 1 + 1 + 10 + 1, "  and 3 more")


def test_where_no_trial_meets_the_constraints_it_is_said(results_of: ResultsOf) -> None:
    both = Sweep(**{**dict(LOSS), "outcomes": [LOSS.metric, {"name": "mb", "min": 9, "max": 400}]})
    events: list[Event] = [asked(1), reported(1, {"loss": 0.5, "mb": 500.0})]
    assert results_of(both, events).summary().splitlines()[3:5] == [
        "No trial meets mb at least 9 and at most 400; these come nearest.",
        "Best: trial 1, loss 0.5 at epoch 1 (mb 500),",
    ]


def test_for_scripts_the_front_is_there_too(results_of: ResultsOf) -> None:
    found = json.loads(json.dumps(results_of(SEVERAL, rivals()).as_json(), allow_nan=False))
    assert found["best"] == found["front"][0]
    assert [leader["trial"] for leader in found["front"]] == [3, 1]
    assert found["metrics"][1:] == [
        {"name": "acc", "goal": "maximize"},
        {"name": "mb", "max": 400},
    ]
    assert found["feasible"] is True


def test_failures_are_grouped_the_most_common_first(results_of: ResultsOf) -> None:
    reasons = ["out of memory", "lost node", "lost node", "lost node"]
    events: list[Event] = [asked(trial) for trial in range(1, 5)]
    events += [Failed(trial=t, reason=why) for t, why in enumerate(reasons, start=1)]
    results = results_of(LOSS, events)
    assert list(results.failures.items()) == [("lost node", [2, 3, 4]), ("out of memory", [1])]
    assert results.summary().splitlines()[-2:] == [
        "Failed alike, trials 2, 3, 4: lost node",
        "Failed, trial 1: out of memory",
    ]


def test_trials_that_do_not_fit_into_memory_are_counted(results_of: ResultsOf) -> None:
    short = "does not fit: ran out of memory"
    events: list[Event] = [asked(trial) for trial in range(1, 4)]
    events += [Failed(trial=trial, reason=short, cause=Cause.MEMORY) for trial in (1, 3)]
    lines = results_of(LOSS, events).summary().splitlines()
    assert lines[-3:-1] == [
        "2 trials do not fit into memory.",
        "With trial.parts a training function lets the batches of such be divided.",
    ]
    assert short in lines[-1]


def test_where_batches_were_divided_nobody_is_told_to(results_of: ResultsOf) -> None:
    short = "does not fit: ran out of memory, even with each batch in 16 parts"
    lost = Interrupted(trial=1, epoch=0, reason="short", cause=Cause.MEMORY, split=16)
    again = Asked(trial=1, epoch=0, reason="short")
    failed = Failed(trial=1, reason=short, cause=Cause.MEMORY)
    lines = results_of(LOSS, [asked(1), lost, again, failed]).summary().splitlines()
    assert lines[-2] == "1 trial does not fit into memory."


def test_of_many_failures_five_are_named(results_of: ResultsOf) -> None:
    events: list[Event] = [asked(trial) for trial in range(1, 9)]
    events += [Failed(trial=trial, reason="lost node") for trial in range(1, 9)]
    last = results_of(LOSS, events).summary().splitlines()[-1]
    assert last == "Failed alike, trials 1, 2, 3, 4, 5 and 3 more: lost node"


def test_the_summary_for_scripts_is_json_and_complete(trained: Results) -> None:
    found = json.loads(json.dumps(trained.as_json(), allow_nan=False))
    assert (found["name"], found["done"], found["epochs"]) == ("toy", True, 29)
    assert found["trials"] == {"completed": 2, "stopped": 7}
    assert found["ended_because"] == "all 9 trials are tried"
    assert found["searched_seconds"] == 7260.0
    assert found["metric"] == {"name": "val_loss", "goal": "minimize"}
    assert found["run"] == str(trained.folder.path)
    assert found["failures"] == {}


def test_the_best_for_scripts_has_its_configuration(trained: Results) -> None:
    found, best = trained.as_json()["best"], trained.best
    assert best is not None
    assert found == {
        "trial": 9,
        "epoch": 9,
        "value": best.value,
        "config": best.config,
        "metrics": {"val_loss": best.value},
        "checkpoint": None,
    }


def test_the_summary_for_scripts_is_json_even_if_another_metric_is_nan(
    results_of: ResultsOf,
) -> None:
    results = results_of(LOSS, [asked(1), reported(1, {"loss": 0.5, "auc": math.nan})])
    found = json.loads(json.dumps(results.as_json(), allow_nan=False))
    assert found["best"]["metrics"]["loss"] == 0.5


@pytest.mark.parametrize(
    ("seconds", "text"),
    [
        (0, "0 s"),
        (45.4, "45 s"),
        (99, "99 s"),
        (100, "2 min"),
        (720, "12 min"),
        (5900, "98 min"),
        (12000, "3 h 20 min"),
    ],
)
def test_durations_are_told_in_the_units_that_people_use(seconds: float, text: str) -> None:
    assert duration(seconds) == text


def test_one_is_singular_and_thousands_are_marked() -> None:
    counted = [plural(count, "trial") for count in (0, 1, 2, 12000)]
    assert counted == ["0 trials", "1 trial", "2 trials", "12,000 trials"]


def test_values_are_shown_short() -> None:
    assert [show(value) for value in (0.000123456, 64, "relu", True)] == [
        "0.0001235",
        "64",
        "relu",
        "True",
    ]
