"""What the training loop costs: the same training by `fit` and written by hand, step by step.

    python benchmarks/loop.py

A perceptron whose step takes about 2 ms on one core; both train the same batches in the same
order, in turns, and the medians over the turns are compared.
"""

from __future__ import annotations

import statistics
import tempfile
import time
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from nightsweep.trainables.batches import Data
from nightsweep.trainables.job import Answer, Job, Message, Step
from nightsweep.trainables.loop import fit
from nightsweep.trainables.trial import Trial

ROWS, WIDTH, BATCH, EPOCHS, TURNS = 12_800, 320, 64, 3, 9


class Nobody:
    """A driver that never asks for anything."""

    halting = False

    def send(self, message: Message) -> None:
        """Not kept."""

    def ask(self, step: Step) -> Answer:
        return Answer(trial=1, until=None)


def perceptron() -> nn.Sequential:
    """The same weights each time."""
    torch.manual_seed(0)
    hidden = [layer for _ in range(3) for layer in (nn.Linear(WIDTH, WIDTH), nn.ReLU())]
    return nn.Sequential(*hidden, nn.Linear(WIDTH, 10))


def by_hand(x: Tensor, y: Tensor) -> nn.Module:
    """What a careful person writes."""
    model = perceptron()
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-3, fused=True)
    for epoch in range(EPOCHS):
        model.train()
        total, right = torch.zeros(()), torch.zeros((), dtype=torch.int64)
        order = torch.from_numpy(np.random.default_rng(epoch).permutation(ROWS))
        shuffled_x, shuffled_y = x[order], y[order]
        for start in range(0, ROWS, BATCH):
            batch_x, batch_y = shuffled_x[start : start + BATCH], shuffled_y[start : start + BATCH]
            optimizer.zero_grad()
            scores = model(batch_x)
            loss = F.cross_entropy(scores, batch_y)
            loss.backward()
            optimizer.step()
            total += loss.detach() * len(batch_y)
            right += (scores.detach().argmax(dim=1) == batch_y).sum()
        total.item(), right.item()
        model.eval()
        with torch.no_grad():
            F.cross_entropy(model(x[:BATCH]), y[:BATCH]).item()
    return model


def by_fit(x: Tensor, y: Tensor, folder: Path) -> nn.Module:
    """The same by `fit`."""
    model = perceptron()
    job = Job(
        trial=1, config={}, epoch=0, until=99, max_epochs=EPOCHS, metrics=("val_loss",), seed=0,
        folder=folder, pauses=False,
    )  # fmt: skip
    trial = Trial(job, Nobody())
    trial._saved_at = float("inf")  # the last epoch's checkpoint is no part of the loop
    trial.keep = lambda **things: None  # type: ignore[method-assign]
    data = Data(train=(x, y), val=(x[:BATCH], y[:BATCH]))
    fit(model, data, {"lr": 1e-3, "batch_size": BATCH}, trial)
    return model


def main() -> None:
    """Print the medians, and their ratio."""
    torch.set_num_threads(1)
    x = torch.randn(ROWS, WIDTH)
    y = torch.randint(0, 10, (ROWS,))
    steps = EPOCHS * ROWS // BATCH
    times: dict[str, list[float]] = {"by hand": [], "fit": []}
    with tempfile.TemporaryDirectory() as folder:
        for turn in range(TURNS + 1):
            for name in times:
                began = time.process_time()
                by_hand(x, y) if name == "by hand" else by_fit(x, y, Path(folder))
                if turn:  # the first warms up
                    times[name].append(1000 * (time.process_time() - began) / steps)
    for name, found in times.items():
        print(f"{name:8} {statistics.median(found):.3f} ms a step")
    ratios = [fit / hand for fit, hand in zip(times["fit"], times["by hand"], strict=True)]
    print(f"ratio    {statistics.median(ratios):.4f} ({min(ratios):.4f} to {max(ratios):.4f})")


if __name__ == "__main__":
    main()
