"""Jobs on this machine: a process in the background that outlives its terminal."""

from __future__ import annotations

import os
import shlex
import signal
import socket
import subprocess
from collections.abc import Iterator
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

SCRIPT = """\
#!/bin/sh
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
                ["sh", str(script)],
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
        where = "" if process.host == socket.gethostname() else f"on {process.host}"
        return Standing(state=State.RUNNING, detail=where)

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        """Its output."""
        return tail(_log(run), alive=lambda: follow and _process(id).alive)

    def stop(self, run: Path, id: str) -> str:
        """Ask its driver; while there is none yet, its processes."""
        process = _process(id)
        folder = RunFolder(run)
        if folder.begun and driver(folder) is not None:
            said = ask(run, Request(ask="stop")) or "it has been asked to stop"
            return said
        if process.host != socket.gethostname():
            raise NightsweepError(f"it runs on {process.host}; stop it there")
        if not process.alive:
            return "it has ended already"
        os.killpg(process.pid, signal.SIGTERM)
        return "it is told to stop"

    def fetch(self, run: Path, id: str) -> str:
        """Nothing to do."""
        return f"{run} is on this machine already"


def _process(id: str) -> Holder:
    number, _, rest = id.partition("-")
    began, _, host = rest.partition("@")
    return Holder(host=host, pid=int(number), born=int(began))


def _log(run: Path) -> Path:
    return RunFolder(run).job / "output.log"
