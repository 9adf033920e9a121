"""`trainable: image`: a small residual network on pictures, or one of torchvision's."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Annotated, Any, Literal

from pydantic import AfterValidator, Field

from .knob import FLAG, Knob, Number, Words
from .loop import LOOP, SHARE
from .rows import Held

RESNET = "resnet"
MODEL = Words((RESNET, "torchvision:NAME"), like=r"torchvision:\w+")
EPOCHS = 15  # of a fold

KNOBS: dict[str, Knob] = {
    **LOOP,
    "model": MODEL,
    "width": Number(1, whole=True),
    "depth": Number(1, whole=True),
    "stem": Number(1, 8, whole=True),
    "dropout": SHARE,
    "shift": Number(most=0.5),
    "flip": FLAG,
}


def _known(model: str) -> str:
    """Errors: ValueError."""
    if wrong := MODEL.wrong(model):
        raise ValueError(wrong)
    return model


class Image(Held):
    """A network on pictures, of classes or of numbers."""

    name: Literal["image"] = "image"
    model: Annotated[str, AfterValidator(_known)] = Field(
        RESNET, description="resnet, or torchvision:NAME, where the configuration names none"
    )
    pretrained: bool = Field(
        True,
        strict=True,
        description="torchvision's networks begin with the weights they are known for",
    )
    size: int | None = Field(
        None,
        ge=4,
        le=2048,
        strict=True,
        description="pixels to which pictures are stretched, both ways",
    )
    limit: int | None = Field(
        None,
        ge=4,
        strict=True,
        description="so many pictures, from each class its share, beside a given test part",
    )

    @property
    def knobs(self) -> Mapping[str, Knob]:
        """What a configuration may hold."""
        return KNOBS

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        own = self.model == RESNET
        return {
            "metric": {"name": "val_loss", "goal": "minimize"},
            "parameters": {
                "lr": _log(0.01, 0.5, 0.1) if own else _log(1e-3, 0.1, 1e-2),
                "batch_size": {"values": [32, 64, 128], "default": 64},
                "l2": _log(1e-5, 1e-2, 5e-4),
                **(RESIDUAL if own else {}),
                "shift": {"min": 0.0, "max": 0.15, "default": 0.07},
                "flip": {"values": [False, True], "default": False},
                "optimizer": "sgd",
                "nesterov": True,
                "schedule": "one-cycle",
                **({"epochs": EPOCHS} if self.cv else {}),
            },
            "max_epochs": self.cv or 27,
        }


RESIDUAL = {  # the network of our own
    "width": {"values": [16, 32, 48], "default": 32},
    "depth": {"values": [1, 2], "default": 1},
    "dropout": {"min": 0.0, "max": 0.5, "default": 0.2},
}


def _log(least: float, most: float, default: float) -> dict[str, Any]:
    return {"min": least, "max": most, "log": True, "default": default}
