"""A class written for Ray Tune, unchanged: it keeps checkpoints, so it can be paused.

python examples/ray_tune_class.py
"""

from pathlib import Path

import torch
from ray import tune
from sklearn.datasets import load_digits

import nightsweep

SPACE = {
    "lr": tune.loguniform(1e-4, 1.0),
    "units": tune.qrandint(16, 128, 16),
    "momentum": tune.choice([0.0, 0.9]),
}


class Perceptron(tune.Trainable):
    def setup(self, config):
        x, y = load_digits(return_X_y=True)
        x, y = torch.tensor(x, dtype=torch.float32) / 16, torch.tensor(y)
        self.train_data, self.val_data = (x[:1200], y[:1200]), (x[1200:], y[1200:])
        self.model = torch.nn.Sequential(
            torch.nn.Linear(64, config["units"]),
            torch.nn.ReLU(),
            torch.nn.Linear(config["units"], 10),
        )
        self.optimizer = torch.optim.SGD(
            self.model.parameters(), lr=config["lr"], momentum=config["momentum"]
        )

    def step(self):
        x, y = self.train_data
        for rows in torch.randperm(len(x)).split(64):
            self.optimizer.zero_grad()
            torch.nn.functional.cross_entropy(self.model(x[rows]), y[rows]).backward()
            self.optimizer.step()
        x, y = self.val_data
        with torch.no_grad():
            return {"val_loss": torch.nn.functional.cross_entropy(self.model(x), y).item()}

    def save_checkpoint(self, checkpoint_dir):
        states = [self.model.state_dict(), self.optimizer.state_dict()]
        torch.save(states, Path(checkpoint_dir, "states.pt"))

    def load_checkpoint(self, checkpoint_dir):
        model, optimizer = torch.load(Path(checkpoint_dir, "states.pt"))
        self.model.load_state_dict(model)
        self.optimizer.load_state_dict(optimizer)


if __name__ == "__main__":
    results = nightsweep.run(Perceptron, SPACE, metric="val_loss", max_epochs=27, trials=20)
    print(results.summary())
