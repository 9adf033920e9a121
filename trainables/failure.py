"""What ended a program that trains, in words for people."""

from __future__ import annotations


class ProgramError(Exception):
    """Costs its trial: the text is the reason as it stands.

    `output`: the last lines that a program wrote, for what is a traceback elsewhere. `short`: it
    needed more memory than there is.
    """

    def __init__(self, reason: str, output: str = "", *, short: bool = False) -> None:
        super().__init__(reason)
        self.output = output
        self.short = short
