"""`--keep-going`: a small process that starts the driver, and starts it again when it died.

It decides nothing about the sweep. What it does after a driver's end is `after`, a function of
how the driver ended and of what it added to the journal. Should the supervisor itself be killed,
its driver gets SIGTERM from the kernel, and stops cleanly.
"""

from __future__ import annotations

import contextlib
import ctypes
import os
import signal
import subprocess
import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from types import FrameType

from ..search.events import Closed, Finished, Reported, Stopped
from ..search.journal import read
from ..search.runfolder import RunFolder
from ..search.units import duration
from .exits import AT_ONCE, BAD_INPUT, DONE, NOTHING_FOUND, RESUME_ME
from .leftovers import Offspring, children, clear_files, descendants
from .stopping import asking, let_go_of_terminal

FINAL = (DONE, NOTHING_FOUND)  # the latter is Python's own too, after a traceback
FIRST, LONGEST = 1.0, 300.0  # seconds before a driver is started again
PATIENCE = 10  # drivers in a row that died and brought the sweep nowhere
IMPATIENCE = 3  # and before anything was trained: then it hardly ever will be

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)


@dataclass(frozen=True, slots=True, kw_only=True)
class Standing:
    """What a journal says. `kept`: how often something happened that a resume builds on."""

    begun: bool = False
    trained: bool = False
    kept: int = 0
    done: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Again:
    """Start the driver again, `wait` seconds from now; `deaths` in a row without progress."""

    wait: float
    deaths: int


@dataclass(frozen=True, slots=True, kw_only=True)
class Over:
    """Exit with `code`. `deaths`: in a row without progress, if that is why; 0 otherwise."""

    code: int
    deaths: int = 0


def after(
    code: int, *, told: bool, before: Standing, now: Standing, deaths: int = 0
) -> Again | Over:
    """What to do after a driver ended.

    `code`: as subprocess has it, minus the signal where one killed it. `told`: the supervisor was
    asked to stop. `before`, `now`: how the sweep stood when the driver began and ended. `deaths`:
    in a row before this one, each without progress.
    """
    progress = now.kept > before.kept
    if (
        (code in FINAL and now.done)
        or code in (RESUME_ME, AT_ONCE)
        or (code == BAD_INPUT and not progress)
    ):
        return Over(code=code)
    if told:
        return Over(code=RESUME_ME if now.begun else AT_ONCE)
    deaths = 1 if progress else deaths + 1
    if deaths >= (PATIENCE if now.trained else IMPATIENCE):
        return Over(code=code if code > 0 else 128 - code, deaths=deaths)
    return Again(wait=min(FIRST * 2 ** (deaths - 1), LONGEST), deaths=deaths)


def standing(folder: Path) -> Standing:
    """How the sweep in a run folder stands. Errors: JournalError."""
    journal = RunFolder(folder).journal
    if not journal.exists() or not RunFolder(folder).resolved.exists():
        return Standing()
    trained = done = False
    kept = 0
    for entry in read(journal):
        event, done = entry.event, False
        match event:
            case Reported():
                trained = True
                kept += bool(event.reason or event.checkpoint)
            case Finished() | Stopped():
                kept += 1  # Failed is none: where every trial fails, that would go on and on
            case Closed():
                done = event.done
    return Standing(begun=True, trained=trained, kept=kept, done=done)


class Supervisor:
    """Of the driver of one run folder; `start` and `resume` are its commands, word by word."""

    def __init__(
        self, folder: Path, start: Sequence[str], resume: Sequence[str], say: Callable[[str], None]
    ) -> None:
        self._folder = folder
        self._start = start
        self._resume = resume
        self._say = say
        self._told = False
        self._driver: subprocess.Popen[bytes] | None = None
        self._others = children([os.getpid()])  # of a script that has become this process
        self._new = not os.path.lexists(folder)

    def run(self) -> int:
        """Until the sweep is done, or must be left; returns the exit code. Errors: JournalError.

        The driver shares this process's group: Ctrl-C reaches both, and what is sent to this
        process alone is passed on.
        """
        # What a driver leaves is given to this process then, and is known by that.
        _libc().prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        with self._passing_on():
            now, command, deaths = standing(self._folder), self._start, 0
            while True:
                before, began = now, datetime.now()
                driver = self._drive(command)
                now = standing(self._folder)
                code = driver.returncode
                then = after(code, told=self._told, before=before, now=now, deaths=deaths)
                if isinstance(then, Over) and not then.deaths:
                    return then.code
                self._clear_away(driver.pid, began)
                if isinstance(then, Over):
                    self._say(self._why(then, code))
                    return then.code
                self._say(f"{how(code)}; starting it again in {duration(then.wait)}")
                if self._told_within(then.wait):
                    return RESUME_ME
                deaths = then.deaths
                command = self._resume if now.begun else self._start
                if self._new and not now.begun:
                    RunFolder(self._folder).discard()  # it would be refused, not being empty

    def _drive(self, command: Sequence[str]) -> subprocess.Popen[bytes]:
        """Run a driver to its end."""
        driver = subprocess.Popen(command, preexec_fn=_follow(os.getpid()))
        self._driver = driver
        if self._told:
            driver.terminate()
        with contextlib.suppress(ChildProcessError):
            while driver.returncode is None:
                pid, status = os.waitpid(-1, 0)  # orphans too, which would stay zombies
                if pid == driver.pid:
                    driver.returncode = os.waitstatus_to_exitcode(status)
        return driver

    def _clear_away(self, pid: int, began: datetime) -> None:
        """End what a dead driver left: its Ray's agents, workers that hang, their files."""
        for _ in range(50):
            left = children([os.getpid()]) - self._others
            if not left:
                break
            Offspring(left.union(*map(descendants, left))).end()
            time.sleep(0.1)
            with contextlib.suppress(ChildProcessError):
                while os.waitpid(-1, os.WNOHANG)[0]:
                    pass
        clear_files(pid, began)

    def _told_within(self, seconds: float) -> bool:
        until = time.monotonic() + seconds
        while not self._told and time.monotonic() < until:
            time.sleep(min(0.2, seconds))
        return self._told

    def _why(self, end: Over, code: int) -> str:
        times = f"{end.deaths} times in a row" if end.deaths > 1 else "once"
        return (
            f"{how(code)}; giving up, since that came {times} without any progress; see what was "
            f"said above, then nightsweep resume {self._folder}"
        )

    @contextlib.contextmanager
    def _passing_on(self) -> Iterator[None]:
        """Pass signals on meanwhile; once one came, the driver's end is the end."""

        def pass_on(number: int, frame: FrameType | None) -> None:
            self._told = True
            if number == signal.SIGHUP:
                let_go_of_terminal()
            if self._driver is not None and self._driver.returncode is None:
                os.kill(self._driver.pid, number)

        before = {number: signal.signal(number, pass_on) for number in asking()}
        try:
            yield
        finally:
            for number, handler in before.items():
                signal.signal(number, handler)


def how(code: int) -> str:
    """How a driver ended, in words."""
    if code < 0:
        return f"the driver was killed by signal {-code} ({signal.strsignal(-code)})"
    return f"the driver failed with exit code {code}"


def _follow(parent: int) -> Callable[[], None]:
    """For a driver before it starts: SIGTERM shall come to it when its parent dies."""
    libc = _libc()

    def follow() -> None:
        libc.prctl(PR_SET_PDEATHSIG, int(signal.SIGTERM), 0, 0, 0)
        if os.getppid() != parent:  # it has died already
            os._exit(RESUME_ME)

    return follow


def _libc() -> ctypes.CDLL:
    return ctypes.CDLL(None)
