"""Steers a live sweep: by what is asked for in its run folder, and by its window."""

from __future__ import annotations

import time
from collections.abc import Callable

from ..search.errors import StudyError
from ..search.events import Event, Held, Released
from ..search.runfolder import RunFolder
from ..search.units import plural
from ..search.window import Window
from .foreman import Foreman
from .hold import Hold
from .requests import Answer, Inbox, Request
from .stopping import StopRequest

BY_HAND = "stopped by hand"
EVERY = 1.0  # seconds between two looks
CLOSING = "it is stopping already"
UNKNOWN = "this driver does not know what was asked; is its nightsweep another version?"


class Helm:
    """One for a driver. `record` takes what happens, `note` says what people should know.

    `clock`: seconds that pass. `wall`: those since 1970, for the window.
    """

    def __init__(
        self,
        folder: RunFolder,
        window: tuple[str, ...],
        stop: StopRequest,
        *,
        record: Callable[[Event], object],
        note: Callable[[str], object],
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
    ) -> None:
        self._inbox = Inbox(folder)
        self._hold = Hold([Window.parse(text) for text in window])
        self._stop = stop
        self._record = record
        self._note = note
        self._clock = clock
        self._wall = wall
        self._next = 0.0
        self._held = 0.0  # seconds, but for those since
        self._since: float | None = None

    @property
    def held(self) -> float:
        """Seconds for which the sweep was held until now."""
        return self._held + (0.0 if self._since is None else self._clock() - self._since)

    def look(self, foreman: Foreman) -> None:
        """Do what was asked for, hold and release the sweep, if it is time for a look."""
        now = self._clock()
        if now < self._next:
            return
        self._next = now + EVERY
        for asked in self._inbox.take():
            answer = self._do(asked.what, foreman) if asked.what else self._ignore(asked.path.name)
            asked.answer(answer)
        self._turn(foreman)

    def _do(self, request: Request, foreman: Foreman) -> Answer:
        if request.trial is not None:
            return _cut(request.trial, foreman)
        if foreman.stopping:
            return Answer(said=CLOSING, refused=request.ask != "stop")
        if request.ask == "pause":
            return self._pause(foreman)
        if request.ask == "continue":
            return self._go_on(foreman)
        self._stop.stop("hand")
        return Answer(said=f"stopping{saving(foreman)}")

    def _pause(self, foreman: Foreman) -> Answer:
        if self._hold.by_hand:
            return Answer(said="paused already")
        self._hold.pause()
        self._turn(foreman)
        return Answer(said=f"paused{saving(foreman)}")

    def _go_on(self, foreman: Foreman) -> Answer:
        if not foreman.held:
            return Answer(said="nothing to do: it is not paused")
        self._hold.go_on(self._wall())
        self._turn(foreman)
        ends = self._hold.ends(self._wall())
        return Answer(said=f"goes on, until its window closes at {ends}" if ends else "goes on")

    def _ignore(self, name: str) -> Answer:
        self._note(f"requests/{name} is none that this driver knows, and was ignored")
        return Answer(said=UNKNOWN, refused=True)

    def _turn(self, foreman: Foreman) -> None:
        """Hold or release, if that has changed."""
        why = self._hold.why(self._wall())
        if foreman.stopping or why == foreman.held:
            return
        if why:
            self._record(Held(reason=why))
            foreman.hold(why)
            self._since = self._clock() if self._since is None else self._since
        else:
            self._record(Released())
            foreman.release()
            self._held, self._since = self.held, None


def _cut(trial: int, foreman: Foreman) -> Answer:
    try:
        foreman.cut(trial, BY_HAND)
    except StudyError as error:
        return Answer(said=str(error), refused=True)
    trains = any(work.trial == trial for work in foreman.busy.values())
    return Answer(said=f"trial {trial} {'ends at its next report' if trains else 'is stopped'}")


def saving(foreman: Foreman, comma: str = ": ") -> str:
    """`: 2 trials are being saved`, with another `comma` maybe; empty where none trains."""
    busy = len(foreman.busy)
    if not busy:
        return ""
    return f"{comma}{plural(busy, 'trial')} {'is' if busy == 1 else 'are'} being saved"
