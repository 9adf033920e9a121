"""The script that examples/lightning_module.py was made from.

python examples/plain/lightning_module.py
"""

import torch
from lightning.pytorch import LightningModule, Trainer
from sklearn.datasets import load_digits
from torch import nn
from torch.utils.data import DataLoader, TensorDataset


class Perceptron(LightningModule):
    def __init__(self, units, lr):
        super().__init__()
        self.save_hyperparameters()
        self.layers = nn.Sequential(nn.Linear(64, units), nn.ReLU(), nn.Linear(units, 10))

    def training_step(self, batch, index):
        x, y = batch
        return nn.functional.cross_entropy(self.layers(x), y)

    def validation_step(self, batch, index):
        x, y = batch
        scores = self.layers(x)
        self.log("val_loss", nn.functional.cross_entropy(scores, y))
        self.log("val_accuracy", (scores.argmax(dim=1) == y).float().mean())

    def configure_optimizers(self):
        return torch.optim.Adam(self.parameters(), lr=self.hparams.lr)


def loaders():
    x, y = load_digits(return_X_y=True)
    rows = TensorDataset(torch.tensor(x / 16, dtype=torch.float32), torch.tensor(y))
    learn, judge = torch.utils.data.random_split(
        rows, [1437, 360], generator=torch.Generator().manual_seed(0)
    )
    return DataLoader(learn, batch_size=32, shuffle=True), DataLoader(judge, batch_size=360)


def train(config):
    options = {"accelerator": "cpu", "logger": False, "enable_checkpointing": False}
    trainer = Trainer(max_epochs=9, **options)
    trainer.fit(Perceptron(config["units"], config["lr"]), *loaders())
    print({name: value.item() for name, value in trainer.callback_metrics.items()})


if __name__ == "__main__":
    train({"units": 64, "lr": 1e-3})
