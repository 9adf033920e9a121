"""Stands still while the storage is full or away, and says so, until it can be used again."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Protocol, TypeVar

from ..search.patience import lasting, pause, words
from .job import Job, Message, Waits

SAY = 5.0  # seconds between two signs of it
LOOK = 0.5  # seconds in which it is noticed that the trial is to halt
Done = TypeVar("Done")


class Unsaved(BaseException):
    """Storage could not be used: not the training function's fault, nor its to catch.

    `lasting`: waiting would not have helped; otherwise the trial was told to halt meanwhile.
    """

    def __init__(self, why: str, *, lasting: bool) -> None:
        super().__init__(why)
        self.lasting = lasting


class Driver(Protocol):
    """Whom to tell, and who may tell the trial to halt."""

    @property
    def halting(self) -> bool: ...

    def send(self, message: Message) -> None: ...


class Patience:
    """That of one trial."""

    def __init__(
        self, job: Job, driver: Driver, sleep: Callable[[float], object] = time.sleep
    ) -> None:
        self._trial = job.trial
        self._driver = driver
        self._sleep = sleep

    def through(self, act: Callable[[], Done], path: Path, done: str = "written") -> Done:
        """Do something with files as often as it takes; `path` cannot be `done`, if it fails.

        Errors: Unsaved.
        """
        tries = 0
        while True:
            try:
                return act()
            except OSError as error:
                why, hopeless = words(error, path, done), lasting(error)
                if hopeless or self._driver.halting:
                    raise Unsaved(why, lasting=hopeless) from error
            tries += 1
            self._stand(why, pause(tries))

    def _stand(self, why: str, seconds: float) -> None:
        """Wait, saying so; shorter, if the trial is to halt."""
        for look in range(round(seconds / LOOK)):
            if self._driver.halting:
                return
            if look % round(SAY / LOOK) == 0:
                self._driver.send(Waits(trial=self._trial, reason=why))
            self._sleep(LOOK)
