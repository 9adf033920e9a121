from __future__ import annotations

import io
import json
import math
import os
import re
import socket
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import pytest
import yaml
from rich.console import Console

from nightsweep.cluster import show
from nightsweep.search.events import Held, Released, Shared
from nightsweep.search.lock import Lock
from nightsweep.search.results import Results
from nightsweep.search.sweep import Sweep

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening


def shown(write: Callable[..., None], *what: Any) -> list[str]:
    """The lines that one of show's functions prints."""
    file = io.StringIO()
    write(Console(file=file, width=100), *what)
    return [line.rstrip() for line in file.getvalue().splitlines()]


def results(evening: Evening) -> Results:
    return Results.load(evening.folder.path)


def plan(**changes: Any) -> list[str]:
    values: dict[str, Any] = {
        "train": "fit.py:train",
        "metric": {"name": "f1", "goal": "maximize"},
        "parameters": {"lr": {"min": 1e-5, "max": 1.0, "log": True, "default": 1e-3}},
        "max_epochs": 9,
        "trials": 20,
    }
    return shown(show.plan, Sweep(**values | changes), Path("sweep.yaml"))


def test_the_plan_says_what_a_sweep_file_will_run() -> None:
    lines = plan(
        parameters={
            "lr": {"min": 1e-5, "max": 1.0, "log": True, "default": 1e-3},
            "opt": {"values": ["sgd", "adam"]},
            "momentum": {"min": 0.0, "max": 0.99, "when": {"opt": "sgd"}},
            "shape": "[3, 3]",
        },
        time="2h",
        resources={"cpus": 2, "gpus": 0.5},
        seed=7,
    )
    assert lines == [
        "sweep.yaml is right.",
        "20 trials of fit.py:train, up to 9 epochs each; 2 h 0 min at most; maximize f1.",
        "asha decides at epochs 1, 3: about 68 of 180 epochs will be trained.",
        "gp (one metric, 3 parameters, 20 trials) proposes; "
        "each trial gets 2 CPU and 0.5 GPU; seed 7.",
        "parameter  takes            default  when",
        "lr         1e-05 to 1, log  0.001",
        "opt        sgd, adam",
        "momentum   0 to 0.99                 opt is sgd",
        "shape      [3, 3]",
    ]


def test_the_plan_names_the_constraints_and_what_they_leave() -> None:
    lines = plan(parameters={"a": {"min": 1, "max": 4}}, constraints=["a != 2", "a <= 3"])
    at = next(i for i, line in enumerate(lines) if line.startswith("Of all"))
    assert lines[at] in [f"Of all configurations, about {n / 10}% meet" for n in range(485, 516)]
    assert lines[at + 1 :] == ["  a != 2", "  a <= 3"]


def test_the_plan_says_when_there_are_fewer_configurations_than_trials() -> None:
    lines = plan(parameters={"a": {"values": [1, 2, 3]}}, replicates=2)
    assert lines[1].startswith("6 trials of fit.py:train")
    assert lines[2] == "There are no more configurations, so it will not be 20."


def test_the_plan_names_the_first_rungs_and_the_last_where_there_are_many() -> None:
    line = next(line for line in plan(scheduler="median", max_epochs=100) if "decides" in line)
    assert line.startswith("median decides at epochs 1, 2, 3, ..., 99: about ")


def test_the_plan_of_a_sweep_without_early_stopping_names_no_rungs() -> None:
    assert not any("decides at" in line for line in plan(scheduler="none"))


def test_the_plan_of_a_sweep_by_time_alone_promises_no_number() -> None:
    assert plan(trials=None, time="90m")[1] == (
        "As many trials of fit.py:train as its budgets or its grid allow, up to 9 epochs each; "
        "90 min at most; maximize f1."
    )


def test_the_report_says_what_came_of_it_and_where_everything_is(finished: Evening) -> None:
    folder = finished.folder.path
    assert shown(show.report, results(finished)) == [
        "grid is done: all 6 trials are decided.",
        "6 trials in 2 min: 2 trained to their end, 4 stopped early.",
        "10 epochs trained, 56% of what training every trial to the end would take.",
        "Best: trial 2, loss 0.125 at epoch 3,",
        "with x 2, depth 2.",
        "",
        "trial     2          1          3        4        5",
        "loss      0.125      0.325      0.7      0.9      1.1",
        "at epoch  3          3          1        1        1",
        "status    completed  completed  stopped  stopped  stopped",
        "  x       2          1          3        4        5",
        "",
        f"everything is in {folder}: trials.csv, curves.csv (and .parquet), best/",
        f'in Python: nightsweep.load("{folder}").trials',
    ]


