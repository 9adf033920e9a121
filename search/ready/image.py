"""`trainable: image`: a small residual network on images, or one of torchvision's."""

from __future__ import annotations

from typing import Any, Literal

from .rows import Held


class Image(Held):
    """A residual network on images."""

    name: Literal["image"] = "image"

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        return {
            "metric": {"name": "val_loss", "goal": "minimize"},
            "parameters": {
                "lr": {"min": 1e-4, "max": 0.1, "log": True, "default": 1e-2},
            },
            "max_epochs": self.cv or 27,
        }
