"""What the end of a growing journal says: how far the sweep is, and which process trains what."""

from __future__ import annotations

import json
from dataclasses import dataclass, field
from pathlib import Path


@dataclass(slots=True)
class Tail:
    """Reads on from where it was; a journal that a driver has cut back is read anew."""

    path: Path
    reports: int = 0
    trial: int = 0  # asked for last
    worker: int = 0  # the process that took a trial up last
    closed: bool = False
    done: bool = False  # a driver has closed it, and nothing is left to do
    held: bool = False  # by `nightsweep pause`
    furthest: dict[int, int] = field(default_factory=dict)  # the last epoch of each trial
    _at: int = 0

    def look(self) -> Tail:
        """Take in what is new."""
        if not self.path.exists():
            return self
        with self.path.open("rb") as file:
            if file.seek(0, 2) < self._at:
                self._at = self.reports = 0
            file.seek(self._at)
            new = file.read()
        whole = new[: new.rfind(b"\n") + 1]
        self._at += len(whole)
        for line in whole.splitlines():
            self._take(json.loads(line))
        return self

    def _take(self, event: dict[str, object]) -> None:
        trial, pid, epoch = event.get("trial"), event.get("pid"), event.get("epoch")
        kind = event["event"]
        self.closed = kind == "closed"
        self.done = self.closed and event.get("done") is True
        if kind in ("held", "released", "opened"):
            self.held = kind == "held"
        if kind == "reported" and isinstance(trial, int) and isinstance(epoch, int):
            self.reports += 1
            self.furthest[trial] = max(epoch, self.furthest.get(trial, 0))
        if kind == "asked" and isinstance(trial, int):
            self.trial = trial
        if kind == "started" and isinstance(pid, int):
            self.worker = pid
