"""The loop around the engine, from its start to the reason for its end."""

from __future__ import annotations

import math
import time
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING

from ..search.budget import Budget, Spent, clocked
from ..search.errors import ClusterDownError
from ..search.study import Study
from ..search.units import plural
from ..trainables.ready import Function
from .capacity import capacity, room
from .devices.device import Reader
from .devices.nvml import Nvml
from .display import Display
from .helm import Helm, saving
from .joining.address import Address
from .joining.project import of
from .keeper import Keeper
from .nodes import Members, Nodes, news
from .shares import Shares
from .stopping import StopRequest

if TYPE_CHECKING:
    from .engine import Engine
    from .joining.outside import Outside

GRACE = 20.0  # seconds that a clean stop waits for trials to save themselves
PATIENCE = 30.0  # seconds without a slot, after which that is said


class Loop:
    """One driver's search. `before`: seconds that earlier drivers have searched. `address`: of
    the cluster to run on; None: a Ray of its own.

    Time is counted on `clock`, which knows no daylight saving, and deadlines on `wall`.
    """

    def __init__(
        self,
        study: Study,
        keeper: Keeper,
        display: Display,
        request: StopRequest,
        *,
        before: float,
        address: Address | None = None,
        clock: Callable[[], float] = time.monotonic,
        wall: Callable[[], float] = time.time,
        reader: Callable[[], Reader] = Nvml,
    ) -> None:
        self.done = False
        self.reason = "its driver failed"
        self._study = study
        self._keeper = keeper
        self._display = display
        self._request = request
        self._before = before
        self._address = address
        self._clock = clock
        self._wall = wall
        self._began: float | None = None
        self._members: Members = {}
        self._outside: Outside | None = None
        self._reader = reader
        self._shares = Shares(study, keeper, display.note)
        self._helm = Helm(
            keeper.folder,
            study.sweep.window,
            request,
            record=keeper.record,
            note=display.note,
            clock=clock,
            wall=wall,
        )

    @property
    def elapsed(self) -> float:
        """Seconds since Ray was up, but for those in which the sweep was held."""
        return 0.0 if self._began is None else self._clock() - self._began - self._helm.held

    def run(self, function: Function, base: Path) -> None:
        """Train until nothing is left to do, the time is over, or a signal comes.

        Errors: NightsweepError; then `reason` says it, and what was trained is kept.
        """
        if reason := self._reason_to_stop():  # a budget was used up before
            self.done, self.reason = not self._request.signal, reason
            return
        # Ray is imported late: a sweep with a mistake is refused without waiting for it.
        from .connect import connect
        from .engine import Engine
        from .foreman import Foreman
        from .joining.outside import outside

        study, folder = self._study, self._keeper.folder
        foreman = Foreman(study, folder, self._keeper.record)
        try:
            needs = study.sweep.resources
            project = of(study.sweep, function, base, folder.path)
            with (
                self._display.showing(study, folder),
                connect(
                    needs.gpus, self._display.note, address=self._address, project=project
                ) as nodes,
            ):
                self._request.listen()  # Ray has taken SIGTERM for itself
                self._began = self._clock()
                self._members = nodes.alive
                found = [node.has for node in nodes.alive.values()]
                self._outside = outside(study, folder) if nodes.grows else None
                if not self._outside or not self._outside.grows:
                    capacity(found, needs)
                engine = Engine(
                    foreman,
                    function,
                    folder=nodes.folder or base,
                    slots=self._slots(room(found, self._shares.needs)),
                    needs=self._shares.needs,
                    sharing=self._shares.sharing,
                    reader=self._reader,
                )
                try:
                    self.search(engine, nodes)
                finally:
                    engine.close(gone=bool(nodes.gone))
                    if self._outside and not nodes.gone:
                        self._outside.close()
        except SystemExit:  # how Ray answers a SIGTERM that comes while it starts
            self._request.signal = self._request.signal or "SIGTERM"
            self.reason = f"stopped by {self._request.signal}"
        except Exception as error:
            self.reason = f"its driver failed: {str(error).partition(chr(10))[0]}"
            foreman.stop(self.reason)
            raise
        finally:
            self._request.listen()  # ending, Ray has given SIGTERM back to the system
            foreman.abandon()

    def search(self, engine: Engine, nodes: Nodes | None = None) -> None:
        """Keep the engine going until nothing is left to do, or there is a reason to stop.

        `nodes`: what the number of slots follows. Errors: ClusterDownError, once Ray is gone.
        """
        foreman, deadline = engine.foreman, float("inf")
        while not foreman.finished and self._clock() < deadline:
            if nodes:
                self._follow(nodes, engine)
                self._shares.follow(engine, self._members, self._slots)
            if self._outside:
                self._outside.tell(
                    foreman, slots=engine.slots, gpu_seconds=self._keeper.gpu_seconds
                )
            self._helm.look(foreman)
            reason = self._reason_to_stop()
            if reason and not foreman.stopping:
                foreman.stop(reason)
                deadline = self._clock() + GRACE
            # A slot that takes a trial up now trains beside those that do already.
            first = self._first(busy=min(len(foreman.busy) + 1, engine.slots))
            foreman.left = first.seconds if first else None
            engine.step()
            first = self._first(busy=len(foreman.busy))
            self._display.slots = engine.slots
            self._display.update(
                len(foreman.busy),
                self._notice(engine),
                self._before + self.elapsed,
                first.seconds if first else math.inf,
            )
            self._keeper.refresh(self._study)
        self.done = not self._request.signal
        self.reason = foreman.stopping or all_done(self._study, self._first())

    def _follow(self, nodes: Nodes, engine: Engine) -> None:
        if gone := nodes.gone:
            resume = f"nightsweep resume {self._keeper.folder.path}"
            words = f"{gone}; what was recorded is kept: {resume}"
            raise ClusterDownError(words, held=nodes.grows)
        while nodes.remarks:
            self._display.note(nodes.remarks.pop(0))
        before, now = self._members, nodes.alive
        if now is before:
            return
        fits = room([node.has for node in now.values()], self._shares.needs)
        engine.resize(self._slots(fits))
        if told := news(before, now, engine.slots):
            self._display.note(told)
        self._members = now

    def _slots(self, fits: int) -> int:
        """How many to open, where so many trials fit on the cluster."""
        limits = [fits, self._study.sweep.slots, self._study.limit]
        return min(n for n in limits if n is not None)

    def _notice(self, engine: Engine) -> str:
        if why := engine.foreman.stopping or engine.foreman.held:
            return f"{why}{saving(engine.foreman, '; ')}"
        if not engine.slots:
            return "no node has room for a trial; it goes on when one comes"
        if not engine.ready and self.elapsed > PATIENCE:
            return "no worker is up yet: is the cluster's every CPU or GPU taken by others?"
        if engine.foreman.waits:
            return f"{engine.foreman.waits}; it goes on by itself when that has passed"
        return engine.late or self._keeper.shelf.notice

    def _reason_to_stop(self) -> str:
        if self._request.signal:
            return f"stopped by {self._request.signal}"
        if self._study.reached:
            return all_done(self._study)
        first = self._first()
        return first.over if first and first.seconds <= 0 else ""

    def _first(self, busy: int = 1) -> Budget | None:
        """The budget that is used up first, if so many slots train."""
        spent = Spent(
            searched=self._before + self.elapsed,
            gpu=self._keeper.gpu_seconds,
            now=self._wall(),
            due=self._keeper.ledger.due,
            busy=busy,
            each=self._shares.needs.most_gpus,
        )
        return next(iter(clocked(self._study.sweep, spent)), None)


def all_done(study: Study, first: Budget | None = None) -> str:
    """Why a sweep is at its end; also said, if it has come to it sooner than was asked for.

    `first`: the budget that would have been used up first.
    """
    sweep, best = study.sweep, study.best
    if best is not None and study.reached:
        found = f"{sweep.metric.name} {best.best:.4g} of trial {best.id}"
        return f"its target of {sweep.target:g} is reached: {found}"
    if first is not None and study.unfinished:
        return f"{first.nearly}: nothing that could be compared would be finished"
    if study.out_of_patience:
        than = f" than trial {best.id}" if best else ""
        return f"{plural(sweep.patience or 0, 'trial')} in a row have been no better{than}"
    reason = f"all {plural(len(study.trials), 'trial')} are decided"
    if study.limit != sweep.limit and (sweep.limit or sweep.sampler.name != "grid"):
        reason += ", and there is no other configuration to try"
    return reason
