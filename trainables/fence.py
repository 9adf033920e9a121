"""Who trains a trial: the worker that came last. One that came before it may write no more.

A worker whose node was cut off does not know that it was taken for dead, and trains on for a
while; its trial goes on elsewhere meanwhile, in the same folder.
"""

from __future__ import annotations

import os
import socket
from dataclasses import dataclass
from pathlib import Path

NAME = "worker"  # in a trial's folder


class Superseded(BaseException):
    """Another worker trains this trial by now; not the training function's to catch."""


@dataclass(frozen=True, slots=True)
class Fence:
    """Of one trial's folder, as one worker's attempt sees it. `me`: names both."""

    folder: Path
    me: str

    @classmethod
    def of(cls, folder: Path, attempt: int) -> Fence:
        """This process's."""
        return cls(folder, f"{socket.gethostname()} {os.getpid()} {attempt}")

    def enter(self) -> None:
        """Be the last that came. Errors: OSError; Superseded if a later attempt is there."""
        self.folder.mkdir(exist_ok=True)  # but none above it: a share that is away has none
        found = self._last()
        if found is not None and _attempt(found) > _attempt(self.me):
            raise Superseded
        aside = self.folder / f".{NAME}-{os.getpid()}"
        aside.unlink(missing_ok=True)  # a link, say, that would lead elsewhere
        aside.write_text(self.me, encoding="utf-8")
        os.replace(aside, self.folder / NAME)

    def check(self) -> None:
        """Errors: Superseded if another came since; OSError while that cannot be read."""
        if self._last() not in (None, self.me):
            raise Superseded

    def _last(self) -> str | None:
        try:
            return (self.folder / NAME).read_text(encoding="utf-8")
        except FileNotFoundError:
            return None


def _attempt(worker: str) -> int:
    """The attempt of a worker as it is written; 0 where that cannot be read."""
    last = worker.rpartition(" ")[2]
    return int(last) if last.isdecimal() else 0
