"""The commands for jobs, as a shell sees them."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from nightsweep.cluster.jobs import commands
from nightsweep.search.runfolder import RunFolder

from ...conftest import Command

SWEEP = """
train: fit.py:train
metric: loss
parameters: {lr: {min: 0.0, max: 1.0}}
submit: {local: {setup: echo from the file}}
"""


@pytest.fixture
def file(tmp_path: Path) -> str:
    (tmp_path / "sweep.yaml").write_text(SWEEP)
    return "sweep.yaml"


def test_a_dry_run_prints_the_script_and_writes_nothing(
    nightsweep: Command, file: str, tmp_path: Path
) -> None:
    told = nightsweep("submit", file, "--to", "local", "--trials", 3, "--dry-run")
    assert told.code == 0
    assert told.out.startswith("#!/bin/bash\n")
    assert "--resume --trials 3 --keep-going" in told.out
    assert "echo from the file\n" in told.out
    assert not (tmp_path / "runs").exists()


def test_a_setting_of_the_command_line_goes_before_that_of_the_file(
    nightsweep: Command, file: str
) -> None:
    told = nightsweep("submit", file, "--to", "local", "--dry-run", "--set", "setup=echo mine")
    assert "echo mine\n" in told.out
    assert "from the file" not in told.out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["--to", "moon"], "--to 'moon' is no site; name one of local, ray, slurm, kubernetes"),
        (["--to", "local", "--set", "setup"], "--set 'setup' sets nothing; write KEY=VALUE"),
        (["--to", "local", "--set", "nodes=2"], "submit.local.nodes: unknown key; allowed: setup"),
        (["--to", "local", "--set", "setup=echo: a: b"], "the value is no YAML"),
        (["--to", "slurm", "--set", "nodes=two"], "submit.slurm.nodes: must be a whole number"),
        (["--to", "slurm", "--begin", "25:00"], "--begin: '25:00'"),
    ],
)
def test_a_mistake_is_one_sentence(
    nightsweep: Command, file: str, tmp_path: Path, words: list[str], message: str
) -> None:
    told = nightsweep("submit", file, *words)
    assert told.code == 2
    assert message in told.err
    assert "Traceback" not in told.err
    assert not (tmp_path / "runs").exists()


def test_a_job_is_listed_followed_and_named_by_its_run_folder(
    nightsweep: Command, file: str
) -> None:
    sent = nightsweep("submit", file, "--to", "local", "--out", "runs/one", "--json")
    assert sent.code == 0
    assert json.loads(sent.out)["new"]
    said = nightsweep("logs", "-f", "runs/one").out  # there is no fit.py: it is refused
    assert "from the file" in said
    assert "fit.py" in said
    (listed,) = json.loads(nightsweep("jobs", "--json").out)
    assert (listed["run"], listed["site"], listed["state"]) == ("runs/one", "local", "failed")
    assert "failed: refused" in nightsweep("jobs").out
    assert "failed: refused" in nightsweep("status", "runs/one").out
    assert "nothing to do" in nightsweep("stop", "runs/one").out
    assert "on this machine already" in nightsweep("fetch", "runs/one").out


def test_settings_of_a_site_that_are_no_mapping_are_said(
    nightsweep: Command, tmp_path: Path
) -> None:
    (tmp_path / "sweep.yaml").write_text(
        SWEEP.replace("{local: {setup: echo from the file}}", "{local: 3}")
    )
    told = nightsweep("submit", "sweep.yaml", "--to", "local", "--set", "setup=a")
    assert (told.code, told.err) == (2, "nightsweep: submit.local must be a mapping, not 3\n")


def test_a_run_that_was_resumed_by_hand_is_stopped_at_its_driver(
    nightsweep: Command, file: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    nightsweep("submit", file, "--to", "local", "--out", "runs/one")
    nightsweep("logs", "-f", "runs/one")
    monkeypatch.setattr("nightsweep.cluster.jobs.commands.driver", lambda folder: "a driver")
    monkeypatch.setattr(RunFolder, "begun", True)
    assert commands.stop(Path("runs/one")) == ""


def test_a_folder_without_a_job_is_said(nightsweep: Command, tmp_path: Path) -> None:
    (tmp_path / "runs/none").mkdir(parents=True)
    told = nightsweep("logs", "runs/none")
    assert (told.code, told.err) == (
        2,
        "nightsweep: runs/none is no job: nothing was submitted there\n",
    )
    assert "no job was submitted" in nightsweep("jobs").out


def test_run_resume_needs_a_folder(nightsweep: Command, file: str) -> None:
    told = nightsweep("run", file, "--resume")
    assert (told.code, told.err) == (
        2,
        "nightsweep: --resume goes on with the run in --out; name its folder there\n",
    )
