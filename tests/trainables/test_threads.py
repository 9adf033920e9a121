"""Libraries keep to the CPUs of a trial, in the thread that trains. In a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

from nightsweep.trainables.host import Host
from nightsweep.trainables.job import Job, Step
from nightsweep.trainables.trial import Trial

CODE = """
import json, os, sys, threading, types
import numpy, torch
from threadpoolctl import threadpool_info
from nightsweep.trainables.threads import keep_to

numexpr = sys.modules["numexpr"] = types.ModuleType("numexpr")
numexpr.set_num_threads = lambda count: setattr(numexpr, "count", count)
found = {}

def train():
    keep_to(1)
    keep_to(1)  # the next trial in the same process
    found["torch"] = [torch.get_num_threads(), torch.get_num_interop_threads()]
    found["libraries"] = [library["num_threads"] for library in threadpool_info()]
    found["numexpr"] = numexpr.count

thread = threading.Thread(target=train)
thread.start()
thread.join()
found["for children"] = {n: v for n, v in os.environ.items() if n.endswith("_NUM_THREADS")}
print(json.dumps(found))
"""


def test_every_library_computes_with_as_many_threads_as_the_trial_has_cpus() -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "5"},  # what Slurm or a shell may have set
    )
    found = json.loads(done.stdout)
    assert found["torch"] == [1, 1]
    assert len(found["libraries"]) >= 2  # torch's OpenMP, numpy's OpenBLAS
    assert set(found["libraries"]) == {1}
    assert found["numexpr"] == 1
    assert set(found["for children"].values()) == {"1"}
    assert {"OMP_NUM_THREADS", "MKL_NUM_THREADS"} <= set(found["for children"])


def test_a_training_function_is_told_its_cpus(tmp_path: Path) -> None:
    def train(trial: Trial) -> None:
        for _ in trial.epochs():
            trial.report(cpus=trial.cpus)

    host = Host(train)
    host.start(
        Job(
            trial=1,
            config={},
            epoch=0,
            until=1,
            max_epochs=1,
            metrics=("cpus",),
            seed=0,
            folder=tmp_path / "1",
            cpus=4,
        )
    )
    step = host.poll(10)[0]
    assert isinstance(step, Step)
    assert step.metrics == {"cpus": 4}
