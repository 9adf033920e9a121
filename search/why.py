"""Why a trial is where it is: its life, from the journal alone.

Of a scheduler nothing is known here but what it wrote down: the reasons of its decisions, and the
values at the epochs where they were taken. A reason begins with the place where trials are
compared ("rung 9", "bracket 1, rung 9"); the ranks in it are those of its moment.
"""

from __future__ import annotations

import math
import re
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from pathlib import Path

from . import journal
from .errors import NightsweepError
from .events import Asked, Cause, Event, Failed, Finished, Interrupted, Reported, Started, Stopped
from .fronts import Fronts
from .journal import Entry
from .ledger import Ledger
from .objective import Objective
from .order import check, follow
from .record import Record, Status
from .runfolder import RunFolder
from .story import Happened, Judged, Neighbour, Stand, Story
from .study import Decision, Study
from .sweep import Sweep
from .units import duration

PLACE = re.compile(r"(?:\w+ \d+, )*\w+ \d+")
RANK = re.compile(r"\brank (\d{1,9}) of (\d{1,9})")
KEPT = re.compile(r"\bbest (\d{1,9}) go on|\bafter rank (\d{1,9})|\bthe first goes on when")
ALL = re.compile(r"\ball go on")


def load(run: Path, trial: int) -> Story:
    """The story of a trial in a run folder. Errors: RunFolderError, JournalError, as `why`."""
    folder = RunFolder.open(run)
    return why(folder.sweep(), journal.read(folder.journal), trial, str(folder.journal))


def why(sweep: Sweep, entries: Iterable[Entry], trial: int, path: str = "journal") -> Story:
    """The story of a trial. Errors: NightsweepError where there is none of that number.

    JournalError, with path and line, where an entry contradicts those before it.
    """
    teller = _Teller(sweep, trial)
    for line, entry in enumerate(entries, start=1):
        teller.take(entry, f"{path}:{line}")
    return teller.story()


@dataclass(slots=True)
class _Place:
    """Where trials are compared at an epoch: who has come, and what reasons have said of it."""

    epoch: int
    metric: str
    objective: Objective
    arrivals: dict[int, Reported] = field(default_factory=dict)
    kept: int | None = None
    lost: int = 0  # diverged on the way, as far as reasons have counted them

    def heard(self, reason: str) -> None:
        """Take from a reason how many are compared, and how many of them go on."""
        if found := RANK.search(reason):
            self.lost = max(self.lost, int(found[2]) - len(self.arrivals))
        if found := KEPT.search(reason):
            self.kept = int(found[1] or found[2] or 0)
        elif ALL.search(reason):
            self.kept = None

    def ranking(self) -> list[int]:
        """The trials, best first; equal ones in the order in which they came."""
        score = self.objective.score
        scores = {trial: score(event.metrics) for trial, event in self.arrivals.items()}
        if self.objective.several:
            return sorted(scores, key=Fronts(scores).values().__getitem__)
        return sorted(scores, key=lambda trial: self.objective.loss(scores[trial]))

    def stand(self, ranking: list[int], trial: int) -> Stand:
        cutoff = None
        if self.kept and self.kept <= len(ranking) and not self.objective.several:
            cutoff = self.value(ranking[self.kept - 1])
        of = len(ranking) + self.lost
        return Stand(rank=ranking.index(trial) + 1, of=of, kept=self.kept, cutoff=cutoff)

    def value(self, trial: int) -> float:
        return self.arrivals[trial].metrics[self.metric]

    def neighbour(self, ranking: list[int], index: int) -> Neighbour | None:
        if not 0 <= index < len(ranking):
            return None
        return Neighbour(trial=ranking[index], value=self.value(ranking[index]))


@dataclass(slots=True)
class _Decided:
    """A decision about the trial, as long as what comes after it is not known."""

    time: float
    place: str
    event: Reported
    then: Stand


