"""The log of a trial: what its training function prints, without the environment's secrets."""

from __future__ import annotations

import io
import os
from pathlib import Path

from ..search.secret import Secrets


class Log(io.TextIOWrapper):
    """A text file, opened for appending, that is whole after each line. Errors: OSError.

    Values that were secret when it was opened are written as `***`, if they come in one piece.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            open(path, "ab", opener=_itself),  # noqa: SIM115 (closed with this)
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        self._secrets = Secrets.of(os.environ)

    def write(self, text: str, /) -> int:
        super().write(self._secrets.hide(text))
        return len(text)


def _itself(path: str, flags: int) -> int:
    """Open a file, but not through a link, which could lead out of the run folder."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)
