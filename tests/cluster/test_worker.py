"""A slot, without Ray around it, in a process of its own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

CODE = """
import json, sys
from pathlib import Path
from nightsweep.cluster.worker import MESSAGES, Worker
from nightsweep.trainables.job import Job

def train(config, trial):
    import numpy, torch
    from threadpoolctl import threadpool_info
    counts = [library["num_threads"] for library in threadpool_info()]
    trial.report(torch=torch.get_num_threads(), most=max(counts))
    torch.set_num_threads(7)  # the next trial in this slot is to have its own again

worker = Worker.__new__(Worker)
worker.setup({"beat": 60, "cpus": 1, "gpus": 0, "measured": False}, function=train, cpus=1)
found = []
for number in (1, 2):
    job = Job(trial=number, config={}, epoch=0, until=1, max_epochs=1,
              metrics=("torch", "most"), seed=0, folder=Path(sys.argv[1]) / str(number), cpus=1)
    worker.command([job])
    found.append(worker.step()[MESSAGES][0].metrics)
print(json.dumps(found))
"""


def test_each_trial_in_a_slot_computes_with_as_many_threads_as_it_has_cpus(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-c", CODE, str(tmp_path)],
        capture_output=True,
        text=True,
        check=True,
        env={**os.environ, "OMP_NUM_THREADS": "5"},
    )
    assert json.loads(done.stdout.splitlines()[-1]) == [{"torch": 1, "most": 1}] * 2
