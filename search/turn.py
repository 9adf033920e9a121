"""Whose turn it is when a slot is free: who lost their place, who is to be promoted, a new trial.

As the end of a sweep nears, nobody is started who would not come to the next rung any more, and
what time is left goes to those who have come furthest. It looks, and changes nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace

from .events import Asked
from .record import Status
from .schedulers import Promotion
from .state import State


@dataclass(frozen=True, slots=True, kw_only=True)
class Turn:
    """`alone`: the slot has its device to itself; trials that need that are passed over where it
    is not so. `left`: seconds that the slot can train; None: without end. `leaves`: so many
    promotions, of the highest rungs, are left to others if there is something else: it is slow."""

    state: State
    alone: bool = True
    left: float | None = None
    leaves: int = 0

    def next(self) -> Asked | None:
        """What starts now; None if nothing may."""
        if self.state.reached:
            return None
        first = self._waiting() or self._promotion(self.leaves) or self._proposal()
        return first or (self._promotion() if self.leaves else None) or self._leader()

    @property
    def wants_alone(self) -> bool:
        """Whether a trial could start now that needs its device to itself."""
        if not self.state.alone:
            return False
        waiting = self.state.of(Status.WAITING).values()
        if any(known.alone and self._in_time(known.id) for known in waiting):
            return True
        event = self._promotion() or self._leader()
        return event is not None and self.state.trials[event.trial].alone

    @property
    def unfinished(self) -> bool:
        """Whether there is anything to start, or to begin anew."""
        if self.state.reached:
            return False
        return not self._closed or bool(self._waiting() or self._promotion())

    def _waiting(self) -> Asked | None:
        waiting = [
            known
            for known in self.state.of(Status.WAITING).values()
            if (self.alone or not known.alone) and self._in_time(known.id)
        ]
        if not waiting:
            return None
        known = min(waiting, key=lambda known: known.id)
        return Asked(trial=known.id, epoch=known.epoch, reason=known.reason)

    def _promotion(self, leaves: int = 0) -> Asked | None:
        scheduler, closed = self.state.contest.scheduler, self._closed
        promotion = scheduler.promote(last=closed, may=self._in_time)
        left: set[int] = set()
        while promotion is not None and len(left) < leaves:
            left.add(promotion.trial)
            promotion = scheduler.promote(
                last=closed, may=lambda trial: trial not in left and self._in_time(trial)
            )
        if left:
            return self._promoted(promotion)
        somebody = self.state.of(Status.RUNNING) or self.state.of(Status.COMPLETED)
        if promotion is None and closed and not somebody:
            promotion = scheduler.rescue(may=self._in_time)
        return self._promoted(promotion)

    def _proposal(self) -> Asked | None:
        if self._closed:
            return None
        number = len(self.state.trials) + 1
        proposal = self.state.proposer.propose(number)
        if proposal is None:
            return None
        return Asked(trial=number, epoch=0, reason=proposal.origin, config=proposal.config)

    def _leader(self) -> Asked | None:
        """Who has come furthest of those who wait: the slot would be idle otherwise."""
        if not self._ends_soon:
            return None
        found = self.state.contest.scheduler.rescue(may=self._in_time)
        if found is None:
            return None
        reason = f"rung {found.rung}: the best that can still come to the next one"
        return self._promoted(replace(found, reason=reason))

    def _promoted(self, promotion: Promotion | None) -> Asked | None:
        if promotion is None:
            return None
        known = self.state.trials[promotion.trial]
        if known.alone and not self.alone:
            return None
        return Asked(trial=known.id, epoch=known.epoch, reason=promotion.reason)

    @property
    def _closed(self) -> bool:
        """Whether no new trial is opened: there are enough, or it would come too late."""
        limit = self.state.limit
        enough = limit is not None and len(self.state.trials) >= limit
        return enough or self.state.out_of_patience or self._ends_soon

    @property
    def _ends_soon(self) -> bool:
        """Whether a new trial could not come to a rung that it must earn any more.

        That is its second: at the first one everybody arrives.
        """
        if self.left is None:
            return False
        number, due = len(self.state.trials) + 1, self.state.contest.next_rung
        return not self.state.pace.can_train(number, due(number, due(number, 0)), self.left)

    def _in_time(self, trial: int) -> bool:
        """Whether a trial can come to its next rung in what is left."""
        if self.left is None:
            return True
        known = self.state.trials[trial]
        due = self.state.contest.next_rung(trial, max(known.epoch, known.judged))
        return self.state.pace.can_train(trial, due - known.epoch, self.left)
