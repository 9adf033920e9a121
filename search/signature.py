"""What failures have in common: where they were raised, and what was said but for its figures."""

from __future__ import annotations

import re
from pathlib import Path

FRAME = re.compile(r'^\s*File "(?P<file>.+)", line (?P<line>\d+)', re.MULTILINE)
QUOTED = re.compile(r"'[^']*'|\"[^\"]*\"")
FIGURES = re.compile(r"0x[0-9a-fA-F]+|\d+(?:\.\d+)?(?:[eE][+-]?\d+)?")


def place(traceback: str) -> str:
    """Where an exception was raised: `model.py:33`; nothing where that is not known."""
    frames = list(FRAME.finditer(traceback))
    return f"{Path(frames[-1]['file']).name}:{frames[-1]['line']}" if frames else ""


def signature(reason: str, traceback: str = "") -> str:
    """The same for failures alike: sizes, addresses and names in quotes may differ."""
    return f"{FIGURES.sub('#', QUOTED.sub('#', reason))} @ {place(traceback)}"


def label(reason: str, traceback: str = "") -> str:
    """A failure in words, with where it happened."""
    where = place(traceback)
    return f"{reason} ({where})" if where else reason
