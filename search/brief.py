"""Values and errors as a message quotes them: never long, whatever they are."""

from __future__ import annotations

import math
from reprlib import Repr

DIGITS = 30  # of whole numbers that are quoted in full


class _Brief(Repr):
    """Shortens in the middle; Python refuses to write very large whole numbers at all."""

    def __init__(self) -> None:
        super().__init__()
        self.maxlevel = 4
        self.maxstring = self.maxother = 100
        self.maxlist = self.maxtuple = self.maxdict = self.maxset = 10

    def repr_int(self, x: int, level: int) -> str:
        if abs(x) < 10**DIGITS:
            return repr(x)
        return f"a number of {math.floor(math.log10(abs(x))) + 1:,} digits"


def brief(value: object) -> str:
    """Its repr, shortened."""
    return _BRIEF.repr(value)


def first_line(error: BaseException) -> str:
    """What an error says, in one line; its type where it says nothing."""
    lines = str(error).strip().splitlines()
    return lines[0] if lines else type(error).__name__


_BRIEF = _Brief()
