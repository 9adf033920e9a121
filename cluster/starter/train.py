"""A training function for nightsweep: replace the model and the data by yours."""

import torch
from sklearn.datasets import load_digits
from torch import nn

OPTIMIZERS = {"sgd": torch.optim.SGD, "adam": torch.optim.Adam}


def load():
    images, classes = load_digits(return_X_y=True)
    x, y = torch.tensor(images / 16, dtype=torch.float32), torch.tensor(classes)
    order = torch.randperm(len(y), generator=torch.Generator().manual_seed(0))
    return x[order[:1400]], y[order[:1400]], x[order[1400:]], y[order[1400:]]


def build(config):
    layers, width = [], 64
    for _ in range(config["layers"]):
        layers += [nn.Linear(width, config["units"]), nn.ReLU(), nn.Dropout(config["dropout"])]
        width = config["units"]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def train(config, trial):
    x, y, val_x, val_y = load()
    model = build(config)
    momentum = {"momentum": config["momentum"]} if config["optimizer"] == "sgd" else {}
    optimizer = OPTIMIZERS[config["optimizer"]](model.parameters(), lr=config["lr"], **momentum)
    loss_of = nn.CrossEntropyLoss()

    trial.keep(model=model, optimizer=optimizer)  # saved and restored when the trial is paused
    for _ in trial.epochs():  # ends when the trial is to stop
        model.train()
        for rows in torch.randperm(len(y)).split(config["batch_size"]):
            loss = loss_of(model(x[rows]), y[rows])
            optimizer.zero_grad()
            loss.backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            scores = model(val_x)
            val_loss = loss_of(scores, val_y)
            val_accuracy = (scores.argmax(dim=1) == val_y).float().mean()
        trial.report(train_loss=loss, val_loss=val_loss, val_accuracy=val_accuracy)
