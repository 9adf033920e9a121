"""Searching: the loop around the engine, from its start to the reason for its end."""

from __future__ import annotations

import time
from pathlib import Path

from ..search.study import Study
from ..search.summary import duration, plural
from ..trainables.function import TrainingFunction
from .display import Display
from .keeper import Keeper
from .stopping import StopRequest, stop_request

GRACE = 20.0  # seconds that a clean stop waits for trials to save themselves


class Search:
    """One driver's search. `before`: seconds that earlier drivers have searched."""

    def __init__(self, study: Study, keeper: Keeper, display: Display, *, before: float) -> None:
        self.done = False
        self.reason = "its driver failed"
        self._study = study
        self._keeper = keeper
        self._display = display
        self._before = before
        self._began: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since the first slot was up."""
        return 0.0 if self._began is None else time.monotonic() - self._began

    def run(self, function: TrainingFunction | str, base: Path) -> None:
        """Train until nothing is left to do, the time is over, or a signal comes.

        Errors: NightsweepError; then `reason` says it, and what was trained is kept.
        """
        # Ray is imported late: a sweep with a mistake is refused without waiting for it.
        from .capacity import capacity
        from .connect import connect
        from .engine import Engine
        from .foreman import Foreman

        sweep, folder = self._study.sweep, self._keeper.folder
        foreman = Foreman(self._study, folder, self._keeper.record)
        with self._display.showing(self._study, folder), connect() as nodes:
            limits = [capacity(nodes, sweep.resources), sweep.slots, sweep.limit]
            slots = self._display.slots = min(limit for limit in limits if limit is not None)
            engine = Engine(foreman, function, folder=base, slots=slots, needs=sweep.resources)
            deadline = float("inf")
            try:
                with stop_request() as request:
                    while not foreman.finished and time.monotonic() < deadline:
                        engine.step()
                        if self._began is None and engine.ready:
                            self._began = time.monotonic()
                        reason = self._reason_to_stop(request)
                        if reason and not foreman.stopping:
                            foreman.stop(reason)
                            deadline = time.monotonic() + GRACE
                        self._show(len(foreman.busy), foreman.stopping)
                    self.done = not request.signal
                    self.reason = foreman.stopping or self._all_done()
            except Exception as error:
                self.reason = f"its driver failed: {error}"
                foreman.stop(self.reason)
                raise
            finally:
                foreman.abandon()
                engine.close()

    def _show(self, busy: int, stopping: str) -> None:
        self._display.update(busy, stopping, self._before + self.elapsed)
        self._keeper.refresh(self._study)

    def _reason_to_stop(self, request: StopRequest) -> str:
        limit = self._study.sweep.time
        if request.signal:
            return f"stopped by {request.signal}"
        if limit is not None and self._before + self.elapsed >= limit:
            return f"its time of {duration(limit)} is over"
        return ""

    def _all_done(self) -> str:
        return f"all {plural(len(self._study.trials), 'trial')} are decided"
