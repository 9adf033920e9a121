"""Brackets of successive halving side by side, each with a later first rung than the one before.

Which trial is in which bracket depends on its number alone, so that a replayed study has the same
brackets.
"""

from __future__ import annotations

import heapq
from collections import Counter
from collections.abc import Iterator
from dataclasses import replace
from itertools import count, islice

from .halving import Halving
from .verdict import Decision, Evidence, May, Promotion, Step, Verdict, anyone


class Brackets:
    """The brackets, and who is in which; one with no rung below the last epoch stops nobody."""

    def __init__(self, brackets: list[Halving], weights: list[int]) -> None:
        self.brackets = brackets
        self._turns = turns(weights)
        self._assigned: list[int] = []  # the brackets of the first trials, as far as asked for

    def bracket(self, trial: int) -> int:
        """The bracket of a trial; trials count from 1."""
        self._assign(trial)
        return self._assigned[trial - 1]

    def next_rung(self, trial: int, epoch: int) -> int:
        return self._bracket(trial).next_rung(trial, epoch)

    def expected_epochs(self, trials: int) -> float:
        shares = self._shares(trials)
        return sum(self.brackets[s].expected_epochs(share) for s, share in shares.items())

    def ladder(self) -> list[Step]:
        """The rungs of all brackets; those at the same epoch count as one."""
        arrived: Counter[int] = Counter()
        paused: Counter[int] = Counter()
        for bracket in self.brackets:
            for step in bracket.ladder():
                arrived[step.epoch] += step.arrived
                paused[step.epoch] += step.paused
        return [Step(epoch=e, arrived=arrived[e], paused=paused[e]) for e in sorted(arrived)]

    def judge(self, trial: int, rung: int, value: float, *, can_pause: bool) -> Verdict:
        verdict = self._bracket(trial).judge(trial, rung, value, can_pause=can_pause)
        return replace(verdict, reason=f"bracket {self.bracket(trial)}, {verdict.reason}")

    def promote(self, *, last: bool, may: May = anyone) -> Promotion | None:
        """Of what the brackets would promote, the highest rung: its trial has come furthest."""
        earned = [
            replace(promotion, reason=f"bracket {s}, {promotion.reason}")
            for s, bracket in enumerate(self.brackets)
            if (promotion := bracket.promote(last=last, may=may)) is not None
        ]
        return max(earned, key=lambda promotion: promotion.rung, default=None)

    def rescue(self, *, may: May = anyone) -> Promotion | None:
        left = [promotion for b in self.brackets if (promotion := b.rescue(may=may)) is not None]
        return max(left, key=lambda promotion: promotion.rung, default=None)

    def chances(self, trials: int | None) -> dict[int, float]:
        shares = self._shares(trials) if trials is not None else {}
        found: dict[int, float] = {}
        for number, bracket in enumerate(self.brackets):
            found |= bracket.chances(None if trials is None else shares[number])
        return found

    def expected_paused(self, trials: int) -> float:
        shares = self._shares(trials)
        return sum(self.brackets[s].expected_paused(share) for s, share in shares.items())

    def evidence(self) -> list[Evidence]:
        """What each rung knows; of those at the same epoch, together."""
        found: dict[int, Evidence] = {}
        for bracket in self.brackets:
            for new in bracket.evidence():
                found[new.epoch] = new + found[new.epoch] if new.epoch in found else new
        return [found[epoch] for epoch in sorted(found)]

    def arrived(self, trial: int, rung: int, value: float, decision: Decision) -> None:
        self._bracket(trial).arrived(trial, rung, value, decision)

    def promoted(self, trial: int, rung: int) -> None:
        self._bracket(trial).promoted(trial, rung)

    def dropped(self, trial: int, rung: int) -> None:
        self._bracket(trial).dropped(trial, rung)

    def _shares(self, trials: int) -> Counter[int]:
        """How many of so many trials each bracket has."""
        self._assign(trials)
        return Counter(self._assigned[:trials])

    def _bracket(self, trial: int) -> Halving:
        return self.brackets[self.bracket(trial)]

    def _assign(self, trials: int) -> None:
        self._assigned += islice(self._turns, max(trials - len(self._assigned), 0))


def graces(eta: int, grace: int, max_epochs: int) -> list[int]:
    """The first rungs of all brackets, up to the last epoch."""
    firsts = [grace]
    while firsts[-1] * eta <= max_epochs:
        firsts.append(firsts[-1] * eta)
    return firsts


def sizes(brackets: int, eta: int) -> list[int]:
    """How many trials each bracket starts in one round, so that all cost about the same.

    Hyperband's n = ⌈(s_max + 1) / (k + 1) × eta^k⌉ (Li et al. 2018, algorithm 1), where k is how
    often a bracket may cut: s_max in bracket 0, never in the last.
    """
    cuts = reversed(range(brackets))
    return [-(-brackets * eta**k // (k + 1)) for k in cuts]


def turns(weights: list[int]) -> Iterator[int]:
    """Endlessly, whose turn it is: however many are taken, each has its share of them.

    The k-th turn of a weight w comes at the moment (k - 1/2) / w (Webster's method); of equal
    moments the first bracket's comes first.
    """
    moments = (_moments(bracket, weight) for bracket, weight in enumerate(weights))
    return (bracket for _, bracket in heapq.merge(*moments))


def _moments(bracket: int, weight: int) -> Iterator[tuple[float, int]]:
    return (((k + 0.5) / weight, bracket) for k in count())
