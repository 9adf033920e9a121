"""The log of a trial: what its training function prints, without the environment's secrets."""

from __future__ import annotations

import contextlib
import io
import os
from pathlib import Path
from typing import TYPE_CHECKING

from ..search.secret import Secrets

if TYPE_CHECKING:
    from _typeshed import ReadableBuffer


class Log(io.TextIOWrapper):
    """A text file, opened for appending, that is whole after each line. Errors: OSError.

    Once it is open, what cannot be written is left out, and that is noted where it goes on: to
    print is no reason to fail. Values that were secret when it was opened are written as `***`,
    if they come in one piece.
    """

    def __init__(self, path: Path) -> None:
        super().__init__(
            _Lenient(path, "ab", opener=itself),
            encoding="utf-8",
            errors="backslashreplace",
            line_buffering=True,
        )
        self._secrets = Secrets.of(os.environ)

    def write(self, text: str, /) -> int:
        super().write(self._secrets.hide(text))
        return len(text)


class _Lenient(io.FileIO):
    """A file on a disk that may be full, or away, for a while."""

    _gap = b""  # what to note before anything else

    def write(self, data: ReadableBuffer, /) -> int:
        given = bytes(data)
        try:
            self._put(self._gap)
            self._gap = b""
            self._put(given)
        except OSError as error:
            self._gap = f"\nnightsweep: lines are missing here ({error.strerror})\n".encode()
        return len(given)

    def close(self) -> None:
        with contextlib.suppress(OSError):
            super().close()

    def _put(self, data: bytes) -> None:
        while data:  # a disk that is nearly full takes a part
            data = data[super().write(data) :]


def itself(path: str, flags: int) -> int:
    """Open a file, but not through a link, which could lead out of the run folder."""
    return os.open(path, flags | os.O_NOFOLLOW, 0o666)
