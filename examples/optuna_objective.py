"""An objective written for Optuna, unchanged: perceptrons on handwritten digits.

python examples/optuna_objective.py
"""

import optuna
import torch
from sklearn.datasets import load_digits

import nightsweep

EPOCHS = 27

x, y = load_digits(return_X_y=True)
x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
train_x, val_x, train_y, val_y = x[:1200], x[1200:], y[:1200], y[1200:]


def perceptron(trial):
    layers, width = [], 64
    for n in range(trial.suggest_int("layers", 1, 3)):
        units = trial.suggest_int(f"units_{n}", 16, 256, log=True)
        layers += [torch.nn.Linear(width, units), torch.nn.ReLU()]
        layers += [torch.nn.Dropout(trial.suggest_float(f"dropout_{n}", 0.0, 0.5))]
        width = units
    return torch.nn.Sequential(*layers, torch.nn.Linear(width, 10))


def objective(trial):
    model = perceptron(trial)
    optimizer = getattr(torch.optim, trial.suggest_categorical("optimizer", ["Adam", "SGD"]))(
        model.parameters(), lr=trial.suggest_float("lr", 1e-5, 1e-1, log=True)
    )
    for epoch in range(EPOCHS):
        model.train()
        for rows in torch.randperm(len(train_x)).split(64):
            optimizer.zero_grad()
            torch.nn.functional.cross_entropy(model(train_x[rows]), train_y[rows]).backward()
            optimizer.step()
        model.eval()
        with torch.no_grad():
            accuracy = (model(val_x).argmax(dim=1) == val_y).float().mean().item()
        trial.report(accuracy, epoch)
        if trial.should_prune():
            raise optuna.TrialPruned
    return accuracy


if __name__ == "__main__":
    results = nightsweep.optimize(objective, 20, direction="maximize", max_epochs=EPOCHS)
    print(results.summary())
