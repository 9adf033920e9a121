from __future__ import annotations

import math

import pytest

from nightsweep.search.schedulers import Decision
from nightsweep.search.schedulers.rung import LATEST, Rung

CONTINUE, PAUSE, STOP = Decision.CONTINUE, Decision.PAUSE, Decision.STOP


def filled(decisions: list[Decision], *, probes: int = 0, every: int = 0) -> Rung:
    """Trials 1, 2, ... with values 1, 2, ..."""
    rung = Rung(epoch=1, probes=probes, every=every)
    for trial, decision in enumerate(decisions, start=1):
        rung.add(trial, float(trial), decision)
    return rung


def test_those_gone_are_neither_paused_nor_stopped() -> None:
    assert filled([CONTINUE, PAUSE, STOP, CONTINUE]).gone == 2


def test_probes_and_each_so_many_th_are_free_if_they_went_on() -> None:
    went = filled([CONTINUE] * 9, probes=2, every=4)
    assert went.free == {1, 2, 4, 8}
    assert filled([STOP, PAUSE, CONTINUE, PAUSE], probes=2, every=4).free == set()


def test_only_the_latest_pairs_count() -> None:
    rung = filled([CONTINUE] * (2 * LATEST), probes=2 * LATEST)
    for trial in range(1, LATEST + 1):
        rung.learn(trial, -float(trial))
    assert rung.blind
    for trial in range(LATEST + 1, 2 * LATEST + 1):
        rung.learn(trial, float(trial))
    assert rung.correlation == pytest.approx(1.0)


def test_a_diverged_trial_is_never_among_the_best() -> None:
    rung = Rung(epoch=1)
    rung.add(1, math.inf, STOP)
    rung.add(2, math.inf, STOP)
    assert not rung.among_best(1, eta=2)
    rung.add(3, 0.5, PAUSE)
    assert rung.among_best(3, eta=2)


def test_who_does_not_wait_cannot_leave() -> None:
    rung = filled([PAUSE, CONTINUE, PAUSE])
    with pytest.raises(ValueError, match="trial 2 does not wait at rung 1"):
        rung.leave(2)
    rung.leave(1)
    assert [trial for _, _, trial in rung.paused] == [3]
