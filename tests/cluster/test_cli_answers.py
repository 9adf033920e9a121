"""`nightsweep why` and `nightsweep plan`, as a shell sees them."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

from nightsweep.search.lock import Lock

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening
    from tests.conftest import Command

SWEEP = """\
train: nowhere.py:train
metric: {name: f1, goal: maximize}
parameters:
  lr: {min: 1e-5, max: 1.0, log: true}
max_epochs: 9
trials: 27
slots: 3
resources: {cpus: 2, gpus: 0.5}
scheduler: {name: asha, audit: 0}
"""


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A sweep file whose training function is nowhere to be found."""
    path = tmp_path / "sweep.yaml"
    path.write_text(SWEEP)
    return path


def words(line: str) -> str:
    """A line of a table, without its columns."""
    return " ".join(line.split())


def test_why_answers_in_a_sentence_first_and_then_tells_the_trials_life(
    nightsweep: Command, finished: Evening
) -> None:
    told = nightsweep("why", "run", 3)
    lines = [line.rstrip() for line in told.out.splitlines()]
    assert (told.code, told.err) == (0, "")
    assert lines[0] == (
        "Trial 3 was paused at epoch 1 and never went on: rank 3 of 6 there, the best 2 went on "
        "(cut-off 0.7); it had 0.7. It would have gone on with a loss better than 0.7 there, or "
        "had 3 others come there, none of them better."
    )
    assert lines[2] == "tries x 3, depth 2 (grid point 3 of 6)"
    assert words(lines[3]) == "epoch loss rank then now above it now below it"
    assert words(lines[4]) == "1 0.7 3 of 3 3 of 6 trial 1: 0.7 trial 4: 0.9"
    assert [line.strip() for line in lines[6:]] == [
        "7 s  was proposed: grid point 3 of 6",
        "8 s  was taken up on node-1, cpu",
        "9 s  was paused at epoch 1: rank 3 of 3 there, the best one went on (cut-off 0.5); it "
        "had 0.7",
    ]


def test_why_prints_json(nightsweep: Command, finished: Evening) -> None:
    told = nightsweep("why", "run", 2, "--json")
    story = json.loads(told.out)
    assert (told.code, told.err) == (0, "")
    assert story["answer"].startswith("Trial 2 was trained to its end: loss 0.125 after 3 epochs")
    assert (story["status"], story["config"]) == ("completed", {"x": 2, "depth": 2})
    assert story["judged"][0]["now"] == {"rank": 1, "of": 6, "kept": 2, "cutoff": 0.7}
    assert story["happened"][0]["what"] == "was proposed: grid point 2 of 6"


@pytest.mark.parametrize("trial", [0, 7, 100])
def test_why_refuses_a_trial_that_is_not_there(
    nightsweep: Command, finished: Evening, trial: int
) -> None:
    assert nightsweep("why", "run", trial) == (
        2, "", f"nightsweep: there is no trial {trial} in this run; they count from 1 to 6\n"
    )  # fmt: skip


def test_why_refuses_what_is_no_run(nightsweep: Command) -> None:
    assert nightsweep("why", "runs/x", 1) == (
        2, "", "nightsweep: runs/x is not a folder; name the folder of a run\n"
    )  # fmt: skip
    assert "Invalid value for 'trial'" in nightsweep("why", "runs/x", "seven").err


def test_why_shows_a_traceback_and_where_the_output_is(
    nightsweep: Command, evening: Evening
) -> None:
    trial = evening.study.ask()
    assert trial is not None
    evening.study.fail(1, "raised ValueError: no data", "Traceback ...\nValueError: no data")
    evening.folder.trial(1).mkdir(parents=True)
    (evening.folder.trial(1) / "log.txt").write_text("loading ...\n")
    evening.close()
    lines = nightsweep("why", "run", 1).out.splitlines()
    assert lines[0] == "Trial 1 failed after 0 epochs: raised ValueError: no data."
    assert lines[-4:] == [
        "Traceback ...",
        "ValueError: no data",
        "",
        "what it printed: run/trials/1/log.txt",
    ]


