"""What a slot is given as the end of a sweep nears. Every epoch takes ten seconds."""

from __future__ import annotations

import math
from collections.abc import Callable
from statistics import fmean
from typing import Any

import pytest

from nightsweep.search import Study, Sweep
from nightsweep.search.events import Event
from nightsweep.search.pace import SLACK
from nightsweep.search.plan import PowerLaw
from nightsweep.search.record import Status
from nightsweep.search.simulate import Worker, simulate

EPOCH = 10.0


def new(record: Callable[[Event], None] | None = None, **changes: Any) -> Study:
    """A study of random search by time; rungs at 1 and 3 of 9 epochs."""
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": {"min": 0.0, "max": 1.0}},
        "max_epochs": 9,
        "time": "9h",
        "sampler": "random",
        "scheduler": {"name": "asha", "audit": 0},
    }
    return Study(Sweep(**(values | changes)), record)


def enough_for(epochs: int) -> float:
    """Seconds in which so many epochs can be trained, and none more."""
    return epochs * EPOCH * SLACK + 0.01


def train(study: Study, *losses: float) -> None:
    """Train new trials to their first rung; there are few, and none better than the first."""
    for loss in losses:
        trial = study.ask()
        assert trial is not None
        study.report(trial.id, 1, {"loss": loss}, seconds=EPOCH)


def asked(study: Study, left: float | None) -> tuple[int, int] | None:
    """Trial and epoch of what starts with so many seconds left."""
    trial = study.ask(left=left)
    return (trial.id, trial.epoch) if trial else None


def test_while_no_epoch_was_trained_a_trial_starts_however_little_is_left() -> None:
    assert asked(new(), 0.1) == (1, 0)


def test_a_new_trial_starts_if_it_can_come_to_its_second_rung() -> None:
    study = new()
    train(study, 0.5)
    assert asked(study, enough_for(3)) == (2, 0)


def test_a_new_trial_that_cannot_is_not_opened() -> None:
    study = new()
    train(study, math.nan)
    assert asked(study, enough_for(2)) is None
    assert asked(study, None) == (2, 0)


def test_then_leaders_are_finished_as_at_the_end_of_a_sweep() -> None:
    study = new()
    train(study, 0.4, 0.5)
    assert asked(study, enough_for(2)) == (1, 1)  # of two the rung keeps none before
    assert study.trials[1].reason == "rung 1: rank 1 of 2, best 1 go on"


def test_who_has_come_furthest_comes_first_if_the_next_rung_is_near_enough() -> None:
    study = new(trials=3)
    train(study, 0.3, 0.4, 0.5)
    assert asked(study, None) == (1, 1)
    study.report(1, 3, {"loss": 0.2}, seconds=EPOCH)
    assert asked(study, enough_for(6)) == (1, 3)
    study.interrupt(1, "its worker died")
    assert asked(study, enough_for(5)) == (2, 1)  # trial 1 needs six epochs
    assert asked(study, enough_for(1)) is None


def test_a_slot_without_other_work_takes_the_best_that_is_left() -> None:
    study = new()
    train(study, 0.3, 0.4, 0.5)
    assert [asked(study, enough_for(2)) for _ in range(4)] == [(1, 1), (2, 1), (3, 1), None]
    assert study.trials[2].reason == "rung 1: the best that can still come to the next one"


def test_a_device_is_made_free_for_the_best_that_is_left_if_it_needs_that() -> None:
    study = new()
    first = study.ask()
    assert first is not None
    study.interrupt(first.id, "ran out of memory", alone=True)
    train(study, 0.4, 0.3)
    assert asked(study, enough_for(2)) == (2, 1)
    assert study.wants_alone(enough_for(2))
    assert study.ask(alone=False, left=enough_for(2)) is None
    assert asked(study, enough_for(2)) == (1, 1)


def test_a_trial_s_own_pace_decides_where_it_is_known() -> None:
    study = new()
    train(study, 0.4, 0.5)
    slow = study.ask()
    assert slow is not None
    study.report(slow.id, 1, {"loss": 0.1}, seconds=10 * EPOCH)
    study.interrupt(slow.id, "its worker died", epoch=1)  # it was to go on
    assert asked(study, enough_for(2)) == (1, 1)


def test_who_lost_their_place_does_not_go_on_in_vain_either() -> None:
    study = new(scheduler={"name": "asha", "audit": 0, "grace": 3})
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 1, {"loss": 0.5}, seconds=EPOCH)
    study.interrupt(trial.id, "its worker died", epoch=1)
    assert asked(study, enough_for(1)) is None
    assert asked(study, enough_for(2)) == (1, 1)


