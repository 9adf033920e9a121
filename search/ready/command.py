"""`command: python train.py --lr {lr}`: any program, in a language of its own."""

from __future__ import annotations

from typing import Annotated, Any, Literal

from pydantic import BeforeValidator, Field

from ..units import seconds
from .rows import Settings
from .rows import Text as Word


def _seconds(raw: Any) -> Any:
    """Seconds from `30s`. Errors: ValueError."""
    return seconds(raw) if isinstance(raw, str) else raw


class Command(Settings):
    """A program that prints what it reports."""

    name: Literal["command"] = "command"
    run: Word = Field(description="the command line; {lr} stands for a parameter's value")
    grace: Annotated[float, BeforeValidator(_seconds)] = Field(
        30.0, ge=0, le=3600, description="from SIGTERM to SIGKILL, where it is to end: 30s"
    )

    def defaults(self) -> dict[str, Any]:
        """Nothing: whoever writes the program knows what it takes and reports."""
        return {}
