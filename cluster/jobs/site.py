"""What every site can do with a job: this machine, Ray's jobs server, Slurm, Kubernetes.

A job is one run folder's: `submit` brings it to a site, and again where it has left off. One file
a site beside this one; a new one joins `site` in sites.py and `Submit` in search/sites.py.
"""

from __future__ import annotations

import shlex
import sys
from collections.abc import Iterator
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Protocol

from ...search.sites import SiteName, Submit
from ...search.sweep import Sweep


class State(StrEnum):
    """How a job stands at its site."""

    WAITING = "waiting"  # for resources, or for its time
    RUNNING = "running"
    DONE = "done"  # it came to its end by itself; what it found is in the run folder
    FAILED = "failed"
    STOPPED = "stopped"  # by hand
    GONE = "gone"  # the site does not know it any more


ALIVE = (State.WAITING, State.RUNNING)
STOPPING = "being stopped"  # the detail of one that saves its trials, and ends


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """A job's state, and what the site says of it in a few words ("starts 22:00: Resources").

    `code`: the exit code of its command, where that has ended by itself and is known.
    """

    state: State
    detail: str = ""
    code: int | None = field(default=None, compare=False)

    def __str__(self) -> str:
        return f"{self.state}: {self.detail}" if self.detail else str(self.state)


@dataclass(frozen=True, slots=True, kw_only=True)
class Job:
    """What is submitted: one sweep, into one run folder.

    `run`: the run folder here, absolute. `folder`: what the sweep file's paths are relative to;
    the command starts there. `words`: options of `nightsweep run` beyond the file. `begin`: not
    before this time, as `2026-11-22T22:00:00`; empty for now.
    """

    sweep: Sweep
    file: Path
    run: Path
    words: tuple[str, ...] = ()
    begin: str = ""
    asked: Submit = field(default_factory=Submit)

    @property
    def folder(self) -> Path:
        return self.file.absolute().parent

    @property
    def place(self) -> Path:
        """Where the script or manifest, the record and the output lie: in the run folder."""
        return self.run / "job"

    @property
    def name(self) -> str:
        """Of the job, at its site: the run folder's."""
        return self.run.name

    def command(self, *more: str, python: str = sys.executable) -> str:
        """The sweep as one shell command, which begins it or goes on with it."""
        run = ["-P", "-m", "nightsweep", "run", str(self.file.absolute()), "--out", str(self.run)]
        return shlex.join([python, *run, "--resume", *self.words, *more])


class Site(Protocol):
    """Where jobs go. Errors of every method: NightsweepError, in words, and nothing half done."""

    name: SiteName

    def text(self, job: Job) -> str:
        """All that is submitted, for people to read first: a script, or a manifest."""

    def submit(self, job: Job) -> str:
        """Hand it over; its id there. What `text` says lies in `job.place` then."""

    def standing(self, run: Path, id: str) -> Standing:
        """How it stands."""

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        """What it has printed, line by line without their ends; on until its end, if `follow`."""

    def stop(self, run: Path, id: str) -> str:
        """Stop it cleanly: trials are saved, `submit` goes on later. What was done, in words."""

    def fetch(self, run: Path, id: str) -> str:
        """Bring what lies elsewhere into `run`. What was done, in words."""
