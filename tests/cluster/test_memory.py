"""Trials that need more memory than there is, in real processes; no memory is really short."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import threading
import time
from pathlib import Path
from typing import Any

import pytest

import nightsweep
from nightsweep.cluster.run import start
from nightsweep.search import journal
from nightsweep.search.events import Cause, Failed, Interrupted
from nightsweep.search.sweep import Sweep

pytestmark = pytest.mark.ray
FULL, FREE = 8_000_000_000, 1_000_000_000  # bytes


@pytest.mark.usefixtures("ray_cluster")
def test_the_ladder_ends_with_what_fits_and_a_plain_word_for_what_does_not(tmp_path: Path) -> None:
    here = tmp_path / "here"  # a file for each trial that trains now
    here.mkdir()
    told = tmp_path / "beside.txt"  # who trained beside whom, try by try

    def train(config: dict[str, Any], trial: nightsweep.Trial) -> None:
        import time

        import torch

        def need(fits: bool) -> None:
            if not fits:
                raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB.")

        mine = here / str(trial.id)
        mine.touch()
        try:
            while trial.id <= 2 and not told.exists() and len(list(here.iterdir())) < 2:
                time.sleep(0.01)
            beside = sorted(int(other.name) for other in here.iterdir() if other != mine)
            with told.open("a") as file:
                file.write(f"{trial.id}: {beside}\n")
            while trial.id == 1 and "2: [1]" not in told.read_text():
                time.sleep(0.01)
            need(config["size"] != "large" or not beside)
            need(config["size"] != "too large")
            for epoch in trial.epochs():
                for _, part in trial.parts(torch.zeros(8)):
                    need(config["size"] != "huge" or len(part) <= 2)
                trial.report(loss=1 / epoch)
        finally:
            mine.unlink()

    sizes = ["small", "large", "huge", "too large"]
    sweep = Sweep(
        metric="loss", parameters={"size": {"values": sizes}}, max_epochs=2, sampler="grid",
        scheduler="none", slots=2,
    )  # fmt: skip
    results = start(sweep, train, out=tmp_path / "run")
    assert results.ledger.done
    rows = results.trials.set_index("config/size")
    assert rows["status"].to_dict() == {
        "small": "completed", "large": "completed", "huge": "completed", "too large": "failed",
    }  # fmt: skip
    assert rows["attempts"].to_dict() == {"small": 1, "large": 2, "huge": 4, "too large": 2}
    assert rows["why"]["too large"] == (
        "does not fit: ran out of memory, asking for 2.00 GiB, even alone on its device"
    )
    events = [entry.event for entry in journal.read(results.folder.journal)]
    tried = [event for event in events if isinstance(event, Interrupted)]
    assert {event.cause for event in tried} == {Cause.MEMORY}
    assert [(e.alone, e.split) for e in tried if e.trial == 3] == [(True, 1), (True, 2), (True, 4)]
    assert [event.cause for event in events if isinstance(event, Failed)] == [Cause.MEMORY]
    lines = told.read_text().splitlines()
    assert lines.index("2: [1]") < lines.index("2: []")
    later = [line for n, line in enumerate(lines) if line[0] in {ln[0] for ln in lines[:n]}]
    assert [line.partition(": ")[2] for line in later] == ["[]"] * 5


SWEEP = """
train: toy.py:train
metric: loss
parameters: {x: {values: [1, 2, 3, 4]}}
sampler: grid
scheduler: none
max_epochs: 3
slots: 3
resources: {cpus: 0.5}
"""
TRAIN = """
import os
import pathlib
import time

HOST = pathlib.Path("/sys/fs/cgroup")  # the test's own, in here

def train(config, trial):
    for epoch in trial.epochs():
        if epoch == 2 and config["x"] < 4:
            (HOST / f"{config['x']} is there").touch()
        while epoch == 2 and not (HOST / "freed").exists():
            if config["x"] == 2 and len(list(HOST.glob("* is there"))) == 3:
                (HOST / "filled").write_text(str(os.getpid()))
                (HOST / "memory.current").write_text((HOST / "memory.max").read_text())
            time.sleep(0.01)
        trial.report(loss=1 / epoch)
"""


def host(folder: Path) -> Path:
    """What the kernel would say of a host's memory: the files that Ray's memory monitor reads."""
    folder.mkdir()
    (folder / "memory.max").write_text(f"{FULL}\n")
    (folder / "memory.current").write_text(f"{FREE}\n")
    (folder / "memory.stat").write_text("anon 1\ninactive_file 0\nactive_file 0\nswapcached 0\n")
    return folder


def free_when_it_has_died(folder: Path) -> None:
    """The memory of the process that has filled it is free again once it is gone."""
    filled = folder / "filled"
    for _ in range(6000):
        if filled.exists() and (pid := filled.read_text()) and not Path("/proc", pid).exists():
            (folder / "memory.current").write_text(f"{FREE}\n")
            (folder / "freed").touch()
            return
        time.sleep(0.01)


def own_mounts() -> bool:
    """Whether this process may have mounts of its own, as root may."""
    can = shutil.which("unshare") and Path("/sys/fs/cgroup").is_dir()
    return (
        bool(can)
        and not subprocess.run(
            ["unshare", "-m", "mount", "--bind", "/", "/mnt"], capture_output=True, check=False
        ).returncode
    )


@pytest.mark.slow
@pytest.mark.skipif(not own_mounts(), reason="needs the right to mount, to fake a full host")
def test_workers_that_ray_s_memory_monitor_ends_cost_their_trials_nothing(tmp_path: Path) -> None:
    """In stock Tune the first of them ends the whole run. Here three are ended at once."""
    (tmp_path / "toy.yaml").write_text(SWEEP)
    (tmp_path / "toy.py").write_text(TRAIN)
    fake = host(tmp_path / "host")
    driver = f"{sys.executable} -m nightsweep run toy.yaml --out run"
    watcher = threading.Thread(target=free_when_it_has_died, args=[fake], daemon=True)
    watcher.start()
    ended = subprocess.run(
        ["unshare", "-m", "sh", "-c", f"mount --bind host /sys/fs/cgroup && exec {driver}"],
        cwd=tmp_path,
        env={
            **os.environ,
            "RAY_memory_monitor_refresh_ms": "100",
            "RAY_memory_usage_threshold": "0.9",
        },
        capture_output=True,
        text=True,
        timeout=150,
        check=False,
    )
    assert ended.returncode == 0, ended.stdout + ended.stderr
    assert (fake / "freed").exists()
    results = nightsweep.load(tmp_path / "run")
    assert results.trials["status"].tolist() == ["completed"] * 4
    assert results.trials["attempts"].tolist() == [2, 2, 2, 1]
    events = [entry.event for entry in journal.read(results.folder.journal)]
    lost = [event for event in events if isinstance(event, Interrupted)]
    assert {event.trial for event in lost} == {1, 2, 3}
    for event in lost:
        assert (event.cause, event.alone) == (Cause.MEMORY, True)
        assert event.reason == (
            "its worker was ended by Ray's memory monitor: 7.45 GB of 7.45 GB were in use on its "
            "host"
        )
