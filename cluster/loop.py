"""The loop around the engine, from its start to the reason for its end."""

from __future__ import annotations

import time
from pathlib import Path
from typing import TYPE_CHECKING

from ..search.study import Study
from ..search.summary import duration, plural
from ..trainables.function import TrainingFunction
from .display import Display
from .keeper import Keeper
from .stopping import StopRequest

if TYPE_CHECKING:
    from .engine import Engine

GRACE = 20.0  # seconds that a clean stop waits for trials to save themselves
PATIENCE = 30.0  # seconds without a slot, after which that is said


class Loop:
    """One driver's search. `before`: seconds that earlier drivers have searched."""

    def __init__(
        self,
        study: Study,
        keeper: Keeper,
        display: Display,
        request: StopRequest,
        *,
        before: float,
    ) -> None:
        self.done = False
        self.reason = "its driver failed"
        self._study = study
        self._keeper = keeper
        self._display = display
        self._request = request
        self._before = before
        self._began: float | None = None

    @property
    def elapsed(self) -> float:
        """Seconds since Ray was up."""
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

        study, folder = self._study, self._keeper.folder
        foreman = Foreman(study, folder, self._keeper.record)
        try:
            with self._display.showing(study, folder), connect() as nodes:
                self._request.listen()  # Ray has taken SIGTERM for itself
                self._began = time.monotonic()
                needs = study.sweep.resources
                limits = [capacity(nodes, needs), study.sweep.slots, study.limit]
                slots = self._display.slots = min(n for n in limits if n is not None)
                engine = Engine(foreman, function, folder=base, slots=slots, needs=needs)
                try:
                    self._search(engine)
                finally:
                    engine.close()
        except SystemExit:  # how Ray answers a SIGTERM that comes while it starts
            self._request.signal = self._request.signal or "SIGTERM"
            self.reason = f"stopped by {self._request.signal}"
        except Exception as error:
            self.reason = f"its driver failed: {error}"
            foreman.stop(self.reason)
            raise
        finally:
            foreman.abandon()

    def _search(self, engine: Engine) -> None:
        foreman, deadline = engine.foreman, float("inf")
        while not foreman.finished and time.monotonic() < deadline:
            reason = self._reason_to_stop()
            if reason and not foreman.stopping:
                foreman.stop(reason)
                deadline = time.monotonic() + GRACE
            engine.step()
            self._display.update(
                len(foreman.busy), self._notice(engine), self._before + self.elapsed
            )
            self._keeper.refresh(self._study)
        self.done = not self._request.signal
        self.reason = foreman.stopping or all_done(self._study)

    def _notice(self, engine: Engine) -> str:
        busy = len(engine.foreman.busy)
        if engine.foreman.stopping:
            saving = f"; saving {plural(busy, 'trial')}" if busy else ""
            return f"{engine.foreman.stopping}{saving}"
        if not engine.ready and self.elapsed > PATIENCE:
            return "no worker is up yet: is the cluster's every CPU or GPU taken by others?"
        return ""

    def _reason_to_stop(self) -> str:
        limit = self._study.sweep.time
        if self._request.signal:
            return f"stopped by {self._request.signal}"
        if limit is not None and self._before + self.elapsed >= limit:
            return f"its time of {duration(limit)} is over"
        return ""


def all_done(study: Study) -> str:
    """Why a sweep is at its end; also said, if it has come to it sooner than was asked for."""
    reason = f"all {plural(len(study.trials), 'trial')} are decided"
    if study.limit != study.sweep.limit and (study.sweep.limit or study.sweep.time):
        reason += ", and there is no other configuration to try"
    return reason
