"""`trainable: text`: an embedding bag or a small transformer on a column of text."""

from __future__ import annotations

from typing import Any, Literal

from pydantic import Field

from .rows import Rows
from .rows import Text as Word


class Text(Rows):
    """A text classifier, or a number from a text."""

    name: Literal["text"] = "text"
    text: Word | None = Field(None, description="the column with the text; the only one of words")

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        return {
            "metric": {"name": "val_loss", "goal": "minimize"},
            "parameters": {
                "lr": {"min": 1e-4, "max": 0.1, "log": True, "default": 1e-2},
            },
            "max_epochs": self.cv or 27,
        }
