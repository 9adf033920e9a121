"""Schedules that a real cron, a real systemd and a real Slurm start: each at the next minute."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from nightsweep.cluster.supervise import standing

from . import slurm, timers

pytestmark = [pytest.mark.clusters, pytest.mark.timeout(300)]

NIGHTSWEEP = str(Path(sys.executable).with_name("nightsweep"))
SWEEP = """\
train: fit.py:train
metric: loss
parameters: {x: {values: [1, 2]}}
sampler: grid
max_epochs: 1
resources: {cpus: 0.5}
"""
FIT = """\
import os
def train(config, trial):
    for _ in trial.epochs():
        trial.report(loss=float(config["x"]) + ("HF_TOKEN" in os.environ))
"""
OTHERS = "# mine\nMAILTO=ann@example.org\n0 3 1 1 * true \\% of all  # nightsweep digits\n"


@pytest.fixture
def project(tmp_path: Path) -> Path:
    (tmp_path / "digits.yaml").write_text(SWEEP)
    (tmp_path / "fit.py").write_text(FIT)
    return tmp_path


def needs(*programs: str) -> pytest.MarkDecorator:
    why = timers.missing(*programs)
    return pytest.mark.skipif(bool(why), reason=why)


def soon() -> str:
    """The next minute but for its last seconds, in which a command would come too late."""
    return time.strftime("%H:%M", time.localtime(time.time() + 68))


def wait(until: Callable[[], bool], seconds: float = 150) -> None:
    deadline = time.monotonic() + seconds
    while not until():
        assert time.monotonic() < deadline
        time.sleep(0.5)


@needs("cron", "crontab")
def test_cron_starts_a_sweep_whose_schedule_goes_when_it_is_done(project: Path) -> None:
    state = project / "state"
    with timers.cron(XDG_STATE_HOME=str(state), HF_TOKEN="hf_s3cret") as cron:
        (project / "crontab").write_text(OTHERS)
        cron.run(project, "crontab", "crontab")
        words = ["schedule", "digits.yaml", "--at", soon(), "--using", "cron", "--once"]
        said = cron.run(project, NIGHTSWEEP, *words)
        assert "digits is scheduled: " in said
        assert "HF_TOKEN" in said
        written = cron.run(project, "crontab", "-l")
        assert written.endswith(OTHERS)
        assert written.count("\n") == OTHERS.count("\n") + 1
        assert "  next start " in cron.run(project, NIGHTSWEEP, "schedules")
        wait(lambda: not (state / "nightsweep/schedules/digits").exists())
        (run,) = (project / "runs").iterdir()
        assert standing(run).done
        assert (run / "job" / "exit").read_text() == "0\n"
        assert "Best: trial 1, loss 1 at" in (run / "job" / "output.log").read_text()
        assert "done" in cron.run(project, NIGHTSWEEP, "jobs")
        assert cron.run(project, "crontab", "-l") == OTHERS


@needs("/lib/systemd/systemd", "systemctl")
def test_systemd_starts_a_night_and_the_list_tells_what_came_of_it(project: Path) -> None:
    config = project / "config"
    with timers.systemd(
        XDG_STATE_HOME=str(project / "state"), XDG_CONFIG_HOME=str(config)
    ) as systemd:
        words = ["schedule", "digits.yaml", "--at", soon(), "--using", "systemd"]
        assert "loginctl enable-linger" in systemd.run(project, NIGHTSWEEP, *words)
        listed = ["systemctl", "--user", "list-timers", "--no-pager"]
        assert "nightsweep-digits.timer" in systemd.run(project, *listed)
        (project / "fit.py").unlink()  # refused at once: a start needs no Ray to be seen
        starts = project / "state/nightsweep/schedules/digits/starts.jsonl"
        wait(lambda: starts.exists() and '"code": 2' in starts.read_text())
        assert ": refused, in runs/digits-" in systemd.run(project, NIGHTSWEEP, "schedules")
        systemd.run(project, NIGHTSWEEP, "unschedule", "digits")
        assert "nightsweep-digits" not in systemd.run(project, *listed, "--all")
        assert [path for path in config.rglob("*") if "digits" in path.name] == []


@pytest.mark.skipif(bool(slurm.missing()), reason=slurm.missing())
def test_slurm_holds_a_job_until_its_time_and_gives_it_up_when_asked(project: Path) -> None:
    with slurm.Slurm(nodes=1) as stand:
        environ = {**stand.environ, "XDG_STATE_HOME": str(project / "state")}

        def nightsweep(*words: str) -> str:
            done = subprocess.run(
                [NIGHTSWEEP, *words], cwd=project, env=environ, capture_output=True, text=True
            )
            assert done.returncode == 0, done.stderr
            return done.stdout

        words = ["schedule", "digits.yaml", "--at", "22:00", "--using", "slurm"]
        script = nightsweep(*words, "--dry-run")
        assert "#SBATCH --begin=" in script
        nightsweep(*words)
        assert stand.told("squeue", "-h", "-o", "%T %r") == "PENDING BeginTime"
        assert "is waiting: BeginTime, " in nightsweep("schedules")
        assert nightsweep("unschedule", "digits").startswith("digits is scheduled no more;")
        assert stand.told("squeue", "-h") == ""
