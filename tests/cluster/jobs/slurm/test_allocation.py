"""What is asked of Slurm."""

from __future__ import annotations

import subprocess
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.jobs.site import Job
from nightsweep.cluster.jobs.slurm.allocation import (
    BODY,
    cpus,
    options,
    refuse,
    script,
    usual_epoch,
)
from nightsweep.search.errors import NightsweepError
from nightsweep.search.sites import Slurm, Submit
from nightsweep.search.sweep import Sweep

from ...conftest import Evening


def sweep(**more: Any) -> Sweep:
    return Sweep(metric="loss", parameters={"lr": {"min": 0.0, "max": 1.0}}, **more)


def job(tmp_path: Path, begin: str = "", **asked: Any) -> Job:
    return Job(
        sweep=sweep(),
        file=tmp_path / "sweep.yaml",
        run=tmp_path / "runs/one",
        begin=begin,
        asked=Submit(slurm=Slurm(**asked)),
    )


def test_all_settings_are_options_in_slurms_words(tmp_path: Path) -> None:
    asked = job(
        tmp_path,
        begin="2026-11-22T22:00:00",
        nodes=2,
        cpus=8,
        gpus="a100:4",
        memory="64GB",
        time="8h",
        grace="3m",
        partition="long",
        account="physics",
        qos="high",
        options="--constraint=ib",
    )
    assert list(options(asked)) == [
        "--job-name=one",
        f"--chdir={tmp_path}",
        f"--output={tmp_path}/runs/one/job/output.log",
        "--open-mode=append",
        "--nodes=2",
        "--ntasks-per-node=1",
        "--cpus-per-task=8",
        "--gres=gpu:a100:4",
        "--mem=61036M",
        "--time=08:00:00",
        "--partition=long",
        "--account=physics",
        "--qos=high",
        "--begin=2026-11-22T22:00:00",
        "--signal=B:TERM@180",
        "--requeue",
        "--no-kill",
        "--constraint=ib",
    ]


def test_the_script_is_whole_and_a_shell_can_read_it(tmp_path: Path) -> None:
    text = script(job(tmp_path / "it's 100% here", setup=["module load cuda", "ulimit -n 9999"]))
    assert text.startswith("#!/bin/bash\n")
    assert "\nmodule load cuda\nulimit -n 9999\nrun=" in text
    assert "100%% here" in text.split("--output", 1)[1].splitlines()[0]
    assert text.endswith(BODY.read_text())
    read = subprocess.run(["bash", "-n"], input=text, capture_output=True, text=True)
    assert (read.returncode, read.stderr) == (0, "")


def test_no_secret_of_this_shell_is_in_the_script(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("RAY_AUTH_TOKEN", "hush-hush")
    assert "hush-hush" not in script(job(tmp_path))


@pytest.mark.parametrize(
    ("more", "asked", "count"),
    [
        ({}, {}, 1),
        ({}, {"cpus": 6}, 6),
        ({"slots": 16}, {"nodes": 3}, 6),
        ({"slots": 4, "resources": {"cpus": 2.5}}, {"nodes": 2}, 5),
        ({"resources": {"cpus": 3, "gpus": 1}}, {"gpus": "a100:4"}, 12),
        ({"resources": {"cpus": 3, "gpus": 0.5}}, {"gpus": 2}, 12),
        ({"resources": {"cpus": 3, "gpus": 2}}, {"gpus": 4}, 6),
        ({"resources": {"cpus": 0, "gpus": 1}}, {"gpus": 1}, 1),
    ],
)
def test_cpus_are_those_that_the_trials_of_a_node_need(
    more: dict[str, Any], asked: dict[str, Any], count: int
) -> None:
    assert cpus(sweep(**more), Slurm(**asked)) == count


@pytest.mark.parametrize(
    ("more", "asked", "message"),
    [
        ({"resources": {"gpus": 1}}, {}, "no node would have one; write .* gpus: 4 or gpus: a100"),
        ({}, {"time": "3m"}, "3 min|180 s is too short"),
        ({}, {"time": "5m", "grace": "2m"}, "an epoch of this run takes 5 min, and of 5 min only"),
    ],
)
def test_what_could_come_to_nothing_is_refused(
    more: dict[str, Any], asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(NightsweepError, match=message):
        refuse(sweep(**more), Slurm(**asked), epoch=300.0)


def test_what_can_train_an_epoch_is_taken() -> None:
    refuse(sweep(), Slurm(time="8h"), epoch=300.0)
    refuse(sweep(), Slurm(), epoch=1e9)
    refuse(sweep(resources={"gpus": 1}), Slurm(options="--gpus-per-node=2"), epoch=None)


def test_epochs_are_known_from_a_run_that_has_begun(evening: Evening, tmp_path: Path) -> None:
    evening.search()
    evening.close(done=False)
    assert usual_epoch(evening.folder.path) == 0.5
    assert usual_epoch(tmp_path / "new") is None


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"options": "constraint=a100"}, "'constraint=a100' is no option of sbatch"),
        ({"options": "--foo\n#SBATCH --bar"}, "is no option of sbatch"),
        ({"partition": "long\nrm -rf"}, "--partition of sbatch cannot be .* two lines"),
        ({"gpus": "many"}, "'many' is no number of GPUs; write 4, or a100:4"),
    ],
)
def test_what_slurm_could_not_read_is_said(
    tmp_path: Path, asked: dict[str, Any], message: str
) -> None:
    with pytest.raises(NightsweepError, match=message):
        script(job(tmp_path, **asked))
