"""A driver whose run folder cannot be written: it stands still, says so once, and tries again."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeVar

from ..search.errors import StoppedError, StorageError
from ..search.patience import pause
from ..search.runfolder import RunFolder
from ..search.units import duration
from .requests import Answer, Inbox, Request
from .stopping import StopRequest

LOOK = 0.25  # seconds in which it is noticed that the run is to stop
Done = TypeVar("Done")


class Standstill:
    """One for a driver. `note` says what people should know; `stop` ends the waiting."""

    def __init__(
        self,
        folder: RunFolder,
        stop: StopRequest,
        note: Callable[[str], object],
        *,
        sleep: Callable[[float], object] = time.sleep,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._inbox = Inbox(folder)
        self._stop = stop
        self._note = note
        self._sleep = sleep
        self._clock = clock

    def through(self, act: Callable[[], Done]) -> Done:
        """Write something as often as it takes.

        Errors: StoppedError once the run is to stop and another try has failed too; what `act`
        raises besides StorageError.
        """
        try:
            return act()
        except StorageError as error:
            self._go_on_or_end(error)
            self._note(f"{error.why}: waiting until it can be written, nothing is lost")
        began, tries = self._clock(), 0
        while True:
            tries += 1
            self._wait(pause(tries))
            try:
                done = act()
            except StorageError as error:
                self._go_on_or_end(error)
            else:
                waited = duration(self._clock() - began)
                self._note(f"the run could be written again after {waited}: it goes on")
                return done

    def _go_on_or_end(self, error: StorageError) -> None:
        if self._stop.signal:
            raise StoppedError(str(error), error.why) from error

    def _wait(self, seconds: float) -> None:
        """Shorter, if the run is to stop; other requests wait as well."""
        for _ in range(round(seconds / LOOK)):
            for asked in self._inbox.take():
                if asked.what == Request(ask="stop"):
                    self._stop.stop("hand")
                    asked.answer(Answer(said="stopping"))
            if self._stop.signal:
                return
            self._sleep(LOOK)
