"""The sweep that is disturbed: its folder, its driver, and what can be seen of both."""

from __future__ import annotations

import random
import subprocess
import sys
import time
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import psutil

from nightsweep.search.lock import holder

from ..cluster.disturb import Watched, driver, said
from .tail import Tail

LONGEST = 180.0  # seconds that anything may take on a busy machine


class Over(Exception):  # noqa: N818 - no error
    """The sweep is done."""


class Violation(AssertionError):  # noqa: N818 - the soak's word for it
    """What was promised is not so."""


@dataclass(slots=True)
class Scene:
    """`chance` alone decides what happens next."""

    place: Path
    chance: random.Random
    trials: int
    tail: Tail = field(init=False)
    watched: Watched = field(init=False)
    supervised: bool = False
    process: subprocess.Popen[bytes] = field(init=False)

    def __post_init__(self) -> None:
        self.tail = Tail(self.run / "journal.jsonl")
        self.watched = Watched(self.place)

    @property
    def run(self) -> Path:
        return self.place / "run"

    def start(self, *, supervised: bool = False) -> None:
        """A driver: the first, or one that resumes."""
        words = ["resume", "run"]
        if not self.tail.path.exists():
            words = ["run", "sweep.yaml", "--out", "run", "--trials", str(self.trials)]
        self.supervised = supervised
        self.process = driver(self.place, *words, *["--keep-going"][: int(supervised)])

    @property
    def driver(self) -> psutil.Process:
        """The process that drives: the supervisor's, where there is one."""
        held = holder(self.run / "driver.lock")
        if held is None:
            raise Violation(f"nobody holds the run folder; {self.last_words}")
        return psutil.Process(held.pid)

    @property
    def worker(self) -> psutil.Process:
        """The process that trains. Errors: Over, Violation where none takes its place."""
        try:
            return psutil.Process(self.tail.look().worker)
        except psutil.NoSuchProcess:  # another is on its way, or the sweep is at its end
            self.until_trained()
            return psutil.Process(self.tail.look().worker)

    @property
    def last_words(self) -> str:
        """The end of what the drivers have printed."""
        return "the drivers said: ..." + said(self.place)[-1500:]

    def until_trained(self, more: int = 1) -> None:
        """Wait for so many more reports. Errors: Over; Violation if the driver has ended."""
        goal = self.tail.look().reports + more
        self.until(lambda: self.tail.look().reports >= goal, "no trial has reported")

    def until(self, true: Callable[[], bool], otherwise: str) -> None:
        """Wait for something while the driver lives. Errors: Over, Violation."""
        deadline = time.monotonic() + LONGEST
        while not true():
            self.check()
            if time.monotonic() > deadline:
                raise Violation(f"{otherwise} for {LONGEST:.0f} s; {self.last_words}")
            time.sleep(0.02)

    def check(self) -> None:
        """Errors: Over if the sweep is done, Violation if the driver has ended otherwise."""
        code = self.process.poll()
        if code == 0:
            raise Over
        if code is not None:
            raise Violation(f"the driver has ended with {code}; {self.last_words}")

    def ended(self, *codes: int) -> int:
        """Wait for the driver's end. Errors: Over (0), Violation if the code is none of these."""
        try:
            code = self.process.wait(LONGEST)
        except subprocess.TimeoutExpired:
            raise Violation(f"the driver does not end; {self.last_words}") from None
        if code == 0:
            raise Over
        if code not in codes:
            raise Violation(f"the driver has ended with {code}, not {codes}; {self.last_words}")
        return code

    def closed(self) -> None:
        """Errors: Violation unless the driver that has ended wrote so."""
        if not self.tail.look().closed:
            raise Violation(f"a driver has not closed its journal; {self.last_words}")

    def told(self, *words: str) -> tuple[int, str]:
        """Another command on the run folder: its exit code and all that it said. Errors: Over."""
        done = subprocess.run(
            [sys.executable, "-m", "nightsweep", *words],
            cwd=self.place,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            timeout=LONGEST,
            text=True,
            check=False,
        )
        if self.tail.look().done:  # the driver was about to end, which explains any answer
            self.process.wait(LONGEST)
            raise Over
        return done.returncode, done.stdout
