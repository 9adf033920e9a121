"""Trains a perceptron on scikit-learn's handwritten digits."""

import argparse
import os

import torch
from sklearn.datasets import load_digits
from sklearn.model_selection import train_test_split

from nightsweep_report import report

parser = argparse.ArgumentParser()
parser.add_argument("--lr", type=float, default=1e-3)
parser.add_argument("--batch-size", type=int, default=32)
parser.add_argument("--units", type=int, default=64)
parser.add_argument("--dropout", type=float, default=0.1)
parser.add_argument("--epochs", type=int, default=20)
parser.add_argument("--seed", type=int, default=0)
parser.add_argument("--checkpoint", default="digits.pt")
args = parser.parse_args()

x, y = load_digits(return_X_y=True)
parts = train_test_split(x / 16, y, test_size=0.25, stratify=y, random_state=0)
x, val_x, y, val_y = (torch.tensor(part) for part in parts)
x, val_x = x.float(), val_x.float()

torch.manual_seed(args.seed)
model = torch.nn.Sequential(
    torch.nn.Linear(64, args.units),
    torch.nn.ReLU(),
    torch.nn.Dropout(args.dropout),
    torch.nn.Linear(args.units, 10),
)
optimizer = torch.optim.AdamW(model.parameters(), lr=args.lr)

first = 1
if os.path.exists(args.checkpoint):
    saved = torch.load(args.checkpoint, weights_only=True)
    model.load_state_dict(saved["model"])
    optimizer.load_state_dict(saved["optimizer"])
    first = saved["epoch"] + 1

for epoch in range(first, args.epochs + 1):
    torch.manual_seed(1000 * args.seed + epoch)  # so that it goes on as if never interrupted
    model.train()
    for rows in torch.randperm(len(x)).split(args.batch_size):
        loss = torch.nn.functional.cross_entropy(model(x[rows]), y[rows])
        optimizer.zero_grad()
        loss.backward()
        optimizer.step()

    model.eval()
    with torch.no_grad():
        scores = model(val_x)
    val_loss = torch.nn.functional.cross_entropy(scores, val_y).item()
    val_accuracy = (scores.argmax(dim=1) == val_y).float().mean().item()

    state = {"model": model.state_dict(), "optimizer": optimizer.state_dict(), "epoch": epoch}
    torch.save(state, args.checkpoint)
    report(epoch=epoch, val_loss=val_loss, val_accuracy=val_accuracy)
