"""A sweep over your own training function, from Python.

python examples/own_function.py
"""

import torch
from torch import nn

import nightsweep
from nightsweep import Choice, Float, Int


def train(config, trial):
    x = torch.linspace(-3, 3, 256).unsqueeze(1)
    y = x.sin()
    model = nn.Sequential(nn.Linear(1, config["units"]), nn.Tanh(), nn.Linear(config["units"], 1))
    optimizer = torch.optim.Adam(model.parameters(), lr=config["lr"])

    trial.keep(model=model, optimizer=optimizer)
    for _ in trial.epochs():
        for rows in torch.randperm(len(x)).split(config["batch_size"]):
            loss = nn.functional.mse_loss(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        with torch.no_grad():
            trial.report(loss=nn.functional.mse_loss(model(x), y))


if __name__ == "__main__":
    results = nightsweep.run(
        train,
        {
            "lr": Float(min=1e-4, max=1.0, log=True, default=1e-3),
            "units": Int(min=4, max=64, log=True, step=2),
            "batch_size": Choice(values=[16, 32, 64]),
        },
        metric="loss",
        max_epochs=27,
        trials=20,
    )
    print(results.summary())
    print(results.trials.sort_values("best/loss").head())