def test_why_says_how_to_go_on_where_no_driver_is_at_work(
    nightsweep: Command, evening: Evening
) -> None:
    evening.search(most=1)
    said = "no driver is at work; to go on: nightsweep resume run"
    assert nightsweep("why", "run", 1).out.splitlines()[-1] == said
    lock = Lock(evening.folder.lock)
    assert said not in nightsweep("why", "run", 1).out
    lock.release()


def test_why_shows_names_and_values_with_brackets_as_they_are(
    nightsweep: Command, begin: Callable[..., Evening]
) -> None:
    evening = begin(metric="loss", parameters={"k[0]": {"values": ["[a]", "[/b]"]}}, trials=2)
    evening.search()
    evening.close()
    assert "tries k[0] [a] (grid point 1 of 2)" in nightsweep("why", "run", 1).out


def test_plan_says_what_a_sweep_will_take_without_its_training_function(
    nightsweep: Command, file: Path
) -> None:
    told = nightsweep("plan", file.name)
    lines = [line.rstrip() for line in told.out.splitlines()]
    assert (told.code, told.err) == (0, "")
    assert lines[0].startswith("sweep, simulated on 3 slots with 60 s an epoch: ")
    assert lines[1].startswith("Trials that train to epoch 1: 27, 3: ")
    assert words(lines[3]) == "variant trials to the end epochs time GPU-hours first"
    assert [line.split("  ")[0] for line in lines[4:9]] == [
        "as written", "eta 2", "eta 4", "grace 3", "no early stopping",
    ]  # fmt: skip
    assert words(lines[8]) == "no early stopping 27 27 243 81 min 2.0 9 min"


def test_plan_prints_json(nightsweep: Command, file: Path) -> None:
    told = nightsweep("plan", file, "--slots", 9, "--epoch-seconds", 20, "--json")
    found = json.loads(told.out)
    assert (told.code, told.err) == (0, "")
    assert (found["slots"], found["epoch_seconds"]) == (9, 20.0)
    never = found["variants"][-1]
    assert never["variant"] == "no early stopping"
    assert (never["epochs"], never["seconds"], never["first"]) == (243, 540.0, 180.0)
    assert never["gpu_hours"] == pytest.approx(0.5 * 243 * 20 / 3600)


def test_plan_takes_one_slot_where_the_file_names_none(nightsweep: Command, file: Path) -> None:
    file.write_text(SWEEP.replace("slots: 3\n", ""))
    assert nightsweep("plan", file).out.startswith("sweep, simulated on 1 slot with 60 s an epoch")


def test_plan_says_that_a_sampler_that_learns_takes_more_trials_further(
    nightsweep: Command, file: Path
) -> None:
    assert "A sampler that learns takes more trials further" in nightsweep("plan", file).out
    file.write_text(SWEEP + "sampler: random\n")
    assert "learns" not in nightsweep("plan", file).out


def test_plan_tells_a_few_of_many_rungs(nightsweep: Command, file: Path) -> None:
    file.write_text(SWEEP.replace("{name: asha, audit: 0}", "median").replace("9", "90"))
    line = nightsweep("plan", file).out.splitlines()[1]
    assert line.startswith("Trials that train to epoch 1: 27, 2: ")
    assert ", ..., 90: " in line


def test_plan_shows_mistakes_in_the_file_as_check_does(nightsweep: Command, file: Path) -> None:
    file.write_text(SWEEP.replace("trials: 27", "trials: 0"))
    assert nightsweep("plan", file.name) == (
        2, "", "nightsweep: sweep.yaml:6: trials: must be at least 1, not 0\n"
    )  # fmt: skip
    assert nightsweep("plan", "no.yaml").err == (
        "nightsweep: no.yaml: no such file; `nightsweep init` writes one to start from\n"
    )


def test_plan_refuses_an_epoch_that_takes_no_time(nightsweep: Command, file: Path) -> None:
    told = nightsweep("plan", file, "--epoch-seconds", 0)
    assert told.code == 2
    assert "--epoch-seconds" in told.err
