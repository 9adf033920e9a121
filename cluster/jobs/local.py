"""Jobs on this machine: a process in the background that outlives its terminal."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
import time
from collections.abc import Callable, Iterator
from pathlib import Path

from ...search.errors import NightsweepError
from ...search.lock import Holder, born
from ...search.runfolder import RunFolder
from ...search.sites import SiteName
from ..requests import Request
from ..steer import ask, driver
from .ending import ended, exit_file
from .site import Job, Standing, State
from .tail import tail

ENDS = 40.0  # seconds that a driver may take to save its trials and end
LOOK = 0.2  # seconds between two looks at it
SILENT = 600.0  # seconds without a sign of life of a job on another host, which is gone then

SCRIPT = """\
#!/bin/bash
# nightsweep: {name}, in the background of this machine.
trap : TERM INT HUP  # the sweep hears them too, and saves its trials; its exit code is kept
cd {folder} || exit 2
{setup}{command}
code=$?
echo "$code" > {exit}
exit "$code"
"""


class LocalSite:
    """`nightsweep submit --to local`."""

    name: SiteName = "local"

    def __init__(
        self,
        clock: Callable[[], float] = time.time,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self._clock = clock
        self._sleep = sleep

    def text(self, job: Job) -> str:
        """The shell script that is run."""
        if job.begin:
            raise NightsweepError(
                f"local begins at once, not at {job.begin}; `nightsweep schedule` begins later"
            )
        return SCRIPT.format(
            name=job.name,
            folder=shlex.quote(str(job.folder)),
            setup="".join(f"{line}\n" for line in job.asked.local.setup),
            command=job.command("--keep-going"),
            exit=shlex.quote(str(exit_file(job.run))),
        )

    def submit(self, job: Job) -> str:
        """Start it. Its id names the process, so that no other is taken for it."""
        text = self.text(job)
        job.place.mkdir(parents=True, exist_ok=True)
        exit_file(job.run).unlink(missing_ok=True)
        script = job.place / "script.sh"
        script.write_text(text, encoding="utf-8")
        with _log(job.run).open("ab") as log:
            process = subprocess.Popen(
                ["bash", str(script)],
                stdin=subprocess.DEVNULL,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
        return f"{process.pid}-{born(process.pid) or 0}@{socket.gethostname()}"

    def standing(self, run: Path, id: str) -> Standing:
        """Running while its process lives; then by its exit code."""
        process = _process(id)
        if not process.alive:
            return ended(run)
        if process.host == socket.gethostname():
            return Standing(state=State.RUNNING)
        if self._silent(run):
            gone = f"it was on {process.host}, and shows no sign of life"
            return Standing(state=State.GONE, detail=gone)
        return Standing(state=State.RUNNING, detail=f"on {process.host}")

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        """Its output."""
        return tail(_log(run), alive=lambda: follow and _process(id).alive)

    def stop(self, run: Path, id: str) -> str:
        """Ask its driver; while there is none yet, its processes."""
        process = _process(id)
        folder = RunFolder(run)
        if folder.begun and driver(folder) is not None:
            said = ask(run, Request(ask="stop")) or "it has been asked to stop"
            for _ in range(round(ENDS / LOOK)):
                if not process.alive or process.host != socket.gethostname():
                    break
                self._sleep(LOOK)
            return said
        if process.host != socket.gethostname():
            raise NightsweepError(f"it runs on {process.host}; stop it there")
        if not process.alive:
            return "it has ended already"
        os.killpg(process.pid, signal.SIGTERM)
        return "it is told to stop"

    def _silent(self, run: Path) -> bool:
        """Whether no driver has shown a sign of life for long: the lock is its heartbeat."""
        try:
            return self._clock() - RunFolder(run).lock.stat().st_mtime > SILENT
        except OSError:
            return True

    def fetch(self, run: Path, id: str) -> str:
        """Nothing to do."""
        return f"{run} is on this machine already"


def _process(id: str) -> Holder:
    number, _, rest = id.partition("-")
    began, _, host = rest.partition("@")
    return Holder(host=host, pid=int(number), born=int(began))


def _log(run: Path) -> Path:
    return RunFolder(run).job / "output.log"
