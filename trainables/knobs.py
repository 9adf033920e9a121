"""What of a configuration is the training loop's: one frozen set of knobs, each with a default."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, fields
from typing import Any, Self

from ..search.brief import brief

PRECISIONS = ("32", "bf16", "fp16")


class KnobError(ValueError):
    """A knob has a value that it cannot have; costs the trial that asked for it."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Knobs:
    """The training loop's part of a configuration."""

    lr: float = 1e-3
    batch_size: int = 32
    epochs: int | None = None  # the sweep's max_epochs
    optimizer: str = "adam"
    momentum: float = 0.9  # sgd, rmsprop
    nesterov: bool = False  # sgd
    beta1: float = 0.9  # adam and its kin
    beta2: float = 0.999
    l1: float = 0.0
    l2: float = 0.0
    schedule: str = "constant"
    warmup: float = 0.0  # epochs in which the learning rate rises to `lr`
    label_smoothing: float = 0.0  # classification
    clip: float = 0.0  # the largest norm of a gradient; 0: any
    accumulate: int = 1  # batches whose gradients make one step
    precision: str = "32"  # or bf16, fp16
    compile: bool = False
    patience: int = 0  # epochs without a better validation loss, then the trial ends; 0: never
    min_delta: float = 0.0  # what counts as better

    @classmethod
    def of(cls, config: Mapping[str, Any]) -> Self:
        """The knobs in a configuration; what else is in it is the model's. Errors: KnobError."""
        names = {field.name for field in fields(cls)}
        given = {key: value for key, value in config.items() if key in names and value is not None}
        knobs = cls(**given)
        knobs._check()
        return knobs

    def _check(self) -> None:
        for name in ("lr", "momentum", "l1", "l2", "warmup", "clip", "min_delta"):
            self._number(name, at_least=0)
        for name in ("batch_size", "accumulate"):
            self._whole(name, at_least=1)
        self._whole("patience", at_least=0)
        if self.epochs is not None:
            self._whole("epochs", at_least=1)
        if not 0 <= self.label_smoothing < 1:
            raise KnobError(
                f"label_smoothing must be from 0 to below 1, not {brief(self.label_smoothing)}"
            )
        if str(self.precision) not in PRECISIONS:
            raise KnobError(
                f"precision {brief(self.precision)} is not one of {', '.join(PRECISIONS)}"
            )

    def _number(self, name: str, at_least: float) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int | float) or not value >= at_least:
            raise KnobError(f"{name} must be a number of at least {at_least}, not {brief(value)}")

    def _whole(self, name: str, at_least: int) -> None:
        value = getattr(self, name)
        if isinstance(value, bool) or not isinstance(value, int) or value < at_least:
            raise KnobError(
                f"{name} must be a whole number of at least {at_least}, not {brief(value)}"
            )
