"""A function written for Ray Tune, unchanged: it keeps checkpoints, so it can be paused.

python examples/ray_tune_function.py
"""

import json
import tempfile
from pathlib import Path

from ray import tune

import nightsweep


def train(config):
    x, start = 5.0, 0
    if checkpoint := tune.get_checkpoint():
        with checkpoint.as_directory() as folder:
            x, start = json.loads(Path(folder, "state.json").read_text())
    for step in range(start, 100):
        x -= config["lr"] * 2 * x  # gradient descent on x squared
        with tempfile.TemporaryDirectory() as folder:
            Path(folder, "state.json").write_text(json.dumps([x, step + 1]))
            checkpoint = tune.Checkpoint.from_directory(folder)
            tune.report({"loss": x * x}, checkpoint=checkpoint)


if __name__ == "__main__":
    results = nightsweep.run(
        train,
        {"lr": {"min": 1e-4, "max": 2.0, "log": True}},
        metric="loss",
        max_epochs=27,
        trials=20,
    )
    print(results.summary())
