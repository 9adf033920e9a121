"""Optimisers by name, with the knobs that people know.

`l2` is what torch calls weight_decay. For adamw and nadamw it is decoupled from the gradient
(Loshchilov & Hutter 2019, "Decoupled Weight Decay Regularization"), for the others it is added
to it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import torch
from torch import nn
from torch.optim import Optimizer

from ..search.nearest import did_you_mean
from .knobs import KnobError, Knobs

Make = Callable[[list[nn.Parameter], Knobs], Optimizer]


def _adam(kind: Any, **more: Any) -> Make:
    def make(parameters: list[nn.Parameter], knobs: Knobs) -> Optimizer:
        found: Optimizer = kind(
            parameters,
            lr=knobs.lr,
            betas=(knobs.beta1, knobs.beta2),
            weight_decay=knobs.l2,
            **more,
        )
        return found

    return make


def _sgd(parameters: list[nn.Parameter], knobs: Knobs) -> Optimizer:
    nesterov = knobs.nesterov and knobs.momentum > 0  # torch refuses it without momentum
    return torch.optim.SGD(
        parameters,
        lr=knobs.lr,
        momentum=knobs.momentum,
        nesterov=nesterov,
        weight_decay=knobs.l2,
        fused=_fused(parameters),
    )


def _rmsprop(parameters: list[nn.Parameter], knobs: Knobs) -> Optimizer:
    return torch.optim.RMSprop(
        parameters, lr=knobs.lr, momentum=knobs.momentum, weight_decay=knobs.l2
    )


OPTIMIZERS: dict[str, Make] = {
    "sgd": _sgd,
    "adam": lambda p, k: _adam(torch.optim.Adam, fused=_fused(p))(p, k),
    "adamw": lambda p, k: _adam(torch.optim.AdamW, fused=_fused(p))(p, k),
    "nadam": _adam(torch.optim.NAdam),
    "nadamw": _adam(torch.optim.NAdam, decoupled_weight_decay=True),
    "radam": _adam(torch.optim.RAdam),
    "adamax": _adam(torch.optim.Adamax),
    "rmsprop": _rmsprop,
    "adagrad": lambda p, k: torch.optim.Adagrad(p, lr=k.lr, weight_decay=k.l2),
    "adadelta": lambda p, k: torch.optim.Adadelta(p, lr=k.lr, weight_decay=k.l2),
}


def optimizer(model: nn.Module, knobs: Knobs) -> Optimizer:
    """The optimiser that `knobs` names, for what of the model is trained. Errors: KnobError."""
    make = OPTIMIZERS.get(knobs.optimizer)
    if make is None:
        raise KnobError(
            f"optimizer {knobs.optimizer!r} is not one of "
            f"{did_you_mean(knobs.optimizer, list(OPTIMIZERS))}"
        )
    return make([p for p in model.parameters() if p.requires_grad], knobs)


def _fused(parameters: Iterable[nn.Parameter]) -> bool:
    """One call for all parameters, where torch has it: on the CPU and on CUDA, for floats."""
    return all(p.is_floating_point() and p.device.type in ("cpu", "cuda") for p in parameters)


@torch.no_grad()
def add_l1(parameters: Iterable[nn.Parameter], l1: float) -> None:
    """Add the gradient of l1 × the sum of absolute weights: cheaper than to backpropagate it."""
    for parameter in parameters:
        if parameter.grad is not None:
            parameter.grad.add_(parameter.sign(), alpha=l1)
