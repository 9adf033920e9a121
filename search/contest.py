"""Who has come to which rung with what score, as the scheduler and the samplers are to see it.

Both compare numbers, lower being better. For one objective these are its values. For several they
are places in the fronts of all who have come to a rung; those change whenever somebody comes, so
the scheduler is built again with the places of the moment, from what it was told before.
"""

from __future__ import annotations

import math
from collections.abc import Container, Iterable, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Literal

from .fronts import Fronts
from .history import Fit, History, Observation, Observations, Standings
from .objective import BEYOND, Objective, Score
from .record import Record
from .schedulers import Decision, Scheduler
from .space import Config
from .sweep import Sweep


class Contest:
    """The contest for one objective."""

    def __init__(self, sweep: Sweep) -> None:
        self.objective = Objective(sweep.outcomes)
        self.observations = Observations()
        self._sweep = sweep
        self._told: list[_Told] = []
        self._scheduler: Scheduler = sweep.scheduler.build(sweep.max_epochs)

    @classmethod
    def of(cls, sweep: Sweep) -> Contest:
        """The contest of a sweep, for however many objectives."""
        return FrontContest(sweep) if len(sweep.objectives) > 1 else cls(sweep)

    @property
    def scheduler(self) -> Scheduler:
        """The scheduler as of now. To be looked at; what happens goes through the contest."""
        return self._scheduler

    def next_rung(self, trial: int, epoch: int) -> int:
        return self._scheduler.next_rung(trial, epoch)

    def judge(
        self, trial: int, rung: int, score: Score, *, can_pause: bool
    ) -> tuple[Decision, str]:
        """What becomes of a trial that has reached a rung, and why."""
        loss = self.objective.loss(score)
        verdict = self.scheduler.judge(trial, rung, loss, can_pause=can_pause)
        if verdict.cutoff is not None and verdict.cutoff >= BEYOND:
            return verdict.decision, verdict.reason.replace("{cutoff}", "beyond the constraints")
        return verdict.decision, verdict.told(self.objective.sign)

    def arrived(self, known: Record, rung: int, decision: Decision) -> None:
        """A trial has come to a rung, or to the last epoch."""
        loss = self.objective.loss(known.latest)
        self._tell(_Told("arrived", known.id, rung, loss, decision))
        self.observations.note(known.id, known.config, rung, loss)

    def returned(self, known: Record, last: int) -> None:
        """A trial has ended by itself: what it has come to counts as that of the last epoch."""
        self.observations.note(known.id, known.config, last, self.objective.loss(known.latest))

    def diverged(self, known: Record) -> None:
        """A trial has diverged on the way to its next rung."""
        self.observations.diverged(known.id, known.config)
        self._tell(_Told("arrived", known.id, known.until))

    def promoted(self, trial: int, rung: int) -> None:
        """A paused trial goes on."""
        self._tell(_Told("promoted", trial, rung))

    def dropped(self, trial: int, rung: int) -> None:
        """A paused trial never will."""
        self._tell(_Told("dropped", trial, rung))

    def lengthen(self, sweep: Sweep, able: Container[int]) -> None:
        """The last epoch is a later one now, and what was it is a rung, or nothing.

        The scheduler becomes what it would be, had that been so from the beginning; `able`: the
        trials that have come to the last epoch and can go on from there.
        """
        last, self._sweep = self._sweep.max_epochs, sweep
        scheduler = sweep.scheduler.build(sweep.max_epochs)
        told, self._told = self._told, []
        for one in told:
            if one.rung != last or one.what != "arrived":
                self._told.append(one)
            elif scheduler.next_rung(one.trial, last - 1) == last:
                goes_on = Decision.PAUSE if sweep.scheduler.pauses else Decision.CONTINUE
                decision = goes_on if one.trial in able else Decision.STOP
                self._told.append(replace(one, decision=decision))
        self._scheduler = self._rebuilt()

    def _tell(self, told: _Told) -> None:
        self._told.append(told)
        told.to(self._scheduler, told.value)

    def _rebuilt(self) -> Scheduler:
        scheduler: Scheduler = self._sweep.scheduler.build(self._sweep.max_epochs)
        for told in self._told:
            told.to(scheduler, told.value)
        return scheduler


