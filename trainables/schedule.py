"""Learning rates over a training: one factor of `lr` a step, as a function of the step alone.

constant      1
step          ÷ 10 after a third, and after two thirds
exponential   to 1/100 at the end
cosine        half a cosine to 0 (Loshchilov & Hutter 2017, "SGDR")
one-cycle     from 1/25 up to 1 in the first 30 %, then down to nearly 0, by cosines
              (Smith & Topin 2019, "Super-Convergence"; torch's OneCycleLR)
plateau       ÷ 10 when the validation loss has not become better for a tenth of the epochs

`warmup` epochs come first, in which the factor rises evenly from nearly 0.
"""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import Any

from torch.optim import Optimizer

from ..search.nearest import did_you_mean
from .knobs import KnobError, Knobs

SCHEDULES = ("constant", "step", "exponential", "cosine", "one-cycle", "plateau")
LOW, END = 1 / 25, 1e-4  # of one-cycle, as in torch
RISE = 0.3
SMALLEST = 1e-3  # factor of plateau, and what it reduces by
TENTH = 0.1


def factor(name: str, part: float) -> float:
    """Of `lr`, after this part (0 to 1) of the training."""
    match name:
        case "constant" | "plateau":
            return 1.0
        case "step":
            return TENTH ** int(min(part, 1 - 1e-9) * 3)
        case "exponential":
            return float(0.01**part)
        case "cosine":
            return (1 + math.cos(math.pi * part)) / 2
        case "one-cycle":
            if part < RISE:
                return _between(LOW, 1.0, part / RISE)
            return _between(1.0, LOW * END, (part - RISE) / (1 - RISE))
    raise KnobError(f"schedule {name!r} is not one of {did_you_mean(name, list(SCHEDULES))}")


def _between(start: float, end: float, part: float) -> float:
    return end + (start - end) / 2 * (1 + math.cos(math.pi * part))


@dataclass
class Schedule:
    """Sets the learning rate of an optimiser. Keeps where it is: `trial.keep(schedule=...)`.

    `steps`: of an epoch; `epochs`: of the whole training.
    """

    optimizer: Optimizer
    knobs: Knobs
    steps: int
    epochs: int
    done: int = 0  # steps
    reduced: float = 1.0  # by plateaus
    best: float = math.inf
    waited: int = 0  # epochs since the best

    def __post_init__(self) -> None:
        factor(self.knobs.schedule, 0.0)  # an unknown name is said before the training
        self._set()

    @property
    def lr(self) -> float:
        """The learning rate of the next step."""
        warm = self.knobs.warmup * self.steps
        if self.done < warm:
            return self.knobs.lr * (self.done + 1) / (math.floor(warm) + 1)
        rest = self.steps * self.epochs - warm
        part = (self.done - warm) / rest if rest > 0 else 1.0
        return self.knobs.lr * self.reduced * factor(self.knobs.schedule, min(part, 1.0))

    def step(self) -> None:
        """After each step of the optimiser."""
        self.done += 1
        self._set()

    def judge(self, loss: float) -> None:
        """After each epoch, with its validation loss."""
        if loss < self.best * (1 - 1e-4):  # torch's threshold
            self.best, self.waited = loss, 0
        else:
            self.waited += 1
        if self.knobs.schedule == "plateau" and self.waited >= max(round(self.epochs / 10), 2):
            self.reduced, self.waited = max(self.reduced * TENTH, SMALLEST), 0
            self._set()

    def _set(self) -> None:
        for group in self.optimizer.param_groups:
            group["lr"] = self.lr

    def state_dict(self) -> dict[str, Any]:
        """Where it is."""
        names = ("done", "reduced", "best", "waited")
        return {name: getattr(self, name) for name in names}

    def load_state_dict(self, state: dict[str, Any]) -> None:
        """Go on from there."""
        for name, value in state.items():
            setattr(self, name, value)
        self._set()
