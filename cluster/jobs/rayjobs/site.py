"""Jobs on a Ray cluster, through its jobs server.

The project's folder and nightsweep travel with the job; its driver runs on the head, joins the
cluster there, and its trials are where the cluster has room.
"""

from __future__ import annotations

import re
import shlex
import time
from collections.abc import Callable, Iterator
from importlib.metadata import version
from pathlib import Path
from typing import Any

import yaml

from ....search.errors import ClusterDownError, NightsweepError, RunFolderError
from ....search.runfolder import RunFolder
from ....search.sites import SiteName
from ...steer import driver
from .. import parcel, record
from ..ending import ending
from ..site import ALIVE, Job, Standing, State
from . import request
from .package import Package, ourselves
from .server import JobsServer, NoJobError, NotReadyError, TakenError, server

EVERY = 0.5  # seconds between two looks at a job
PATIENCE = 120.0  # seconds that a job of ours may take to print a parcel
READY = 30.0  # seconds that a head may take until it takes jobs
GIVEN_UP = "15 minutes"  # after which Ray gives up a job that finds no resources
SAVED = "to go on: nightsweep"  # the last that a driver prints which was stopped
NO_COMMAND = 127  # a shell's exit code where it finds no such command


class RaySite:
    """`nightsweep submit --to ray`."""

    name: SiteName = "ray"

    def __init__(
        self,
        server: Callable[[str | None], JobsServer] = server,
        code: Callable[[], Package] = ourselves,
        sleep: Callable[[float], None] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._server = server
        self._code = code
        self._sleep = sleep
        self._clock = clock

    def text(self, job: Job) -> str:
        """The request, with comments."""
        there, luggage = self._loaded(job)
        return request.text(there.address, job, luggage, _next(job.run))

    def submit(self, job: Job) -> str:
        """Upload what is not there yet, and post the request."""
        there, luggage = self._loaded(job)
        _refuse_version(there)
        for package in luggage:
            _upload(there, package)
        for number in range(_next(job.run), 1000):
            text = request.text(there.address, job, luggage, number)
            posted = yaml.safe_load(text)["request"]
            try:
                id = self._post(there, posted)
            except TakenError:  # an answer that was lost, or the job of a folder that is gone
                id = posted["submission_id"]
                known = there.info(id)
                if known["metadata"] != posted["metadata"] or _standing(known).state not in ALIVE:
                    continue
            _manifest(job.run).write_text(text, encoding="utf-8")
            return id
        raise NightsweepError(f"{there.address} has a thousand jobs of {job.run} already")

    def standing(self, run: Path, id: str) -> Standing:
        """As the jobs server says."""
        try:
            return _standing(self._of(run).info(id))
        except NoJobError:
            return Standing(state=State.GONE, detail="the cluster has forgotten it")

    def logs(self, run: Path, id: str, *, follow: bool) -> Iterator[str]:
        """Its driver's output. While following, looks take a tenth of the time at most."""
        there, shown = self._of(run), 0
        while True:
            over = not follow or _standing(there.info(id)).state not in ALIVE
            began = self._clock()
            text = there.logs(id)
            took = self._clock() - began
            end = len(text) if over else text.rfind("\n") + 1
            yield from text[shown:end].splitlines()
            shown = max(shown, end)
            if over:
                return
            self._sleep(max(EVERY, 10 * took))

    def stop(self, run: Path, id: str) -> str:
        """Have Ray send SIGTERM, and wait until the trials are saved."""
        there = self._of(run)
        waits = _standing(there.info(id)).state is State.WAITING
        there.stop(id)
        for _ in range(round((2 if waits else request.GRACE + 15) / EVERY)):
            now = _standing(there.info(id))
            if now.state not in ALIVE:
                saved = "; its trials are saved" if SAVED in there.logs(id) else ""
                return (
                    f"{id} is stopped{saved}" if now.state is State.STOPPED else f"{id} is {now}"
                )
            self._sleep(EVERY)
        if waits:
            return (
                f"{id} waits for resources, and Ray takes none back that waits: it is stopped as "
                f"soon as it has them; without them Ray gives it up after {GIVEN_UP}"
            )
        return f"{id} is told to stop, and has not ended yet"

    def fetch(self, run: Path, id: str) -> str:
        """Have a small job print the run folder, and put that in place here."""
        there, folder = self._of(run), RunFolder(run)
        away = Path(_sent(run)["request"]["metadata"]["nightsweep"])
        fetched = folder.job / "fetched"
        if away == run and folder.begun and not fetched.exists():
            return f"{run} is on this machine already"
        if folder.begun and (who := driver(folder)) is not None:
            raise RunFolderError(f"{who} drives {run} here; fetch when that has ended")
        packed, left_out = parcel.read(self._printed(there, run, away))
        count = parcel.put(packed, run, mark=fetched)
        but = f"; left out: {left_out}" if left_out else ""
        return f"{count} files of {away}, without its trials' checkpoints, are in {run}{but}"

    def _loaded(self, job: Job) -> tuple[JobsServer, request.Load]:
        """Where a job goes, and with what."""
        return self._server(job.asked.ray.address), request.load(job, self._code())

    def _post(self, there: JobsServer, posted: dict[str, Any]) -> str:
        """Submit; a head that has just been started is given a while."""
        until = self._clock() + READY
        while True:
            try:
                return there.submit(posted)
            except (NotReadyError, ClusterDownError):  # or its answer was lost: the id tells
                if self._clock() > until:
                    raise
                self._sleep(EVERY)

    def _printed(self, there: JobsServer, run: Path, away: Path) -> str:
        """The log of a job that prints a run folder. Errors: NightsweepError."""
        code = self._code()
        _upload(there, code)
        asked, setup = _sent(run)["request"], _setup(run)
        words = ["exec", "python", "-m", "nightsweep.cluster.jobs.parcel", str(away)]
        keys = ("entrypoint_num_cpus", "entrypoint_resources")
        id = there.submit(
            {
                "submission_id": f"{asked['submission_id']}-fetch-{time.time_ns()}",
                "entrypoint": request.under(setup, shlex.join(words)),
                "runtime_env": {"py_modules": [code.uri]},
                **{key: asked[key] for key in keys if key in asked},
            }
        )
        until = self._clock() + PATIENCE
        while (now := _standing(info := there.info(id))).state in ALIVE:
            if self._clock() > until:
                there.stop(id)
                raise NightsweepError(f"{id}, which was to print {away}, is {now}; fetch again")
            self._sleep(EVERY)
        log = there.logs(id) if now.state is State.DONE else ""
        there.forget(id)
        if now.state is not State.DONE:
            raise NightsweepError(f"{away} cannot be fetched: {_last(info['message'])}")
        return log

    def _of(self, run: Path) -> JobsServer:
        """The server that a run was submitted to."""
        return self._server(_sent(run)["address"])


def _next(run: Path) -> int:
    known = record.read(run)
    return len(known.sent) + 1 if known is not None and known.site == "ray" else 1


def _upload(there: JobsServer, package: Package) -> None:
    if not there.has(package.name):
        there.put(package.name, package.data)


def _refuse_version(there: JobsServer) -> None:
    """Errors: NightsweepError where the cluster has another Ray than this nightsweep is for."""
    here, theirs = version("ray"), there.version()
    if here.split(".")[:2] != theirs.split(".")[:2]:
        raise NightsweepError(
            f"the cluster at {there.address} has Ray {theirs}, and this nightsweep is made for "
            f"Ray {here}; install that on the cluster's nodes"
        )


def _standing(info: dict[str, Any]) -> Standing:
    """How a job stands, by what the jobs server says of it."""
    message, code = str(info["message"] or ""), info["driver_exit_code"]
    match info["status"]:
        case "PENDING":
            what = "for its environment" if "runtime env" in message else "for resources"
            return Standing(state=State.WAITING, detail=what)
        case "RUNNING":
            return Standing(state=State.RUNNING)
        case "SUCCEEDED":
            return Standing(state=State.DONE, code=code)
        case "STOPPED":
            return Standing(state=State.STOPPED, detail="nightsweep submit goes on with it")
    if code is None:  # the job's own process, or its node
        return Standing(state=State.FAILED, detail=f"{_first(message)}; submit goes on with it")
    if missing := re.search(r"No module named '([\w.]+)'", message):
        return Standing(
            state=State.FAILED,
            detail=f"its Python has no {missing[1]}: install there what nightsweep needs",
        )
    if code == NO_COMMAND:
        return Standing(
            state=State.FAILED,
            detail="there is no `python` there: start Ray with its virtual environment activated, "
            "or activate it by setup",
        )
    return ending(code, done="Traceback" not in message and "giving up" not in message)


def _first(message: str) -> str:
    """The first sentence of what Ray says, in a line."""
    return re.split(r"(?<=\w)\. |\n", message.strip(), maxsplit=1)[0].rstrip(".")


def _last(message: str) -> str:
    lines = [line for line in message.splitlines() if line.strip()]
    return lines[-1].removeprefix("nightsweep: ") if lines else "its job failed without a word"


def _manifest(run: Path) -> Path:
    return RunFolder(run).job / "ray.yaml"


def _sent(run: Path) -> dict[str, Any]:
    """What was submitted. Errors: RunFolderError if it is not there."""
    try:
        sent: Any = yaml.safe_load(_manifest(run).read_text(encoding="utf-8"))
        if isinstance(sent, dict) and {"address", "request"} <= set(sent):
            return sent
        why = "it is not what was submitted"
    except (OSError, ValueError, yaml.YAMLError) as error:
        why = str(getattr(error, "strerror", None) or "it is no YAML")
    raise RunFolderError(f"{_manifest(run)} cannot be read: {why}")


def _setup(run: Path) -> tuple[str, ...]:
    known = record.read(run)
    return known.asked.ray.setup if known is not None else ()
