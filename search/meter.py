"""Counts the time that GPUs are in use: that of each trial from when it is given to a slot until
it has left it, times the GPUs of a trial; where that is measured (`auto`), of its slot."""

from __future__ import annotations

import math
from dataclasses import dataclass, field

from .events import (
    Asked,
    Changed,
    Closed,
    Event,
    Failed,
    Finished,
    Interrupted,
    Opened,
    Reported,
    Started,
    Stopped,
)


@dataclass(slots=True, kw_only=True)
class Meter:
    """Takes events in the order of the journal. `gpus`: of each trial, as the sweep begins, where
    its slot says nothing else."""

    gpus: float = 0.0
    _used: float = 0.0  # GPU-seconds of trials that have left their slots
    _since: dict[int, float] = field(default_factory=dict)  # when those in slots took them
    _slots: dict[int, float] = field(default_factory=dict)  # GPUs of theirs, where they say
    _latest: float = math.nan

    def add(self, time: float, event: Event) -> None:
        """Take the next event, which happened at `time`."""
        if self.gpus or isinstance(event, Changed):
            self._take(time, event)
        self._latest = time

    def _take(self, time: float, event: Event) -> None:
        match event:
            case Asked():
                self._since[event.trial] = time
            case Started():
                if event.gpus is not None and event.trial in self._since:
                    self._slots[event.trial] = event.gpus
            case Reported():
                if event.decision != "continue":
                    self._leave(event.trial, time)
            case Finished() | Failed() | Interrupted() | Stopped():
                self._leave(event.trial, time)
            case Opened():
                self._leave_all(self._latest)  # the driver before was killed
            case Closed():
                self._leave_all(time)
            case Changed():
                match event.changes.get("resources"):
                    case {"gpus": int() | float() as gpus}:
                        self.gpus = float(gpus)
                    case {"gpus": "auto"}:
                        self.gpus = 1.0

    def seconds(self, now: float) -> float:
        """GPU-seconds so far; `now`: for the trials that are in slots."""
        running = (max(now - since, 0.0) * self._of(trial) for trial, since in self._since.items())
        return self._used + sum(running)

    @property
    def each(self) -> float:
        """GPUs of a trial in a slot now, in the mean; of any, while there is none."""
        if not self._since:
            return self.gpus
        return sum(map(self._of, self._since)) / len(self._since)

    @property
    def busy(self) -> int:
        """How many trials are in slots; 0 where they use no GPU."""
        return len(self._since)

    def _leave(self, trial: int, time: float) -> None:
        since = self._since.pop(trial, time)
        self._used += (time - since) * self._of(trial)
        self._slots.pop(trial, None)

    def _of(self, trial: int) -> float:
        return self._slots.get(trial, self.gpus)

    def _leave_all(self, time: float) -> None:
        for trial in list(self._since):
            self._leave(trial, time)
