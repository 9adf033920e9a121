"""Jobs on a real Ray jobs server: submitted, followed, stopped, killed, fetched."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

import nightsweep

from .rayjobs import RayJobs, missing

pytestmark = [
    pytest.mark.clusters,
    pytest.mark.skipif(bool(missing()), reason=missing()),
]

DIGITS = """
name: digits
train: nightsweep.trainables.digits:train
metric: {name: val_loss, goal: minimize}
parameters: {lr: {min: 1e-4, max: 1e-1, log: true}, units: {values: [16, 32]}}
max_epochs: 4
trials: 4
"""
SLOW = """
name: slow
train: fit.py:train
metric: loss
parameters: {lr: {min: 0.1, max: 1.0}}
sampler: random
scheduler: none
max_epochs: 24
trials: 2
"""
FIT = """
import time
import torch

def train(config, trial):
    trial.keep(model=torch.nn.Linear(1, 1))
    for epoch in trial.epochs():
        time.sleep(0.5)
        trial.report(loss=config["lr"] / epoch)
"""


@pytest.fixture(scope="module")
def jobs() -> Iterator[RayJobs]:
    with RayJobs() as jobs:
        yield jobs


class Project:
    """A folder with sweep files, and the command line in it."""

    def __init__(self, path: Path, environ: dict[str, str]) -> None:
        self.path = path
        self.environ = environ
        (path / "digits.yaml").write_text(DIGITS)
        (path / "slow.yaml").write_text(SLOW)
        (path / "fit.py").write_text(FIT)

    def says(self, *words: object, code: int = 0, **environ: str) -> str:
        """What a command prints."""
        done = subprocess.run(
            [sys.executable, "-m", "nightsweep", *map(str, words)],
            cwd=self.path,
            env=self.environ | environ,
            capture_output=True,
            text=True,
            timeout=180,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def reports(self, run: str) -> int:
        journal = self.path / run / "journal.jsonl"
        return journal.read_text().count('"reported"') if journal.exists() else 0


@pytest.fixture
def project(tmp_path: Path, jobs: RayJobs) -> Project:
    return Project(tmp_path, jobs.environ)


def until(holds: Callable[[], bool], seconds: float = 180) -> None:
    end = time.monotonic() + seconds
    while not holds():
        assert time.monotonic() < end, "it has not come to pass"
        time.sleep(0.2)


def test_a_sweep_runs_where_nightsweep_is_not_installed_and_its_results_are_fetched(
    project: Project,
) -> None:
    away = project.path / "shared"
    submit = ("submit", "digits.yaml", "--to", "ray", "--out", "runs/one", "--set", f"runs={away}")
    shown = project.says(*submit, "--dry-run")
    assert "submitted" in project.says(*submit)
    assert (project.path / "runs/one/job/ray.yaml").read_text() == shown
    assert "submitted before, and" in project.says(*submit)
    followed = project.says("logs", "-f", "runs/one")
    assert "digits is done: all 4 trials are decided." in followed
    assert "done before" in project.says(*submit)
    assert not (project.path / "runs/one/journal.jsonl").exists()
    said = project.says("fetch", "runs/one")
    assert f"files of {away}/one" in said
    here, there = nightsweep.load(project.path / "runs/one"), nightsweep.load(away / "one")
    assert here.ledger.done
    assert here.trials.equals(there.trials)
    assert (project.path / "runs/one/best/checkpoint").is_dir()
    assert project.says("jobs").count("done") == 1


def test_a_job_that_is_stopped_saves_its_trials_and_goes_on_with_edited_code(
    project: Project,
) -> None:
    submit = ("submit", "slow.yaml", "--to", "ray", "--out", "runs/one")
    project.says(*submit)
    until(lambda: project.reports("runs/one") > 3)
    assert "is stopped; its trials are saved" in project.says("stop", "runs/one")
    assert "stopped: nightsweep submit goes on" in project.says("status", "runs/one")
    saved = project.reports("runs/one")
    assert 3 < saved < 48
    (project.path / "fit.py").write_text(FIT.replace("0.5", "0.05"))
    assert "goes on where it was" in project.says(*submit)
    project.says("logs", "-f", "runs/one")
    assert project.reports("runs/one") == 48, "epochs were trained twice, or are missing"
    assert nightsweep.load(project.path / "runs/one").ledger.done
    assert "(2 times)" in project.says("jobs")


def test_a_job_that_was_killed_is_submitted_again_by_the_one_who_waits(
    project: Project, jobs: RayJobs
) -> None:
    waiting = subprocess.Popen(
        [sys.executable, "-m", "nightsweep", "submit", "slow.yaml", "--to", "ray", "--wait",
         "--out", "runs/one"],
        cwd=project.path, env=project.environ, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        text=True,
    )  # fmt: skip
    try:
        until(lambda: project.reports("runs/one") > 3)
        assert jobs.kill_jobs() == 1
        said = waiting.communicate(timeout=120)[0]
    finally:
        waiting.kill()
    assert waiting.returncode == 0, said
    assert "submitting it again in 1 s" in said
    assert "slow is done: all 2 trials are decided." in said
    assert nightsweep.load(project.path / "runs/one").ledger.done


def test_without_the_token_or_with_another_one_it_is_said_in_a_sentence(
    project: Project, tmp_path: Path
) -> None:
    submit = ("submit", "digits.yaml", "--to", "ray", "--out", "runs/one")
    told = project.says(*submit, code=2, RAY_AUTH_MODE="disabled")
    assert told.count("\n") == 1
    assert "wants its token, and there is none here" in told
    other = tmp_path / "token"
    other.write_text("0" * 64)
    told = project.says(*submit, code=2, RAY_AUTH_TOKEN_PATH=str(other))
    assert told.count("\n") == 1
    assert f"refuses the token of {other}" in told
    told = project.says(*submit, code=69, RAY_API_SERVER_ADDRESS="http://127.0.0.1:9")
    assert told.count("\n") == 1
    assert "no Ray jobs server answers at http://127.0.0.1:9" in told
