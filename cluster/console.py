"""A terminal that shows what strangers have written without obeying it."""

from __future__ import annotations

from typing import Any

from rich import console
from rich.text import Text

# Of ASCII and of Latin 1: with these a text could clear the screen, or fill the clipboard.
CONTROLS = {code: f"\\x{code:02x}" for code in (*range(32), *range(127, 160))}
del CONTROLS[ord("\n")], CONTROLS[ord("\t")]


class Console(console.Console):
    """As rich has it; control characters in texts are written as `\\x1b`."""

    def render_str(self, text: str, **options: Any) -> Text:
        return super().render_str(visible(text), **options)


def visible(text: str) -> str:
    """A text whose control characters can be seen; line breaks and tabs stay."""
    return text.translate(CONTROLS)
