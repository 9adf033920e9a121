from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search import Decision, Float, Sweep
from nightsweep.search.contest import Contest, FrontContest
from nightsweep.search.history import Observation
from nightsweep.search.objective import Score
from nightsweep.search.record import Record

CONTINUE, PAUSE, STOP = Decision.CONTINUE, Decision.PAUSE, Decision.STOP
BOTH = ["a", "b"]
LIMITED = ["a", {"name": "memory", "max": 100}]


def contest(metric: Any, **changes: Any) -> Contest:
    """Rungs at 1 and 3 of 9 epochs."""
    values = {
        "metric": metric,
        "parameters": {"x": Float(min=0.0, max=1.0)},
        "max_epochs": 9,
        "scheduler": {"name": "asha", "audit": 0.0},
    }
    return Contest.of(Sweep(**(values | changes)))


def record(trial: int, *values: float, violation: float = 0.0) -> Record:
    config = {"x": trial / 100}
    known = Record(id=trial, config=config, origin="", latest=Score(violation, values))
    known.until = 1
    return known


def filled(metric: Any, *records: Record, **changes: Any) -> Contest:
    """All have come to rung 1, and wait there."""
    found = contest(metric, **changes)
    for known in records:
        found.observations.began(known.id, known.config)
        found.arrived(known, 1, PAUSE)
    return found


def promoted(found: Contest, count: int) -> list[int]:
    """Who goes on, one after the other."""
    trials = []
    for _ in range(count):
        promotion = found.scheduler.promote(last=False)
        if promotion is None:
            break
        found.promoted(promotion.trial, promotion.rung)
        trials.append(promotion.trial)
    return trials


def values(found: Contest, rung: int = 1) -> dict[int, float | None]:
    """What a sampler sees."""
    return {o.trial: o.at(rung) for o in found.observations.history().observations}


def test_one_objective_needs_no_fronts() -> None:
    assert not isinstance(contest("a"), FrontContest)
    assert not isinstance(contest(LIMITED), FrontContest)
    assert isinstance(contest(BOTH), FrontContest)


def test_one_objectives_values_are_seen_as_they_are() -> None:
    found = filled("a", record(1, 0.5), record(2, 0.25))
    assert values(found) == {1: 0.5, 2: 0.25}


def test_who_misses_a_constraint_goes_on_after_all_others() -> None:
    records = [record(1, 0.1, violation=0.2), record(2, 9.0), record(3, 0.2, violation=0.1)]
    found = filled(LIMITED, *records, record(4, 8.0), *(record(n, 9.0 + n) for n in range(5, 10)))
    assert promoted(found, 9) == [4, 2, 5]
    seen = found.observations.history().observations
    assert [o.trial for o in sorted(seen, key=lambda o: o.values[1])][-2:] == [3, 1]


def test_a_cutoff_beyond_the_constraints_is_told_in_words() -> None:
    found = filled(LIMITED, *(record(n, 0.1, violation=n) for n in range(1, 6)))
    _, reason = found.judge(6, 1, Score(9.0, (0.1,)), can_pause=True)
    assert reason == "rung 1: rank 6 of 6, cut-off beyond the constraints after rank 2"


def test_trials_go_on_by_fronts_and_room() -> None:
    rows = [(5.0, 5.0), (1.0, 4.0), (2.0, 3.0), (2.5, 2.0), (4.0, 1.0), (6.0, 6.0)]
    found = filled(BOTH, *(record(n, *row) for n, row in enumerate(rows, 1)))
    assert promoted(found, 6) == [2, 5]


def test_an_early_arrival_that_is_beaten_later_loses_its_place() -> None:
    """Places are those of now: at its arrival trial 1 was alone, and in the first front."""
    later = [record(n, 5.0 - n / 10, 5.0 - n / 10) for n in range(2, 7)]
    found = filled(BOTH, record(1, 9.0, 9.0), *later)
    assert promoted(found, 6) == [6, 5]
    assert values(found)[1] == max(v for v in values(found).values() if v is not None)


def test_who_is_judged_is_ranked_among_all_who_are_there() -> None:
    found = filled(BOTH, *(record(n, float(n), float(n)) for n in range(1, 6)))
    answers = {
        point: found.judge(6, 1, Score(0.0, point), can_pause=True)
        for point in [(0.0, 9.0), (0.5, 0.5), (9.0, 9.0)]
    }
    assert answers == {
        (0.0, 9.0): (CONTINUE, "rung 1: rank 2 of 6, best 2 go on"),
        (0.5, 0.5): (CONTINUE, "rung 1: rank 1 of 6, best 2 go on"),
        (9.0, 9.0): (PAUSE, "rung 1: rank 6 of 6, cut-off front 2 after rank 2"),
    }


def test_judging_changes_nothing() -> None:
    found = filled(BOTH, *(record(n, float(n), float(n)) for n in range(1, 4)))
    before = (values(found), found.scheduler.ladder())
    found.judge(4, 1, Score(0.0, (0.0, 0.0)), can_pause=True)
    assert (values(found), found.scheduler.ladder()) == before


def test_samplers_see_the_places_of_now_and_arrivals_those_of_then() -> None:
    found = filled(BOTH, record(1, 2.0, 2.0), record(2, 1.0, 1.0))
    assert values(found) == {1: 2.0, 2: 1.0}
    assert [o.values[1] for o in found.observations.history().arrivals] == [1.0, 1.0]


def test_results_of_earlier_sweeps_have_no_place() -> None:
    found = filled(BOTH, record(1, 2.0, 2.0))
    found.observations.put(Observation(trial=-5, config={"x": 0.5}, values={1: 0.25}))
    history = found.observations.history()
    assert [o.trial for o in (*history.observations, *history.arrivals)] == [1, 1]


def test_who_diverged_is_the_worst_and_never_goes_on() -> None:
    found = filled(BOTH, *(record(n, float(n), float(n)) for n in range(1, 3)))
    found.observations.began(3, {"x": 0.5})
    found.diverged(record(3))
    assert values(found) == {1: 1.0, 2: 2.0, 3: float("inf")}
    assert promoted(found, 3) == [1]


def test_who_failed_while_it_waited_never_goes_on() -> None:
    found = filled(BOTH, *(record(n, float(n), float(n)) for n in range(1, 4)))
    found.dropped(1, 1)
    assert promoted(found, 3) == []
    assert [step.paused for step in found.scheduler.ladder()] == [2, 0]


def test_who_returned_of_its_own_accord_counts_at_the_last_epoch() -> None:
    found = filled(BOTH, record(1, 1.0, 2.0))
    found.returned(record(1, 0.5, 0.5), 9)
    assert values(found, rung=9) == {1: 1.0}


@pytest.mark.parametrize(("scheduler", "decision"), [("median", STOP), ("none", CONTINUE)])
def test_other_schedulers_are_told_fronts_too(scheduler: str, decision: Decision) -> None:
    found = contest(BOTH, scheduler=scheduler)
    rung = found.next_rung(1, 0)
    for n in range(1, 8):
        found.arrived(record(n, float(n), float(n)), rung, CONTINUE)
    assert found.judge(8, rung, Score(0.0, (9.0, 9.0)), can_pause=True)[0] is decision
    assert found.judge(8, rung, Score(0.0, (9.0, 0.0)), can_pause=True)[0] is CONTINUE
