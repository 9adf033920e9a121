"""A training loop of one's own, tuned: plain/own_loop.py with four lines changed.

nightsweep run examples/own_loop.yaml
"""

import torch
from sklearn.datasets import load_digits
from torch import nn


def train(config, trial):
    x, y = load_digits(return_X_y=True)
    x, y = torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    learn, judge = order[360:], order[:360]
    model = nn.Sequential(
        nn.Linear(64, config["units"]), nn.ReLU(), nn.Linear(config["units"], 10)
    )
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])
    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs():
        for rows in learn[torch.randperm(len(learn))].split(config["batch_size"]):
            optimizer.zero_grad()
            nn.functional.cross_entropy(model(x[rows]), y[rows]).backward()
            optimizer.step()
        with torch.no_grad():
            trial.report(val_loss=nn.functional.cross_entropy(model(x[judge]), y[judge]))
