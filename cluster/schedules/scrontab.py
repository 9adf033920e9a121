"""Slurm's own crontab, where a site has switched it on: scrontab.

Its line is a job of Slurm's that runs start.sh for some seconds, and so submits the sweep. The one
timer that could not be tried against the real thing: Debian's build of Slurm lacks it.
"""

from __future__ import annotations

import tempfile

from .cron import Cron
from .program import Program, program
from .schedule import Using
from .timer import Entry


class Scrontab(Cron):
    """The user's crontab at Slurm. `zone`: that of its controller, taken for this machine's."""

    name: Using = "scrontab"
    table = "scrontab"

    def __init__(self, run: Program = program, *, zone: str = "") -> None:
        super().__init__(run, alive=lambda: True, zone=zone)

    def options(self, entry: Entry) -> list[str]:
        """For the line that follows; Slurm forgets them after it."""
        return [
            f"#SCRON --job-name=nightsweep-{entry.place.path.name}",
            "#SCRON --time=10",  # minutes: it only submits
            "#SCRON --output=/dev/null",  # start.sh keeps a log of its own
        ]

    def install(self, text: str) -> None:
        """From a file: it reads no standard input."""
        with tempfile.NamedTemporaryFile("w", encoding="utf-8", errors="surrogateescape") as file:
            file.write(text)
            file.flush()
            self.check([self.table, file.name])
