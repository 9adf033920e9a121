"""Jobs on this machine: real processes, of sweeps that are refused at once."""

from __future__ import annotations

import os
import signal
from pathlib import Path

import pytest

from nightsweep.cluster.jobs.local import LocalSite
from nightsweep.cluster.jobs.site import Job, State
from nightsweep.search.errors import NightsweepError
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.sites import Local, Submit
from nightsweep.search.sweep import Sweep

SWEEP = Sweep(metric="loss", parameters={"lr": {"min": 0.0, "max": 1.0}})


def job(tmp_path: Path, *setup: str, begin: str = "") -> Job:
    asked = Submit(local=Local(setup=setup))
    file = tmp_path / "no such.yaml"
    return Job(sweep=SWEEP, file=file, run=tmp_path / "run", asked=asked, begin=begin)


def test_the_script_is_what_runs_and_can_be_read(tmp_path: Path) -> None:
    text = LocalSite().text(job(tmp_path, "module load cuda"))
    lines = text.splitlines()
    assert f"cd {tmp_path} || exit 2" in lines
    assert lines.index("module load cuda") < next(
        number for number, line in enumerate(lines) if "--keep-going" in line
    )
    assert f"run '{tmp_path}/no such.yaml' --out {tmp_path}/run --resume --keep-going" in text


def test_a_job_ends_with_its_output_and_its_exit_code_in_the_run_folder(tmp_path: Path) -> None:
    site, one = LocalSite(), job(tmp_path)
    id = site.submit(one)
    said = list(site.logs(one.run, id, follow=True))
    assert said == [f"nightsweep: {one.file}: no such file; `nightsweep init` writes one to start "
                    "from"]  # fmt: skip
    standing = site.standing(one.run, id)
    assert (standing.state, standing.detail) == (State.FAILED, "refused: its log says why")
    assert (one.place / "script.sh").read_text() == site.text(one)


def test_a_job_that_has_no_driver_yet_is_stopped_by_a_signal(tmp_path: Path) -> None:
    site, one = LocalSite(), job(tmp_path, "echo here; sleep 60 & wait")
    id = site.submit(one)
    assert next(site.logs(one.run, id, follow=True)) == "here"
    assert site.standing(one.run, id).state is State.RUNNING
    assert site.stop(one.run, id) == "it is told to stop"
    list(site.logs(one.run, id, follow=True))
    assert site.standing(one.run, id).state is State.FAILED


def test_a_job_that_was_killed_is_gone_and_leaves_no_code_of_an_earlier_one(
    tmp_path: Path,
) -> None:
    site = LocalSite()
    id = site.submit(job(tmp_path))
    list(site.logs(tmp_path / "run", id, follow=True))
    id = site.submit(job(tmp_path, "echo here; sleep 60 & wait"))
    lines = site.logs(tmp_path / "run", id, follow=True)
    while next(lines) != "here":
        pass
    os.killpg(int(id.partition("-")[0]), signal.SIGKILL)
    list(lines)
    assert site.standing(tmp_path / "run", id).state is State.GONE


def test_a_number_that_another_process_has_now_is_no_job(tmp_path: Path) -> None:
    host = os.uname().nodename
    assert LocalSite().standing(tmp_path, f"{os.getpid()}-1@{host}").state is State.GONE


def test_a_job_of_a_host_that_is_gone_is_gone_when_nothing_was_heard_of_it(
    tmp_path: Path,
) -> None:
    id = "7-1@another host"
    assert LocalSite().standing(tmp_path, id).state is State.GONE
    lock = RunFolder(tmp_path).lock
    lock.touch()
    assert LocalSite().standing(tmp_path, id).state is State.RUNNING
    later = lock.stat().st_mtime + 601
    assert LocalSite(clock=lambda: later).standing(tmp_path, id).state is State.GONE


def test_setup_lines_are_bashs(tmp_path: Path) -> None:
    (tmp_path / "activate").write_text("export HERE=sourced\n")
    site, one = LocalSite(), job(tmp_path, "source ./activate", 'echo "[[ $HERE ]]"')
    lines = list(site.logs(one.run, site.submit(one), follow=True))
    assert lines[0] == "[[ sourced ]]"


def test_local_jobs_begin_at_once(tmp_path: Path) -> None:
    with pytest.raises(NightsweepError, match="nightsweep schedule"):
        LocalSite().text(job(tmp_path, begin="2026-11-22T22:00:00"))
