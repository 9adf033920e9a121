"""A value as a message quotes it: never long, whatever it is."""

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


_BRIEF = _Brief()
