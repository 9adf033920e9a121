"""`trainable: text`: an embedding bag or a small transformer on a column of text."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from .knob import FLAG, Knob, Number, Words
from .loop import LOOP, SHARE
from .rows import Rows
from .rows import Text as Word

BAG, TRANSFORMER = "bag", "transformer"
EPOCHS = 10  # of a fold

KNOBS: dict[str, Knob] = {
    **LOOP,
    "model": Words((BAG, TRANSFORMER)),
    "width": Number(1, whole=True),
    "dropout": SHARE,
    "word_dropout": SHARE,
    "pairs": FLAG,
    "pieces": FLAG,
    "layers": Number(1, 100, whole=True),
    "heads": Number(1, whole=True),
}


class Text(Rows):
    """Classes of texts, or a number for each."""

    name: Literal["text"] = "text"
    text: Word | None = Field(None, description="the column with the text; the only one of words")
    tokenizer: Word | None = Field(
        None, description="a Hugging Face tokenizer: its folder, or its tokenizer.json"
    )
    max_length: int = Field(
        256, ge=1, le=100_000, strict=True, description="words of a text that are read"
    )
    min_count: int = Field(
        2, ge=1, strict=True, description="training rows that a word must be in to be known"
    )
    vocabulary: int = Field(
        30_000, ge=1, strict=True, description="words that are known, the most frequent"
    )

    @property
    def knobs(self) -> Mapping[str, Knob]:
        """What a configuration may hold."""
        return KNOBS

    def defaults(self) -> dict[str, Any]:
        """What a sweep of it searches, where its file says nothing."""
        return {
            "metric": {"name": "val_loss", "goal": "minimize"},
            "parameters": {
                "model": {"values": [BAG, TRANSFORMER], "default": BAG},
                "lr": {"min": 1e-3, "max": 3e-2, "log": True, "default": 5e-3},
                "batch_size": {"values": [16, 32, 64, 128], "default": 64},
                "width": {"values": [16, 32, 64], "default": 32},
                "dropout": {"min": 0.0, "max": 0.6, "default": 0.3},
                "word_dropout": {"min": 0.0, "max": 0.5, "default": 0.1},
                "pieces": {"values": [True, False], "default": True, "when": {"model": BAG}},
                "layers": {"min": 1, "max": 3, "default": 2, "when": {"model": TRANSFORMER}},
                "l2": {"min": 1e-3, "max": 1.0, "log": True, "default": 1e-1},
                "optimizer": "adamw",
                "schedule": "cosine",
                **({"epochs": EPOCHS} if self.cv else {}),
            },
            "max_epochs": self.cv or 15,
        }
