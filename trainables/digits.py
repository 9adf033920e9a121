"""A perceptron on scikit-learn's handwritten digits: 1797 real images of 8 × 8 pixels, 10 classes.

Every knob that is taught first has a default here, and may be a parameter of a sweep:
lr, batch_size, epochs, optimizer, momentum, l1, l2, dropout, layers, units, activation, schedule.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cache
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional as F  # noqa: N812 - its usual name

from .trial import Trial

DEFAULTS: dict[str, Any] = {
    "lr": 1e-3,
    "batch_size": 32,
    "epochs": None,  # the sweep's max_epochs
    "optimizer": "adam",
    "momentum": 0.9,
    "l1": 0.0,
    "l2": 0.0,
    "dropout": 0.0,
    "layers": 2,
    "units": 64,
    "activation": "relu",
    "schedule": "constant",
}
ACTIVATIONS: dict[str, type[nn.Module]] = {"relu": nn.ReLU, "tanh": nn.Tanh, "gelu": nn.GELU}
SPLIT_SEED = 0  # the same images for every trial, whatever its own seed


@dataclass(frozen=True, slots=True, kw_only=True)
class Digits:
    """Images (N, 64) scaled to [0, 1], classes (N,): 60 % to train, 20 % each for the others."""

    train_x: Tensor
    train_y: Tensor
    val_x: Tensor
    val_y: Tensor
    test_x: Tensor
    test_y: Tensor


@cache
def load() -> Digits:
    """The data, split by class and always in the same way."""
    from sklearn.datasets import load_digits
    from sklearn.model_selection import train_test_split

    images, classes = load_digits(return_X_y=True)
    x = torch.tensor(images / 16.0, dtype=torch.float32)
    y = torch.tensor(classes, dtype=torch.int64)
    rows, test = train_test_split(
        range(len(y)), test_size=0.2, random_state=SPLIT_SEED, stratify=classes
    )
    train, val = train_test_split(
        rows, test_size=0.25, random_state=SPLIT_SEED, stratify=classes[rows]
    )
    return Digits(
        train_x=x[train], train_y=y[train],
        val_x=x[val], val_y=y[val],
        test_x=x[test], test_y=y[test],
    )  # fmt: skip


def train(config: dict[str, Any], trial: Trial) -> None:
    """Train one configuration; reports train and val loss and accuracy each epoch."""
    knobs = {**DEFAULTS, **config}
    unknown = set(config) - set(DEFAULTS)
    if unknown:
        raise ValueError(
            f"the digits model has no {', '.join(sorted(unknown))}; it has {', '.join(DEFAULTS)}"
        )
    data, model = load(), perceptron(knobs)
    epochs = min(knobs["epochs"] or trial.max_epochs, trial.max_epochs)
    optimizer = make_optimizer(model, knobs)
    schedule = make_schedule(optimizer, knobs["schedule"], epochs)
    trial.keep(model=model, optimizer=optimizer, schedule=schedule)
    for _ in trial.epochs(epochs):
        train_loss, train_accuracy = train_one_epoch(model, optimizer, data, knobs)
        schedule.step()
        val_loss, val_accuracy = evaluate(model, data.val_x, data.val_y)
        trial.report(
            train_loss=train_loss,
            train_accuracy=train_accuracy,
            val_loss=val_loss,
            val_accuracy=val_accuracy,
        )


def perceptron(knobs: dict[str, Any]) -> nn.Sequential:
    """`layers` hidden layers of `units`, each followed by the activation and dropout."""
    if knobs["activation"] not in ACTIVATIONS:
        *others, last = ACTIVATIONS
        raise ValueError(
            f"activation {knobs['activation']!r} is not {', '.join(others)} or {last}"
        )
    layers: list[nn.Module] = []
    width = 64
    for _ in range(knobs["layers"]):
        layers += [nn.Linear(width, knobs["units"]), ACTIVATIONS[knobs["activation"]]()]
        if knobs["dropout"]:
            layers.append(nn.Dropout(knobs["dropout"]))
        width = knobs["units"]
    return nn.Sequential(*layers, nn.Linear(width, 10))


def make_optimizer(model: nn.Module, knobs: dict[str, Any]) -> torch.optim.Optimizer:
    """The optimiser by name; `l2` is its weight decay. Fused: one call for all parameters."""
    lr, l2 = knobs["lr"], knobs["l2"]
    match knobs["optimizer"]:
        case "sgd":
            momentum = knobs["momentum"]
            return torch.optim.SGD(
                model.parameters(), lr, momentum=momentum, weight_decay=l2, fused=True
            )
        case "adam":
            return torch.optim.Adam(model.parameters(), lr, weight_decay=l2, fused=True)
        case "adamw":
            return torch.optim.AdamW(model.parameters(), lr, weight_decay=l2, fused=True)
        case "rmsprop":
            return torch.optim.RMSprop(model.parameters(), lr, weight_decay=l2)
    raise ValueError(f"optimizer {knobs['optimizer']!r} is not sgd, adam, adamw or rmsprop")


def make_schedule(
    optimizer: torch.optim.Optimizer, name: str, epochs: int
) -> torch.optim.lr_scheduler.LRScheduler:
    """The learning rate over the epochs: constant, step (÷10 twice), exponential or cosine."""
    schedules = torch.optim.lr_scheduler
    match name:
        case "constant":
            return schedules.ConstantLR(optimizer, factor=1.0)
        case "step":
            return schedules.StepLR(optimizer, step_size=max(epochs // 3, 1), gamma=0.1)
        case "exponential":
            return schedules.ExponentialLR(optimizer, gamma=0.01 ** (1 / epochs))
        case "cosine":
            return schedules.CosineAnnealingLR(optimizer, T_max=epochs)
    raise ValueError(f"schedule {name!r} is not constant, step, exponential or cosine")


def train_one_epoch(
    model: nn.Module, optimizer: torch.optim.Optimizer, data: Digits, knobs: dict[str, Any]
) -> tuple[float, float]:
    """One pass over the training images; mean loss and accuracy while training."""
    model.train()
    parameters, l1 = list(model.parameters()), knobs["l1"]
    order = torch.randperm(len(data.train_y))  # by torch's own generator, which checkpoints keep
    x, y = data.train_x[order], data.train_y[order]
    seen = []
    for batch_x, batch_y in zip(
        x.split(knobs["batch_size"]), y.split(knobs["batch_size"]), strict=True
    ):
        scores = model(batch_x)  # (B, 10)
        optimizer.zero_grad()
        F.cross_entropy(scores, batch_y).backward()
        if l1:
            add_l1(parameters, l1)
        optimizer.step()
        seen.append(scores.detach())
    return judge(torch.cat(seen), y)


@torch.no_grad()
def add_l1(parameters: list[nn.Parameter], l1: float) -> None:
    """Add the gradient of l1 × the sum of absolute weights: cheaper than to backpropagate it."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.sign(), alpha=l1)


def judge(scores: Tensor, classes: Tensor) -> tuple[float, float]:
    """Mean loss and accuracy of scores (N, 10)."""
    accuracy = (scores.argmax(dim=1) == classes).float().mean()
    return F.cross_entropy(scores, classes).item(), accuracy.item()


@torch.no_grad()
def evaluate(model: nn.Module, x: Tensor, y: Tensor) -> tuple[float, float]:
    """Mean loss and accuracy on images that are not trained on."""
    model.eval()
    return judge(model(x), y)
