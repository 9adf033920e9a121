"""A night's sweep on this machine: its driver, started again when it dies, and its output."""

from __future__ import annotations

import contextlib
import os
import sys
from pathlib import Path

from ...search.runfolder import RunFolder
from ..console import visible
from ..supervise import Supervisor


def drive(run: Path, command: list[str]) -> int:
    """Search in a run folder until done or told to stop; the exit code."""
    if not sys.stderr.isatty():  # by hand, it is shown
        with (RunFolder(run).job / "output.log").open("ab") as log:
            os.dup2(log.fileno(), sys.stdout.fileno())
            os.dup2(log.fileno(), sys.stderr.fileno())
        with contextlib.suppress(OSError):  # who leads a session leads its group
            os.setpgid(0, 0)  # `nightsweep stop` ends a job's group
    return Supervisor(run, command, command, say).run()


def say(text: str) -> None:
    """A line of the night, before the driver's own and between them."""
    print(f"nightsweep: {visible(text)}", file=sys.stderr, flush=True)
