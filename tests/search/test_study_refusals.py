"""Calls that make no sense are refused, and change nothing."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from nightsweep.search import Float, Study, Sweep
from nightsweep.search.errors import StudyError, SweepError
from nightsweep.search.events import Event

SWEEP = Sweep(
    metric="loss",
    parameters={"x": Float(min=0.0, max=1.0)},
    max_epochs=9,
    trials=9,
    sampler="random",
    scheduler={"name": "asha", "audit": 0},
)


def state(study: Study) -> str:
    """All that can be seen of a study."""
    return repr((study.sweep, study.trials, study.trained, study.best, study.ladder))


def test_a_refused_change_is_neither_made_nor_recorded() -> None:
    events: list[Event] = []
    study = Study(SWEEP, events.append)
    with pytest.raises(SweepError, match="trials: must be at least 1, not 0"):
        study.change(trials=0)
    with pytest.raises(StudyError, match=r"^seed cannot be changed in a run; what can: trials, "):
        study.change(seed=1)
    assert (events, study.sweep.trials) == ([], 9)


MISTAKES: dict[str, tuple[Callable[[Study], object], str]] = {
    "unknown trial": (lambda s: s.report(9, 1, {"loss": 0.1}), "there is no trial 9"),
    "unknown trial fails": (lambda s: s.fail(9, "lost"), "there is no trial 9"),
    "same epoch": (
        lambda s: s.report(1, 2, {"loss": 0.1}),
        "trial 1 reported epoch 2 after epoch 2",
    ),
    "epoch 0": (lambda s: s.report(2, 0, {"loss": 0.1}), "trial 2 reported epoch 0 after epoch 0"),
    "missing metric": (lambda s: s.report(1, 3, {"acc": 0.9}), "trial 1 reported no loss"),
    "nothing reported": (
        lambda s: s.finish(2),
        "trial 2 finished without a report; call fail instead",
    ),
    "paused": (lambda s: s.report(3, 9, {"loss": 0.1}), "trial 3 is paused, not running"),
    "left": (lambda s: s.interrupt(3, "lost"), "trial 3 is paused, not running"),
    "ended": (lambda s: s.stop(4, "by hand"), "trial 4 is failed, and cannot be stopped any more"),
    "fails twice": (lambda s: s.fail(4, "again"), "trial 4 is failed, and cannot fail any more"),
}


@pytest.mark.parametrize("mistake", MISTAKES)
def test_a_call_that_makes_no_sense_is_refused_and_changes_nothing(mistake: str) -> None:
    events: list[Event] = []
    study = Study(SWEEP, events.append)
    assert all(study.ask() for _ in range(4))
    study.report(1, 1, {"loss": 0.1}, checkpoint=False)
    study.report(1, 2, {"loss": 0.1}, checkpoint=False)
    study.report(3, 1, {"loss": 0.5})
    study.fail(4, "raised ValueError")
    before, recorded = state(study), len(events)
    call, message = MISTAKES[mistake]
    with pytest.raises(StudyError) as caught:
        call(study)
    assert str(caught.value) == message
    assert (state(study), len(events)) == (before, recorded)