@dataclass(frozen=True, slots=True)
class _Told:
    """What a scheduler was told; a trial that diverged on the way to a rung has no value there."""

    what: Literal["arrived", "promoted", "dropped"]
    trial: int
    rung: int
    value: float = math.inf
    decision: Decision = Decision.STOP

    def to(self, scheduler: Scheduler, value: float) -> None:
        """Tell a scheduler, with the value that it is to see now."""
        match self.what:
            case "arrived":
                scheduler.arrived(self.trial, self.rung, value, self.decision)
            case "promoted":
                scheduler.promoted(self.trial, self.rung)
            case "dropped":
                scheduler.dropped(self.trial, self.rung)


class FrontContest(Contest):
    """The contest for several objectives: by fronts, and within a front by crowding.

    Whoever is judged or may be promoted is ranked among all who are there now, as in MO-ASHA with
    the ranks of NSGA-II (Schmucker et al. 2021, "Multi-objective Asynchronous Successive
    Halving"). Only `History.arrivals` keeps the places of the moment of arrival.
    """

    def __init__(self, sweep: Sweep) -> None:
        super().__init__(sweep)
        self._fronts: dict[int, Fronts] = {}
        self._stale = False  # the scheduler's places are those of before
        self.observations = _Placed(self._fronts)

    @property
    def scheduler(self) -> Scheduler:
        if self._stale:
            self._scheduler, self._stale = self._built(self._fronts), False
        return self._scheduler

    def judge(
        self, trial: int, rung: int, score: Score, *, can_pause: bool
    ) -> tuple[Decision, str]:
        fronts = self._fronts.get(rung, Fronts()).joined(trial, score)
        scheduler = self._built({**self._fronts, rung: fronts})
        place = fronts.values()[trial]
        verdict = scheduler.judge(trial, rung, place, can_pause=can_pause)
        if verdict.cutoff is None:
            return verdict.decision, verdict.reason
        return verdict.decision, verdict.reason.replace("{cutoff}", f"front {int(verdict.cutoff)}")

    def arrived(self, known: Record, rung: int, decision: Decision) -> None:
        place = self._join(known, rung)
        self._tell(_Told("arrived", known.id, rung, place, decision))

    def returned(self, known: Record, last: int) -> None:
        self._join(known, last)

    def _join(self, known: Record, rung: int) -> float:
        """Take a trial in at a rung; its place there now."""
        fronts = self._fronts.setdefault(rung, Fronts())
        fronts.add(known.id, known.latest)
        self._stale = True
        place = fronts.value(known.id)
        self.observations.note(known.id, known.config, rung, place)
        return place

    def _built(self, fronts: Mapping[int, Fronts]) -> Scheduler:
        """The scheduler, had it been told these places from the beginning."""
        scheduler: Scheduler = self._sweep.scheduler.build(self._sweep.max_epochs)
        for told in self._told:
            diverged = math.isinf(told.value)
            place = told.value if diverged else fronts[told.rung].values()[told.trial]
            told.to(scheduler, place)
        return scheduler

    def _rebuilt(self) -> Scheduler:
        return self._built(self._fronts)


class _Placed(Observations):
    """Observations whose values are places in fronts, as of now.

    Results of earlier sweeps, which have no place there, are left out.
    """

    def __init__(self, fronts: Mapping[int, Fronts]) -> None:
        super().__init__()
        self._fronts = fronts
        self._placed: Standings | None = None

    def put(self, observation: Observation) -> None:
        if observation.diverged or self._rungs(observation):
            super().put(observation)
            self._placed = None

    def refit(self, fit: Fit) -> None:
        super().refit(fit)
        self._placed = None

    def history(self, tried: Container[Config] = ()) -> History:
        history = super().history(tried)
        if self._placed is None:
            self._placed = Standings(self._of_now(history.observations))
        return replace(history, observations=self._placed)

    def _of_now(self, observations: Iterable[Observation]) -> Iterator[Observation]:
        for known in observations:
            rungs = self._rungs(known)
            places = {rung: self._fronts[rung].values()[known.trial] for rung in rungs}
            yield replace(known, values=places)

    def _rungs(self, known: Observation) -> list[int]:
        """The rungs where it has a place."""
        fronts = {rung: self._fronts[rung] for rung in known.values if rung in self._fronts}
        return [rung for rung, there in fronts.items() if known.trial in there.scores]
