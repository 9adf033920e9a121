"""What a Study does not remember: every metric of every epoch, and when and where it happened."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .budget import Spent
from .events import (
    Asked,
    Changed,
    Closed,
    Due,
    Event,
    Failed,
    Held,
    Metrics,
    Opened,
    Released,
    Reported,
    Shared,
    Started,
)
from .meter import Meter
from .record import Record, Status


@dataclass(slots=True, kw_only=True)
class Epoch:
    """One trained epoch; `time` is when it was reported, in seconds since 1970."""

    metrics: Metrics
    seconds: float | None
    time: float


@dataclass(slots=True, kw_only=True)
class Page:
    """One trial. `seconds`: time spent on epochs, repeated ones included."""

    started: float
    latest: float
    host: str = ""
    device: str = ""
    traceback: str = ""
    seconds: float = 0.0
    epochs: dict[int, Epoch] = field(default_factory=dict)


@dataclass(slots=True, kw_only=True)
class Ledger:
    """Takes events in the order of the journal. `elapsed`: search time of ended drivers, s.

    `due`: the latest driver's deadline, in seconds since 1970, where the sweep has one. `held`:
    why it trains nothing for a while, since `held_at`; such time is not search time. `driver`:
    the latest, and when it began.
    """

    pages: dict[int, Page] = field(default_factory=dict)
    elapsed: float = 0.0
    done: bool = False
    ended_because: str = ""
    due: float | None = None
    held: str = ""
    held_at: float = math.nan
    meter: Meter = field(default_factory=Meter)
    driver: Opened | None = None
    begun: float = math.nan
    barren: list[int] = field(default_factory=list)  # that failed under a driver without an epoch
    shared: Shared | None = None  # the latest, for as long as the sweep's resources are the same
    changed: dict[str, float] = field(default_factory=dict)  # when a key of the sweep was changed
    _opened: float = math.nan
    _latest: float = math.nan
    _held: float = 0.0  # seconds that the latest driver was held, up to its latest release
    _fruitful: bool = False  # the latest driver has trained an epoch

    def add(self, time: float, event: Event) -> None:
        """Take the next event, which happened at `time`."""
        if isinstance(event, Asked) and event.config is not None:
            self.pages[event.trial] = Page(started=time, latest=time)
        page = self.pages.get(getattr(event, "trial", 0))
        if page is not None:
            page.latest = time
        match event:
            case Reported() if page:
                page.epochs[event.epoch] = Epoch(
                    metrics=event.metrics, seconds=event.seconds, time=time
                )
                page.seconds += event.seconds or 0.0
                self._fruitful, self.barren = True, []
            case Opened():
                self.driver, self.begun = event, time
                self._close_killed()
                self._release(time)
                self._held = 0.0
                self._opened, self.done, self.ended_because = time, False, ""
                self._fruitful = False
            case Closed():
                self.elapsed += event.elapsed
                self._opened = math.nan
                self.done, self.ended_because = event.done, event.reason
            case Started() if page:
                page.host, page.device = event.host, event.device
            case Failed() if page:
                page.traceback = event.traceback
                if not (self._fruitful or event.cause or page.epochs):
                    self.barren.append(event.trial)
            case Shared():
                self.shared = event
            case Changed():
                self.changed.update(dict.fromkeys(event.changes, time))
                if "resources" in event.changes:
                    self.shared = None
            case Due():
                self.due = event.at
            case Held():
                self.held_at = self.held_at if self.held else time
                self.held = event.reason
            case Released():
                self._release(time)
        self.meter.add(time, event)
        self._latest = time

    def status(self, known: Record) -> Status:
        """A trial's status; one paused in a sweep that is done is stopped: nobody will ask."""
        return Status.STOPPED if known.status is Status.PAUSED and self.done else known.status

    @property
    def searched(self) -> float:
        """Seconds that drivers have been at work, one at work now or killed included."""
        return self.elapsed + self._unclosed

    def spent(self, now: float | None = None) -> Spent:
        """What has been used up by `now`, if a driver is at work; else when the latest ended."""
        latest = 0.0 if math.isnan(self._latest) else self._latest
        since = 0.0 if now is None else max(now - latest, 0.0)
        return Spent(
            searched=self.searched + (0.0 if self.held else since),
            gpu=self.meter.seconds(latest + since),
            now=latest + since,
            due=self.due,
            busy=self.meter.busy,
            each=self.meter.each,
        )

    @property
    def _unclosed(self) -> float:
        if math.isnan(self._opened):
            return 0.0
        until = self.held_at if self.held else self._latest
        return until - self._opened - self._held

    def _release(self, time: float) -> None:
        if self.held:
            self._held += time - self.held_at
            self.held, self.held_at = "", math.nan

    def _close_killed(self) -> None:
        self.elapsed += self._unclosed
        self._opened = math.nan