def test_where_nobody_is_stopped_early_only_whole_trials_are_begun() -> None:
    study = new(scheduler="none")
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 1, {"loss": 0.5}, seconds=EPOCH)
    assert asked(study, enough_for(8)) is None
    assert asked(study, enough_for(9)) == (2, 0)


def test_a_sweep_whose_time_is_nearly_over_is_not_finished() -> None:
    study = new(trials=2, time=None, deadline="07:00")
    train(study, 0.5)
    assert asked(study, enough_for(1)) is None
    assert study.unfinished


def test_one_that_has_nothing_left_is() -> None:
    study = new(trials=1, max_epochs=1)
    trial = study.ask()
    assert trial is not None
    study.report(trial.id, 1, {"loss": 0.5}, seconds=EPOCH)
    assert not study.unfinished


def test_decisions_in_the_last_hour_are_replayed_like_all_others() -> None:
    events: list[Event] = []
    study = new(events.append)
    for _ in simulate(study, PowerLaw(study.sweep), [Worker()] * 3, ends=40.0):
        pass
    again = Study.replay(study.sweep, events)
    assert [(k.id, k.epoch, k.status, k.reason) for k in again.trials.values()] == [
        (k.id, k.epoch, k.status, k.reason) for k in study.trials.values()
    ]
    assert again.state.pace.epoch(1) == study.state.pace.epoch(1)


def night(seed: int, *, told: bool, slots: int = 8, hours: float = 81.0) -> tuple[float, int]:
    """The best of a simulated night, and the epochs beyond the last rung of unfinished trials."""
    sweep = Sweep(
        metric="loss",
        parameters={
            "lr": {"min": 1e-5, "max": 1.0, "log": True},
            "layers": {"min": 1, "max": 4},
            "optimizer": {"values": ["sgd", "adam", "lion"]},
        },
        max_epochs=27,
        time=hours * 3600,
        sampler="random",
        seed=seed,
    )
    study = Study(sweep)
    until, ends = (math.inf, hours) if told else (hours, math.inf)
    for _ in simulate(study, PowerLaw(sweep), [Worker()] * slots, until=until, ends=ends):
        pass
    open_ = [known for known in study.trials.values() if known.status is Status.RUNNING]
    assert study.best is not None
    return study.best.best, sum(known.epoch - known.judged for known in open_)


@pytest.mark.parametrize(("slots", "hours"), [(8, 80.0), (4, 60.0)])
def test_a_night_that_knows_its_end_finds_as_much_and_wastes_less(
    slots: int, hours: float
) -> None:
    knows = [night(seed, told=True, slots=slots, hours=hours) for seed in range(12)]
    does_not = [night(seed, told=False, slots=slots, hours=hours) for seed in range(12)]
    assert fmean(best for best, _ in knows) <= fmean(best for best, _ in does_not)
    assert fmean(lost for _, lost in knows) < fmean(lost for _, lost in does_not)


def promotable(record: Callable[[Event], None] | None = None, trials: int = 60) -> Study:
    """Six trials at once; 1 and 2 have earned their second rung."""
    study = new(record, time=None, trials=trials)
    for _ in range(6):
        study.ask()
    for trial, loss in enumerate((0.1, 0.2, 0.8, 0.7, 0.9, 0.6), 1):
        study.report(trial, 1, {"loss": loss}, seconds=EPOCH)
    return study


def given(study: Study, leaves: int) -> tuple[int, int]:
    """Trial and epoch of what a slot gets that leaves so many promotions to others."""
    trial = study.ask(leaves=leaves)
    assert trial is not None
    return trial.id, trial.epoch


def test_a_slow_device_leaves_promotions_to_others_and_starts_a_new_trial() -> None:
    assert given(promotable(), leaves=2) == (7, 0)


def test_it_takes_those_for_which_the_others_are_too_few() -> None:
    assert given(promotable(), leaves=1) == (2, 1)


def test_it_takes_any_where_there_is_nothing_else() -> None:
    assert given(promotable(trials=6), leaves=9) == (1, 1)


def test_who_lost_their_place_goes_on_first_even_there() -> None:
    study = promotable()
    assert given(study, leaves=0) == (1, 1)
    study.interrupt(1, "its node was lost")
    assert study.ask(leaves=9) is not None
    assert [known.id for known in study.running] == [1]


def test_what_slow_devices_were_given_is_replayed_like_all_else() -> None:
    events: list[Event] = []
    study = promotable(events.append)
    assert [given(study, leaves) for leaves in (1, 0)] == [(2, 1), (1, 1)]
    again = Study.replay(study.sweep, events)
    assert [known.id for known in again.running] == [2, 1]