def test_the_report_of_a_run_without_results_says_so(evening: Evening) -> None:
    evening.search(lambda trial, epoch: math.nan, most=2)
    evening.close(done=False, reason="stopped by SIGINT")
    assert shown(show.report, results(evening))[:4] == [
        "grid is not done: stopped by SIGINT.",
        "2 trials in 2 min: 2 diverged.",
        "2 epochs trained, 33% of what training every trial to the end would take.",
        "No trial has reported a finite loss yet.",
    ]


def test_the_report_says_why_trials_failed(evening: Evening) -> None:
    for _ in range(3):
        trial = evening.study.ask()
        assert trial is not None
        reason = "called sys.exit(1)" if trial.id == 2 else "raised ValueError: lr"
        evening.study.fail(trial.id, reason)
    evening.close()
    assert shown(show.report, results(evening))[-5:-3] == [
        "Failed alike, trials 1, 3: raised ValueError: lr",
        "Failed, trial 2: called sys.exit(1)",
    ]


def test_the_leaders_of_a_maximised_metric_come_highest_first(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(metric={"name": "loss", "goal": "maximize"})
    evening.search()
    evening.close()
    lines = shown(show.report, results(evening))
    assert next(line for line in lines if line.startswith("trial  ")).split()[1:4] == [
        "6",
        "5",
        "4",
    ]


def test_the_best_is_printed_as_yaml_with_its_origin_in_comments(finished: Evening) -> None:
    lines = shown(show.best, results(finished))
    checkpoint = finished.folder.path / "trials" / "2" / "epoch-3"
    assert lines == [
        "# trial 2: loss 0.125 at epoch 3",
        f"# its latest checkpoint: {checkpoint}",
        "x: 2",
        "depth: 2",
    ]
    assert yaml.safe_load("\n".join(lines)) == {"x": 2, "depth": 2}


@pytest.fixture
def rivals(begin: Callable[..., Evening]) -> Evening:
    """Two trials of which neither beats the other, and one that both beat."""
    evening = begin(metric=["loss", {"name": "acc", "goal": "maximize"}, {"name": "mb", "max": 9}])
    for loss, acc in ((0.5, 0.75), (0.25, 0.5), (0.75, 0.25)):
        trial = evening.study.ask()
        assert trial is not None
        evening.study.report(trial.id, 1, {"loss": loss, "acc": acc, "mb": 8.0})
    evening.close()
    return evening


def test_of_several_objectives_the_whole_front_is_printed_as_yaml(rivals: Evening) -> None:
    lines = shown(show.best, results(rivals))
    documents = list(yaml.safe_load_all("\n".join(lines)))
    assert [line for line in lines if line.startswith("#")] == [
        "# trial 2: loss 0.25, acc 0.5, mb 8 at epoch 1",
        "# trial 1: loss 0.5, acc 0.75, mb 8 at epoch 1",
    ]
    assert documents == [{"x": 2, "depth": 2}, {"x": 1, "depth": 2}]


def test_the_report_of_several_objectives_compares_the_front(rivals: Evening) -> None:
    lines = shown(show.report, results(rivals))
    at = next(i for i, line in enumerate(lines) if line.startswith("trial  "))
    assert [line.split() for line in lines[at : at + 5]] == [
        ["trial", "2", "1"],
        ["loss", "0.25", "0.5"],
        ["acc", "0.5", "0.75"],
        ["mb", "8", "8"],
        ["at", "epoch", "1", "1"],
    ]


def test_the_plan_names_every_metric() -> None:
    line = plan(metric=["loss", {"name": "f1", "goal": "maximize"}, {"name": "mb", "max": 9}])[1]
    assert line.endswith("up to 9 epochs each; minimize loss; maximize f1; mb at most 9.")


def test_paths_are_shown_as_one_would_type_them(
    finished: Evening, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(finished.folder.path.parent)
    assert (
        shown(show.best, results(finished))[1] == "# its latest checkpoint: run/trials/2/epoch-3"
    )
    assert show.short(Path("/somewhere/else")) == "/somewhere/else"


def test_the_status_of_a_finished_run_agrees_with_its_report(finished: Evening) -> None:
    assert shown(show.status, results(finished))[:3] == [
        "grid: done: all 6 trials are decided",
        "6 of 6 trials: 2 trained to their end, 4 stopped early",
        "best: loss 0.125 by trial 2 at epoch 3",
    ]


def test_the_status_of_a_stopped_run_says_how_to_go_on(evening: Evening) -> None:
    evening.search(most=3)
    evening.close(done=False, reason="stopped by SIGINT")
    assert shown(show.status, results(evening)) == [
        "grid: not done: stopped by SIGINT",
        "3 of 6 trials: 3 paused at a rung",
        "best: loss 0.5 by trial 2 at epoch 1",
        "epoch 1 ░░░░░░░░░░░░░░░░░░░░░░░░ 3 reached, 3 wait",
        "epoch 3                          0 reached",
        f"to go on: nightsweep resume {evening.folder.path}",
    ]


def test_the_status_says_how_many_trials_share_a_gpu_where_that_is_measured(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(resources={"gpus": "auto"})
    evening.record(Shared(each=1, most=8, memory=0, reason="one trial a GPU: ..."))
    evening.record(Shared(each=3, most=8, memory=0, reason="3 trials share a GPU: ..."))
    lines = shown(show.status, results(evening))
    assert [line for line in lines if "GPU" in line] == ["3 trials share a GPU: ..."]
    evening.record(Shared(each=1, most=1, memory=0, reason="one trial a GPU, not 3: ..."))
    evening.close()
    assert "One trial a GPU, not 3: ...." in shown(show.report, results(evening))


def test_the_status_of_a_run_whose_driver_died_says_so(evening: Evening) -> None:
    evening.search(most=1)
    lines = shown(show.status, results(evening))
    assert lines[0] == "grid: its driver died; nothing that was recorded is lost"
    assert lines[-1] == f"to go on: nightsweep resume {evening.folder.path}"
    assert show.driver(results(evening)) == "died"


def test_the_status_of_a_run_at_work_names_its_process(evening: Evening) -> None:
    evening.search(most=1)
    lock = Lock(evening.folder.lock)
    lines = shown(show.status, results(evening))
    assert lines[0] == f"grid: running, as process {os.getpid()} on {socket.gethostname()}"
    assert lines[-1].startswith("last word ")
    assert show.driver(results(evening)) == "running"
    lock.release()
    assert show.driver(results(evening)) == "died"


def test_the_status_of_a_run_that_is_held_says_why_and_since_when(evening: Evening) -> None:
    evening.record(Held(reason="paused by hand"))
    lock = Lock(evening.folder.lock)
    held = results(evening)
    assert re.search(
        r"; paused by hand \(since 2023-11-1\d \d\d:\d\d\)$", shown(show.status, held)[0]
    )
    evening.record(Released())
    assert show.held(results(evening)) == ""
    evening.record(Held(reason="paused by hand"))
    lock.release()
    assert show.held(results(evening)) == "", "no driver holds it any more"


def test_the_plan_names_the_window() -> None:
    assert "; only in 22:00-07:00; minimize f1." in plan(window="22:00-07:00", metric="f1")[1]


def test_a_driver_on_another_host_is_taken_to_be_alive(evening: Evening) -> None:
    evening.folder.lock.write_text(json.dumps({"host": "node-9", "pid": 2**22 + 1}))
    assert shown(show.status, results(evening))[0] == (
        f"grid: running, as process {2**22 + 1} on node-9"
    )


def test_a_lock_that_a_dead_process_left_behind_is_no_driver(finished: Evening) -> None:
    left = {"host": socket.gethostname(), "pid": 2**22 + 1}  # beyond Linux' highest
    finished.folder.lock.write_text(json.dumps(left))
    assert show.driver(results(finished)) == "ended"


def test_brackets_in_names_and_values_are_shown_as_they_are(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(parameters={"k[0]": {"values": ["[a]", "[/b]"]}}, trials=2)
    evening.search()
    evening.close()
    table = shown(show.report, results(evening))
    assert ["k[0]", "[/b]", "[a]"] in [line.split() for line in table]
    assert shown(show.plan, evening.sweep, Path("[x].yaml"))[-1].split() == [
        "k[0]",
        "[a],",
        "[/b]",
    ]
