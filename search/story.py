"""A trial's life as it is told: what was decided about it, and why it is where it is."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import asdict, dataclass
from typing import Any

from .events import finite_or_text
from .record import Status
from .space import Config
from .units import plural


@dataclass(frozen=True, slots=True, kw_only=True)
class Neighbour:
    """Another trial at the same place."""

    trial: int
    value: float


@dataclass(frozen=True, slots=True, kw_only=True)
class Stand:
    """A rank `of` so many; the best `kept` go on, and `cutoff` is the value of the last of them.

    `kept` is None where the scheduler has not said how many, `cutoff` also where nobody does.
    """

    rank: int
    of: int
    kept: int | None = None
    cutoff: float | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Judged:
    """A decision about the trial. `then`, `now`: how it stood there then, and how it stands now.

    `above`, `below`: its neighbours in rank there, now.
    """

    time: float
    place: str
    epoch: int
    value: float
    decision: str
    reason: str
    then: Stand
    now: Stand
    above: Neighbour | None
    below: Neighbour | None

    @property
    def words(self) -> str:
        """Its reason, with values as they were reported: a scheduler's are to be minimised."""
        if self.then.kept is not None:
            return _stood(self, self.then)
        return f"{self.reason.partition(': ')[2] or self.reason}; it had {self.value:.4g}"


@dataclass(frozen=True, slots=True, kw_only=True)
class Happened:
    """Something else in its life, in words."""

    time: float
    what: str


@dataclass(frozen=True, slots=True, kw_only=True)
class Story:
    """A trial's life. Values are as reported; times are in seconds since 1970.

    `status` is that of `Results.status`; `reason` is its latest. `end`: how it stands among those
    that were trained to the last epoch, as one of them. `more`: how many others have to come to
    the place where it waits, none of them better, for it to go on; None where that is not known.
    `alone`: it needs its device to itself. `held`: why nothing trains, if the driver still lives.
    """

    trial: int
    status: Status
    reason: str
    metric: str
    config: Config
    origin: str
    epochs: int
    until: int
    max_epochs: int
    last: float
    best: float
    best_epoch: int
    seconds: float
    attempts: int
    alone: bool
    losses: int
    began: float
    judged: tuple[Judged, ...]
    end: Stand | None
    more: int | None
    happened: tuple[Happened, ...]
    traceback: str
    held: str = ""

    @property
    def decided(self) -> Judged | None:
        """The decision that put it where it is; None where that was something else."""
        last = self.judged[-1] if self.judged else None
        return last if last and last.reason == self.reason else None

    @property
    def answer(self) -> str:
        """Where the trial is, and why, in one sentence."""
        return f"Trial {self.trial} {ANSWERS[self.status](self)}."

    @property
    def otherwise(self) -> str:
        """What would have had to happen for a stopped trial to go on, where that is known."""
        here = self.decided
        if self.status is not Status.STOPPED or self.more == 0 or here is None:
            return ""
        stand = here.now if here.decision == "pause" else here.then
        ways = []
        if stand.cutoff is not None:
            ways.append(f"with a {self.metric} better than {stand.cutoff:.4g} there")
        if self.more is not None:
            ways.append(f"had {_others(self.more)} come there, none of them better")
        return f"It would have gone on {', or '.join(ways)}." if ways else ""

    def as_json(self) -> dict[str, Any]:
        """All of it for scripts; numbers that JSON lacks are words."""
        numbers = finite_or_text({"last": self.last, "best": self.best})
        words = {"answer": self.answer, "otherwise": self.otherwise}
        return {**words, **asdict(self), **numbers}


def _running(story: Story) -> str:
    if not story.epochs:
        return "is in training, and has not reported an epoch yet"
    last = story.until >= story.max_epochs
    due = "nothing is decided before its last" if last else f"decided on at epoch {story.until}"
    return f"is in training: {story.epochs} of {story.max_epochs} epochs, {_last(story)}; {due}"


def _paused(story: Story) -> str:
    here = story.judged[-1]
    return f"waits at epoch {here.epoch}: {_standing(here, here.now)}, and goes on {_when(story)}"


def _waiting(story: Story) -> str:
    when = "it has its device to itself" if story.alone else "a slot is free"
    return (
        f"lost its place ({story.reason}), and goes on after epoch {story.epochs} as soon as "
        f"{when}"
    )


def _stopped(story: Story) -> str:
    here = story.decided
    if here is None:  # by hand
        return f"was stopped after {plural(story.epochs, 'epoch')}: {story.reason}{_best(story)}"
    if here.decision == "pause":
        late = story.more == 0
        never = "the sweep ended before it went on" if late else "never went on"
        return f"was paused at epoch {here.epoch} and {never}: {_stood(here, here.now)}"
    return f"was stopped at epoch {here.epoch}: {here.words}"


def _completed(story: Story) -> str:
    whole = story.epochs >= story.max_epochs
    end = "was trained to its end" if whole else story.reason
    among = f", rank {story.end.rank} of the {story.end.of} that were" if story.end else ""
    return f"{end}: {_last(story)} after {plural(story.epochs, 'epoch')}{among}{_best(story)}"


def _diverged(story: Story) -> str:
    return f"{story.reason}{_best(story)}"


def _failed(story: Story) -> str:
    return f"failed after {plural(story.epochs, 'epoch')}: {story.reason}{_best(story)}"


def _standing(here: Judged, stand: Stand) -> str:
    """`rank 12 of 29 there, the best 9 go on (cut-off 0.412); it has 0.455`."""
    go = "goes on" if stand.kept == 1 else "go on"
    return f"rank {stand.rank} of {stand.of} there{_kept(stand, go)}; it has {here.value:.4g}"


def _stood(here: Judged, stand: Stand) -> str:
    """The same of what is over."""
    kept = _kept(stand, "went on")
    return f"rank {stand.rank} of {stand.of} there{kept}; it had {here.value:.4g}"


def _kept(stand: Stand, go: str) -> str:
    if stand.kept is None:
        return ""
    if not stand.kept:
        return ", too few for one to go on"
    cutoff = "" if stand.cutoff is None else f" (cut-off {stand.cutoff:.4g})"
    return f", the best {'one' if stand.kept == 1 else stand.kept} {go}{cutoff}"


def _when(story: Story) -> str:
    if story.more is None:
        return "when its rank is good enough"
    if story.more == 0:
        return "as soon as a slot is free"
    have = "has" if story.more == 1 else "have"
    return f"when {_others(story.more)} {have} come there, none of them better"


def _others(count: int) -> str:
    return "another" if count == 1 else f"{count} others"


def _last(story: Story) -> str:
    return f"{story.metric} {story.last:.4g}"


def _best(story: Story) -> str:
    if not story.best_epoch:
        return ""
    return f"; its best was {story.best:.4g} at epoch {story.best_epoch}"


ANSWERS: dict[Status, Callable[[Story], str]] = {
    Status.RUNNING: _running,
    Status.PAUSED: _paused,
    Status.WAITING: _waiting,
    Status.STOPPED: _stopped,
    Status.COMPLETED: _completed,
    Status.DIVERGED: _diverged,
    Status.FAILED: _failed,
}
