"""Asynchronous successive halving: one ladder of rungs (Li et al. 2020, "A System for Massively
Parallel Hyperparameter Tuning", algorithm 2). A trial that reaches a rung goes on if it is among
the best 1/eta there, and is paused otherwise, until others have reached the rung and made its
rank good enough.

A trial that cannot be paused (its training function keeps no checkpoint) is judged once, by the
stopping form: it ends if it is not among the best 1/eta, rounded up. With `pauses` false that is
the form for all.
"""

from __future__ import annotations

import math
from dataclasses import replace
from itertools import pairwise

from .rung import PROBES, Place, Rung
from .verdict import Decision, Evidence, May, Promotion, Step, Verdict, anyone

LEAST = 1e-300  # a chance that is not none


class Halving:
    """Rungs at grace × eta^k epochs, below `max_epochs`.

    `audit`: the share of arrivals that goes on whatever its rank. `probes`: so do the first so
    many at the first rung, which is then blind where it says nothing about the next.
    """

    def __init__(
        self,
        *,
        eta: int,
        grace: int,
        max_epochs: int,
        audit: float = 0.0,
        probes: int = PROBES,
        pauses: bool = True,
    ) -> None:
        self.eta = eta
        self.max_epochs = max_epochs
        self.audit = audit
        self.pauses = pauses
        every = round(1 / audit) if audit else 0
        self.rungs: dict[int, Rung] = {}
        while grace < max_epochs:
            first = not self.rungs and audit
            self.rungs[grace] = Rung(epoch=grace, probes=probes if first else 0, every=every)
            grace *= eta
        self.last = Rung(epoch=max_epochs)
        ladder = [*self.rungs.values(), self.last]
        self._above = {rung.epoch: above for rung, above in pairwise(ladder)}
        self._below = {above.epoch: rung for rung, above in pairwise(ladder)}

    def next_rung(self, trial: int, epoch: int) -> int:
        return next((rung for rung in self.rungs if rung > epoch), self.max_epochs)

    def expected_epochs(self, trials: int) -> float:
        """Of those still to come to a rung so many go on as have done so far, at least 1/eta."""
        total, left, start = 0.0, float(trials), 0
        for epoch, rung in self.rungs.items():
            total += left * (epoch - start)
            left, start = max(self._expected_on(rung, left), 1.0), epoch
        return total + left * (self.max_epochs - start)

    def _expected_on(self, rung: Rung, arrivals: float) -> float:
        """How many go on from a rung at which so many arrive in all."""
        count = len(rung.arrivals)
        probes = min(max(rung.probes - count, 0), max(arrivals - count, 0.0))
        judged = count - min(count, rung.probes)
        rate = 1 / self.eta
        if rung.blind:
            rate = 1.0
        elif judged >= self.eta:
            rate = max((rung.gone - min(count, rung.probes)) / judged, rate)
        still = max(arrivals - count - probes, 0.0)
        return max(rung.gone + probes + still * rate, arrivals / self.eta)

    def ladder(self) -> list[Step]:
        return [
            Step(epoch=epoch, arrived=len(rung.arrivals), paused=len(rung.paused))
            for epoch, rung in self.rungs.items()
        ]

    def chances(self, trials: int | None) -> dict[int, float]:
        """As if the trials at a rung were drawn by chance: the share of all that is better than a
        trial of rank r among n is then distributed as Beta(r, n - r + 1)."""
        from scipy.special import betainc  # a sixth of a second, which few processes need

        found: dict[int, float] = {}
        for rung in self.rungs.values():
            count, most = len(rung.arrivals), self._most(rung, trials)
            ranks = [rung.rank(place) for place in rung.paused]
            places = zip(rung.paused, ranks, strict=True)
            likely = betainc(ranks, [count - rank + 1 for rank in ranks], 1 / self.eta)
            for (place, rank), chance in zip(places, likely, strict=True):
                possible = rank <= most and math.isfinite(place[0])
                found[place[2]] = max(float(chance), LEAST / rank) if possible else 0.0
        return found

    def _most(self, rung: Rung, trials: int | None) -> float:
        """How many may go on from a rung in the end, if no more than `trials` are opened."""
        # While it is not known whether the rung says anything, all may.
        undecided = rung.probes > 0 and (rung.correlation is None or rung.blind)
        return math.inf if trials is None or undecided else max(trials // self.eta, 1)

    def expected_paused(self, trials: int) -> float:
        """At the first rung most when as many have come as may go on; there nobody is left at the
        end. At the others those are left who do not go on."""
        possible = trials / self.eta
        above, left = 0.0, float(trials)
        for rung in self.rungs.values():
            on = max(self._expected_on(rung, left), 1.0)
            above += min(left - on, possible) if left < trials else 0.0
            left = on
        return max(above, possible * (1 - 1 / self.eta)) if self.rungs else 0.0

    def evidence(self) -> list[Evidence]:
        return [
            rung.evidence(self._above[epoch], self.last, self.eta)
            for epoch, rung in self.rungs.items()
        ]

    def judge(self, trial: int, rung: int, value: float, *, can_pause: bool) -> Verdict:
        at, can_pause = self.rungs[rung], can_pause and self.pauses
        if at.blind:
            return Verdict(decision=Decision.CONTINUE, reason=self._nothing(at))
        count = len(at.arrivals) + 1
        rank = at.rank((value, len(at.arrivals), trial))
        kept = count // self.eta if can_pause else math.ceil(count / self.eta)
        standing = f"rung {rung}: rank {rank} of {count}"
        if rank <= kept:
            return Verdict(decision=Decision.CONTINUE, reason=f"{standing}, best {kept} go on")
        if at.probing:
            reason = f"{standing}, goes on like all of the first {at.probes}, to audit the rung"
            return Verdict(decision=Decision.CONTINUE, reason=reason)
        held = Verdict(
            decision=Decision.PAUSE if can_pause else Decision.STOP,
            reason=f"{standing}, the first goes on when {self.eta} are there",
        )
        if kept:
            reason = f"{standing}, cut-off {{cutoff}} after rank {kept}"
            held = replace(held, reason=reason, cutoff=at.arrivals[kept - 1][0])
        return self._control(held) if at.controlling else held

    def _control(self, held: Verdict) -> Verdict:
        share = f"{self.audit * 100:.3g}%"
        reason = f"{held.reason}, goes on as a control: {share} do, to audit the rung"
        return replace(held, decision=Decision.CONTINUE, reason=reason)

    def promote(self, *, last: bool, may: May = anyone) -> Promotion | None:
        for epoch, rung in reversed(self.rungs.items()):
            place = _first(rung, may)
            if place is None:
                continue
            count = len(rung.arrivals)
            # With fewer than eta trials a rung would keep nobody, and a small sweep finish none.
            kept = max(count // self.eta, 1) if last else count // self.eta
            rank = rung.rank(place)
            if rank <= kept:
                reason = f"rung {epoch}: rank {rank} of {count}, best {kept} go on"
                return Promotion(trial=place[2], rung=epoch, reason=reason)
            if rung.blind:
                return Promotion(trial=place[2], rung=epoch, reason=self._nothing(rung))
        return None

    def rescue(self, *, may: May = anyone) -> Promotion | None:
        for epoch, rung in reversed(self.rungs.items()):
            place = _first(rung, may)
            if place is not None:
                reason = f"rung {epoch}: the best that is left, so that one trains to the end"
                return Promotion(trial=place[2], rung=epoch, reason=reason)
        return None

    def arrived(self, trial: int, rung: int, value: float, decision: Decision) -> None:
        at = self.rungs.get(rung, self.last)
        at.add(trial, value, decision)
        if (below := self._below.get(at.epoch)) is not None:
            below.learn(trial, value)

    def promoted(self, trial: int, rung: int) -> None:
        at = self.rungs[rung]
        at.leave(trial)
        if at.blind:
            at.free.add(trial)

    def dropped(self, trial: int, rung: int) -> None:
        at = self.rungs[rung]
        at.leave(trial)
        at.stopped += 1

    def _nothing(self, rung: Rung) -> str:
        return (
            f"rung {rung.epoch} says nothing about rung {self._above[rung.epoch].epoch} (rank "
            f"correlation {rung.correlation:.2f} in {len(rung.latest)} trials): all go on"
        )


def _first(rung: Rung, may: May) -> Place | None:
    """The best that waits and may be taken; not who has diverged."""
    for place in rung.paused:
        if math.isinf(place[0]):
            break
        if may(place[2]):
            return place
    return None
