from __future__ import annotations

from typing import Any

import pytest

from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.audit import Audit, audit, sentences
from nightsweep.search.events import Event


def study(record: Any = None, **changes: Any) -> Study:
    """Rungs at 1 and 3 of 9 epochs; the first eight all pass the first."""
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "max_epochs": 9,
        "trials": 8,
        "sampler": "random",
    }
    return Study(Sweep(**values | changes), record)


def train(search: Study, first: list[float], later: list[float]) -> Study:
    """All at once to the end: trial n has `first[n - 1]` at epoch 1, `later[n - 1]` from then."""
    trials = {trial.id: trial.epoch for _ in first if (trial := search.ask())}
    while trials:
        for number in sorted(trials):
            trials[number] += 1
            loss = (first if trials[number] == 1 else later)[number - 1]
            if search.report(number, trials[number], {"loss": loss}) is not Decision.CONTINUE:
                del trials[number]
        while again := search.ask():
            trials[again.id] = again.epoch
    return search


ORDER = [0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8]
SHUFFLED = [0.4, 0.2, 0.8, 0.6, 0.1, 0.3, 0.7, 0.5]


def test_a_rung_that_agrees_with_the_next_has_correlation_1_and_stops_nobody_wrongly() -> None:
    (first,) = audit(train(study(), ORDER, ORDER))
    assert (first.epoch, first.next, first.trials, first.correlation) == (1, 3, 8, 1.0)
    assert (first.controls, first.wrong, first.warning) == (6, 0, ""), "the best 8 // 3 go on"
    assert first.final is None, "fewer than five have come to the last epoch"


def test_a_rung_that_says_little_is_warned_of() -> None:
    (first,) = audit(train(study(), ORDER, SHUFFLED))
    # Ranks 4 2 8 6 1 3 7 5 for 1 to 8: differences squared 9 0 25 4 16 9 0 9, 1 - 6 * 72 / 504.
    assert first.correlation == pytest.approx(1 - 6 * 72 / 504)
    assert (first.controls, first.wrong) == (6, 1), "trial 5, the best at epoch 3"
    assert first.warning == (
        "epoch 1 says little about epoch 3 (rank correlation 0.14 in 8 trials); set grace: 3"
    )


def test_with_one_rung_the_last_epoch_is_the_next_and_no_stopping_the_advice() -> None:
    (first,) = audit(train(study(max_epochs=3), ORDER, ORDER[::-1]))
    assert (first.next, first.correlation, first.final) == (3, -1.0, -1.0)
    assert first.warning.endswith("; set scheduler: none")


def test_controls_that_come_out_among_the_best_are_warned_of() -> None:
    later = [0.7, 0.8, 0.1, 0.2, 0.9, 1.0, 1.1, 1.2]
    (first,) = audit(train(study(scheduler={"name": "asha", "eta": 4}), ORDER, later))
    assert (first.correlation or 0.0) > 0.3
    assert (first.controls, first.wrong) == (6, 2)
    assert first.warning == (
        "of 6 controls that epoch 1 would have stopped, 2 were among the best 1/4 at epoch 4; "
        "set grace: 4"
    )


def test_a_replayed_study_is_audited_alike() -> None:
    events: list[Event] = []
    whole = train(study(events.append), ORDER, SHUFFLED)
    assert audit(Study.replay(whole.sweep, events)) == audit(whole) != []


def test_with_goal_maximize_it_is_the_same() -> None:
    upward = study(metric={"name": "loss", "goal": "maximize"})
    turned = ([-loss for loss in ORDER], [-loss for loss in SHUFFLED])
    assert audit(train(upward, *turned)) == audit(train(study(), ORDER, SHUFFLED))


@pytest.mark.parametrize(
    "scheduler", ["none", "median", "hyperband", {"name": "asha", "audit": 0}]
)
def test_without_controls_there_is_nothing_to_say(scheduler: Any) -> None:
    assert audit(train(study(scheduler=scheduler), ORDER, SHUFFLED)) == []


def rung(**changes: Any) -> Audit:
    values: dict[str, Any] = {
        "epoch": 1,
        "next": 3,
        "trials": 14,
        "correlation": 0.81,
        "final": None,
        "controls": 6,
        "wrong": 1,
        "warning": "",
    }
    return Audit(**values | changes)


def test_where_all_is_well_one_sentence_says_so() -> None:
    rungs = [rung(), rung(epoch=3, next=9, correlation=0.93, controls=3, wrong=0)]
    assert sentences(rungs) == [
        "Early stopping agreed with the next rung: rank correlation 0.81 at epoch 1, 0.93 at "
        "epoch 3; 1 of 9 controls would have gone on."
    ]


def test_where_something_is_wrong_only_that_is_said() -> None:
    rungs = [rung(warning="epoch 1 says little; set grace: 3"), rung(epoch=3)]
    assert sentences(rungs) == ["Epoch 1 says little; set grace: 3."]


def test_where_too_few_trials_tell_nothing_is_said() -> None:
    assert sentences([rung(correlation=None)]) == sentences([]) == []
