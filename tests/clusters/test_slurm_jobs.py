"""Sweeps as jobs of a real Slurm: three nodes on this machine; their GPUs are none."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path

import pytest

import nightsweep

from .desk import Desk, complete, until
from .slurm import Slurm, missing

pytestmark = pytest.mark.clusters

DIGITS = """
import os, time
from nightsweep.trainables import digits

SEEN = os.path.join(os.path.dirname(__file__), "seen")

def nodes(job):
    lines = [line.split() for line in open(SEEN)]
    return {line[0] for line in lines if line[1:2] == [job]}

def train(config, trial):
    here = [os.environ[name] for name in ("SLURMD_NODENAME", "SLURM_JOB_ID")]
    with open(SEEN, "a") as file:
        print(*here, os.environ.get("CUDA_VISIBLE_DEVICES"), file=file, flush=True)
    until = time.monotonic() + 60  # the other node may come later, and shall have its share
    while len(nodes(here[1])) < 2 and time.monotonic() < until:
        time.sleep(0.1)
    digits.train(config, trial)
"""
GONE = {"RAY_gcs_rpc_server_reconnect_timeout_s": "5"}  # a lost head is noticed after so long


@pytest.fixture(scope="module")
def slurm() -> Iterator[Slurm]:
    """One for all tests."""
    if why := missing():
        pytest.skip(f"NO SLURM HERE, ITS TESTS DO NOT RUN: {why}")
    with Slurm(nodes=3) as stand:
        yield stand


@pytest.fixture
def desk(tmp_path: Path, slurm: Slurm) -> Desk:
    """A desk with a folder of its own."""
    return Desk(tmp_path, slurm)


def test_what_slurm_does_not_take_is_one_sentence(desk: Desk) -> None:
    desk.write()
    submit = ("submit", "sweep.yaml", "--to", "slurm", "--dry-run", "--set")
    refused = desk.says(*submit, "partition=night", code=2)
    assert "there is no partition night, but debug, scavenge" in refused
    assert (
        "Requested node configuration is not available; partition debug has 3 nodes with 4 "
        in (desk.says(*submit, "gpus=9", code=2))
    )
    assert "nightsweep: submit.slurm.time: 2 min is too short" in desk.says(
        *submit, "time=2m", code=2
    )
    assert len(refused.splitlines()) == 1


def test_a_dry_run_is_what_is_submitted_and_it_waits_for_its_time(desk: Desk) -> None:
    desk.write()
    words = ("submit", "sweep.yaml", "--to", "slurm", "--out", "runs/one", "--begin", "23:59")
    shown = desk.says(*words, "--dry-run")
    assert not (desk.place / "runs").exists()
    desk.says(*words)
    assert (desk.place / "runs/one/job/sweep.sbatch").read_text() == shown
    assert "waiting: BeginTime, not before" in desk.says("jobs")
    assert "submitted before, and waiting" in desk.says(*words)
    assert "is out of Slurm's queue" in desk.says("stop", "runs/one")
    assert "stopped: Slurm says CANCELLED" in desk.says("jobs")


def test_two_jobs_of_one_user_on_the_same_nodes_do_not_meet(desk: Desk) -> None:
    """Digits, on GPU numbers that Slurm gave to each."""
    desk.write(
        train=DIGITS,
        parameters={"lr": {"min": 1e-3, "max": 0.1, "log": True}, "units": 16},
        metric="val_loss",
        max_epochs=3,
        trials=8,
        resources={"cpus": 1, "gpus": 1},
        submit={"slurm": {"nodes": 2, "gpus": 1, "options": "--nodelist=n1,n2"}},
    )
    for run in ("one", "two"):
        assert "submitted" in desk.submit(run)
    assert "submitted before, and running: on n[1-2]" in desk.submit("two")
    for run in ("one", "two"):
        assert "is done" in desk.end(run)
        results = nightsweep.load(desk.place / run)
        assert results.ledger.done
        assert len(results.trials) == 8
    gpus = defaultdict(set)
    for node, job, gpu in desk.seen():
        gpus[node, job].add(gpu)
    jobs = sorted({job for _, job in gpus})
    assert len(jobs) == 2
    assert len(gpus) == 4, "each job has trained on both nodes"
    for node in ("n1", "n2"):
        first, second = (gpus[node, job] for job in jobs)
        assert {*first, *second} == {"0", "1"}
        assert len(first) == len(second) == 1
    assert not [path for job in jobs for path in Path("/tmp").glob(f"ns.{job}.*")]


def test_a_job_that_is_stopped_saves_its_trials_and_goes_on_when_submitted_again(
    desk: Desk,
) -> None:
    desk.write(slots=2)
    desk.submit("one", "cpus=2")
    until(lambda: desk.reported("one") > 8)
    assert "saves its trials and ends; nightsweep submit goes on" in desk.says("stop", "one")
    assert "stopped: nightsweep submit goes on with it" in desk.end("one")
    assert "it does not come back by itself: it was stopped by hand" in desk.log("one")
    before = desk.reported("one")
    desk.says("submit", "sweep.yaml", "--to", "slurm", "--out", "one", "--set", "cpus=2")
    assert "is done" in desk.end("one")
    results = nightsweep.load(desk.place / "one")
    assert before < desk.reported("one") == len(results.curves), "no epoch was trained twice"
    assert complete(results.curves)


def test_the_sweep_goes_on_without_a_node_and_begins_again_without_its_first(
    desk: Desk, slurm: Slurm
) -> None:
    desk.write(trials=60, resources={"cpus": 4})
    desk.submit("one", "nodes=3", "cpus=4", **GONE)
    until(lambda: {node for node, *_ in desk.seen()} == {"n1", "n2", "n3"})
    slurm.kill("n3")
    trained = desk.reported("one")
    until(lambda: desk.reported("one") > trained + 12)
    assert desk.drivers("one") == 1
    slurm.kill("n1")
    slurm.revive("n3")
    slurm.revive("n1")
    until(lambda: desk.drivers("one") == 2)
    assert "is done" in desk.end("one")
    results = nightsweep.load(desk.place / "one")
    assert set(results.trials["status"]) <= {"completed", "stopped"}
    assert complete(results.curves)


def test_a_job_that_has_to_give_way_is_saved_and_comes_back(desk: Desk, slurm: Slurm) -> None:
    desk.write(slots=1, trials=60)
    desk.submit("one", "partition=scavenge", "cpus=4", "options=--nodelist=n1")
    until(lambda: desk.reported("one") > 3)
    first = ("--nodelist=n1", "--cpus-per-task=4", "--output=/dev/null", "--wrap=sleep 1")
    slurm.told("sbatch", *first)
    comes_back(desk)


def test_a_job_comes_back_after_its_time_limit(desk: Desk) -> None:
    """Two minutes are the least that can be had with a warning: Slurm looks every 30 s."""
    desk.write(slots=1, trials=60, seconds=1.0)
    desk.submit("one", "time=2m", "grace=30s")
    comes_back(desk)


def comes_back(desk: Desk) -> None:
    """Where it was, by itself."""
    until(lambda: desk.drivers("one") == 2, seconds=180)
    assert ", start 2" in desk.log("one")
    before = desk.reported("one")
    until(lambda: desk.reported("one") > before)
    desk.says("stop", "one")
    assert "stopped" in desk.end("one")
    curves = nightsweep.load(desk.place / "one").curves
    assert desk.reported("one") == len(curves), "no epoch was trained twice"
    assert complete(curves)