class _Teller:
    """Follows a journal with a study, and looks at each event before the study changes."""

    def __init__(self, sweep: Sweep, trial: int) -> None:
        self.trial = trial
        self.study = Study(sweep)
        self.ledger = Ledger()
        self.began = math.nan
        self._metric = sweep.metric.name
        self._objective = Objective(sweep.outcomes)
        self._places: dict[str, _Place] = {}
        self._diverged: Counter[int] = Counter()  # by the epoch at which a decision was due
        self._decided: list[_Decided] = []
        self._happened: list[Happened] = []
        self._losses = 0  # how often something befell it
        self._paused = math.nan  # since when

    def take(self, entry: Entry, line: str) -> None:
        """The next line of the journal. Errors: JournalError where it contradicts those before."""
        time, event = entry
        check(self.study.state, event, line)
        if isinstance(event, Reported):
            self._reported(time, event)
        elif isinstance(event, Asked) and (place := self._places.get(_named(event.reason))):
            place.heard(event.reason)
        if getattr(event, "trial", None) == self.trial and (what := self._words(time, event)):
            self._happened.append(Happened(time=time, what=what))
        follow(self.study.state, event, line)
        self.ledger.add(time, event)
        self.began = time if math.isnan(self.began) else self.began

    def story(self) -> Story:
        """All of it. Errors: NightsweepError where there is no such trial."""
        trials = self.study.trials
        if self.trial not in trials:
            some = f"they count from 1 to {len(trials)}" if trials else "none has begun yet"
            raise NightsweepError(f"there is no trial {self.trial} in this run; {some}")
        known, page = trials[self.trial], self.ledger.pages[self.trial]
        judged = tuple(self._judged(decided) for decided in self._decided)
        paused = known.status is Status.PAUSED
        return Story(
            trial=known.id,
            status=self.ledger.status(known),
            reason=known.reason,
            metric=self._metric,
            config=known.config,
            origin=known.origin,
            epochs=known.epoch,
            until=known.until,
            max_epochs=self.study.sweep.max_epochs,
            last=known.last,
            best=known.best,
            best_epoch=known.best_epoch,
            seconds=page.seconds,
            attempts=known.attempts,
            alone=known.alone,
            losses=self._losses,
            began=self.began,
            judged=judged,
            end=self._end(known),
            more=self._more(judged[-1].now) if paused else None,
            happened=tuple(self._happened),
            traceback=page.traceback,
            held=self.ledger.held,
        )

    def _reported(self, time: float, event: Reported) -> None:
        known = self.study.trials[event.trial]
        if self._objective.unusable(event.metrics) is not None:
            self._diverged[known.until] += 1
        elif known.until <= event.epoch < self.study.sweep.max_epochs:
            name = _named(event.reason) or f"epoch {known.until}"
            new = _Place(known.until, self._metric, self._objective)
            place = self._places.setdefault(name, new)
            place.arrivals[known.id] = event
            place.heard(event.reason)
            if known.id == self.trial:
                self._decided.append(_Decided(time, name, event, self._then(place, event)))

    def _then(self, place: _Place, event: Reported) -> Stand:
        """How it stands at its arrival: what the reason says, and what follows from the values."""
        then = place.stand(place.ranking(), self.trial)
        if found := RANK.search(event.reason):
            then = replace(then, rank=int(found[1]), of=int(found[2]))
        return then if KEPT.search(event.reason) else replace(then, kept=None, cutoff=None)

    def _words(self, time: float, event: Event) -> str:
        """What an event of the trial says, where it is no decision."""
        known = self.study.trials.get(self.trial)
        match event:
            case Asked(config=None) if known and known.status is Status.PAUSED:
                waited = duration(time - self._paused)
                return f"went on after {waited} at epoch {event.epoch}: {event.reason}"
            case Asked(config=None):
                return f"went on after epoch {event.epoch}"
            case Asked():
                return f"was proposed: {event.reason}"
            case Started():
                attempt = f", attempt {event.attempt}" if event.attempt > 1 else ""
                return f"was taken up on {event.host}, {event.device}{attempt}"
            case Interrupted():
                self._losses += bool(event.cause)
                lost = {Cause.NONE: "lost its place: ", Cause.LOST: "lost its worker: "}
                what = lost.get(Cause(event.cause), "") + event.reason
                how = ", its device to itself" if event.alone else ""
                how += f", each batch in {event.split} parts" if event.split > 1 else ""
                return f"{what}; goes on after epoch {event.epoch}{how}"
            case Stopped():
                return event.reason
            case Failed():
                return f"failed: {event.reason}"
            case Finished():
                return event.reason
            case Reported():
                if event.decision == Decision.PAUSE:
                    self._paused = time
                last = event.epoch >= self.study.sweep.max_epochs
                ends = last or self._objective.unusable(event.metrics) is not None
                return event.reason if ends else ""
        return ""

    def _judged(self, decided: _Decided) -> Judged:
        place = self._places[decided.place]
        if [other.epoch for other in self._places.values()].count(place.epoch) == 1:
            place.lost = self._diverged[place.epoch]
        ranking = place.ranking()
        index = ranking.index(self.trial)
        return Judged(
            time=decided.time,
            place=decided.place,
            epoch=place.epoch,
            value=decided.event.metrics[self._metric],
            decision=decided.event.decision,
            reason=decided.event.reason,
            then=decided.then,
            now=place.stand(ranking, self.trial),
            above=place.neighbour(ranking, index - 1),
            below=place.neighbour(ranking, index + 1),
        )

    def _end(self, known: Record) -> Stand | None:
        whole = self.study.sweep.max_epochs
        ended = [
            trial
            for trial in self.study.trials.values()
            if trial.status is Status.COMPLETED and trial.epoch >= whole
        ]
        if known not in ended or self._objective.several:
            return None
        sign = self._objective.sign
        ahead = sum(sign * other.last < sign * known.last for other in ended)
        return Stand(rank=ahead + 1, of=len(ended))

    def _more(self, stand: Stand) -> int | None:
        """The best 1/eta of all go on: so many have to come that its rank is one of them."""
        eta = getattr(self.study.sweep.scheduler, "eta", None)
        if stand.kept is None or eta is None:
            return None
        return max(stand.rank * eta - stand.of, 0) if stand.rank > stand.kept else 0


def _named(reason: str) -> str:
    """The place with which a reason begins."""
    found = PLACE.match(reason)
    return found[0] if found else ""
