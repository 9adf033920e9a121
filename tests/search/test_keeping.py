"""Which checkpoints are kept. A checkpoint takes one megabyte here, unless it is said."""

from __future__ import annotations

import math
from typing import Any

import pytest

from nightsweep.search import Decision, Study, Sweep
from nightsweep.search.errors import SweepError
from nightsweep.search.keeping import (
    Checkpoints,
    room,
    shortage,
    superfluous,
    too_large,
    training,
)
from nightsweep.search.record import Status

MB = 10**6
NO_END = math.inf
WITHOUT_END: dict[str, Any] = {
    "trials": None,
    "time": "9h",
    "sampler": "random",
    "parameters": {"x": {"min": 0.0, "max": 1.0}},
}


def study(**changes: Any) -> Study:
    """Trial n of the grid has x = n; rungs at 1 and 3 of 9 epochs."""
    values: dict[str, Any] = {
        "metric": "loss",
        "parameters": {"x": {"values": list(range(1, 31))}},
        "sampler": "grid",
        "scheduler": {"name": "asha", "audit": 0},
        "trials": 30,
        "max_epochs": 9,
    }
    return Study(Sweep(**values | changes))


def ended(losses: list[float], **changes: Any) -> Study:
    """Trials 1, 2, ... are trained to their end, with these losses."""
    found = study(scheduler="none", max_epochs=1, **changes)
    for loss in losses:
        trial = found.ask()
        assert trial is not None
        found.report(trial.id, 1, {"loss": loss})
    return found


def paused(losses: list[float], **changes: Any) -> Study:
    """Trials 1, 2, ... wait at the first rung, with these losses; falling ones would go on."""
    found = study(**changes)
    opened = [found.ask() for _ in losses]
    for trial, loss in zip(opened, losses, strict=True):
        assert trial is not None
        assert found.report(trial.id, 1, {"loss": loss}) is Decision.PAUSE
    return found


def each(study: Study, size: int = MB) -> dict[int, int]:
    return dict.fromkeys(study.trials, size)


def test_a_sweep_keeps_the_best_three_and_has_no_budget_unless_it_says_so() -> None:
    assert study().sweep.checkpoints == Checkpoints(keep=3, max=None)


@pytest.mark.parametrize(("given", "taken"), [("20GB", 20 * 10**9), (MB, MB), (None, None)])
def test_the_budget_is_an_amount_of_data(given: Any, taken: int | None) -> None:
    assert study(checkpoints={"max": given}).sweep.checkpoints.max == taken


@pytest.mark.parametrize(
    ("given", "message"),
    [
        ({"max": 20}, "checkpoints.max: 20 bytes are too few; write 20GB, 500MB or 1.5TB"),
        ({"max": "20"}, "checkpoints.max: '20' is not an amount of data; write 20GB, 500MB"),
        ({"max": True}, "checkpoints.max: True is not an amount of data"),
        ({"max": 2e10}, "checkpoints.max: 20000000000.0 is not an amount of data"),
        ({"keep": 0}, "checkpoints.keep: must be at least 1, not 0"),
        ({"mx": "1GB"}, 'checkpoints.mx: unknown key; allowed: keep, max. Did you mean "max"?'),
    ],
)
def test_what_is_no_budget_is_refused(given: dict[str, Any], message: str) -> None:
    with pytest.raises(SweepError) as refused:
        study(checkpoints=given)
    assert message in str(refused.value)


def test_a_sweep_with_a_budget_survives_being_written_as_json() -> None:
    sweep = study(checkpoints={"keep": 5, "max": "1.5GB"}).sweep
    assert Sweep(**sweep.model_dump(mode="json")) == sweep


def test_of_ended_trials_the_best_few_keep_theirs() -> None:
    found = ended([0.5, 0.1, 0.4, 0.2, 0.3])
    assert superfluous(found, each(found), NO_END) == [1, 3]
    found = ended([0.5, 0.1, 0.4, 0.2, 0.3], checkpoints={"keep": 1})
    assert superfluous(found, each(found), NO_END) == [1, 3, 4, 5]


def test_a_trial_that_never_reported_a_number_keeps_nothing() -> None:
    found = ended([math.nan, 0.1])
    assert superfluous(found, each(found), NO_END) == [1]


def test_of_several_goals_the_front_comes_first() -> None:
    goals = [{"name": name, "goal": "minimize"} for name in ("loss", "ms")]
    found = study(metric=goals, scheduler="none", max_epochs=1, checkpoints={"keep": 2})
    for loss, ms in ((0.1, 5.0), (0.2, 6.0), (0.9, 1.0)):  # the second is beaten by the first
        trial = found.ask()
        assert trial is not None
        found.report(trial.id, 1, {"loss": loss, "ms": ms})
    assert superfluous(found, each(found), NO_END) == [2]


def test_paused_trials_that_may_still_go_on_keep_theirs() -> None:
    found = paused([0.1, 0.2, 0.3, 0.4], trials=30)
    assert superfluous(found, each(found), NO_END) == []


def test_paused_trials_that_cannot_go_on_any_more_lose_theirs() -> None:
    found = paused([0.1, 0.2, 0.3, 0.4, 0.5], trials=9)
    assert superfluous(found, each(found), NO_END) == [4, 5]


def test_where_the_number_of_trials_has_no_limit_everybody_may_go_on() -> None:
    found = paused([0.1, 0.2, 0.3], **WITHOUT_END)
    assert superfluous(found, each(found), NO_END) == []


def test_over_the_budget_the_least_likely_to_go_on_lose_theirs_first() -> None:
    found = paused([0.1, 0.2, 0.3, 0.4])
    assert superfluous(found, each(found), 2 * MB) == [4, 3]


def test_as_many_bytes_go_as_have_to_and_no_more() -> None:
    found = paused([0.1, 0.2, 0.3, 0.4])
    sizes = {1: MB, 2: MB, 3: 5 * MB, 4: MB}
    assert superfluous(found, sizes, 7 * MB) == [4]
    assert superfluous(found, sizes, 6 * MB) == [4, 3]


def test_paused_trials_lose_theirs_before_the_best_of_those_that_have_ended() -> None:
    found = paused([0.1, 0.2, 0.3])
    found.stop(3, "by hand")
    assert superfluous(found, each(found), 2 * MB) == [2]
    assert superfluous(found, each(found), MB) == [2, 3]


def test_the_best_trial_keeps_its_own_whatever_the_budget() -> None:
    found = paused([0.1, 0.2, 0.3])
    assert superfluous(found, each(found), 0) == [3, 2]
    assert superfluous(found, each(found), -MB) == [3, 2]


def test_among_many_a_few_more_go_so_that_it_is_not_due_again_at_once() -> None:
    found = paused([k / 100 for k in range(1, 101)], **WITHOUT_END)
    assert len(superfluous(found, each(found), 99 * MB)) == 1 + 100 // 20


def test_a_trial_that_trains_or_waits_for_a_slot_is_counted_and_not_touched() -> None:
    found = paused([0.1, 0.2])
    for _ in range(2):
        assert found.ask() is not None
    found.interrupt(3, "its worker died")
    assert training(found) == 2
    assert superfluous(found, {1: MB, 2: MB}, 0) == [2]


def test_the_budget_is_for_those_that_train_too() -> None:
    found = paused([0.1, 0.2], checkpoints={"max": "10MB"})
    assert room(found, {1: MB, 2: 2 * MB}, free=10**12) == 10 * MB
    assert found.ask() is not None
    assert room(found, {1: MB, 2: 2 * MB}, free=10**12) == 8 * MB


def test_on_a_disk_with_little_room_some_is_left_for_each_trial_that_trains() -> None:
    found = paused([0.1, 0.2])
    assert found.ask() is not None
    assert room(found, {1: MB, 2: 2 * MB}, free=5 * MB) == (3 + 5 - 2) * MB
    assert room(found, {1: MB, 2: 2 * MB}, free=0) == MB


def test_without_a_checkpoint_yet_nothing_is_said_of_the_disk() -> None:
    assert shortage(study(), {}, free=0) == ""


def test_a_disk_that_will_be_too_small_is_said_early_with_figures() -> None:
    found = paused([0.1, 0.2])
    said = shortage(found, each(found, 500 * MB), free=2 * 10**9)
    assert said == (
        "about 4.83 GB of checkpoints are to be expected (500 MB each), 1 GB are there and only "
        "2 GB are free: make room. Where it runs out, paused trials lose theirs, the least likely "
        "to go on first, and begin again if they do"
    )
    assert shortage(found, each(found, 500 * MB), free=5 * 10**9) == ""


def test_no_more_is_expected_than_the_budget_allows() -> None:
    found = paused([0.1, 0.2], checkpoints={"max": "2GB"})
    assert shortage(found, each(found, 500 * MB), free=2 * 10**9) == ""


def test_a_budget_too_small_for_those_in_training_is_said() -> None:
    found = paused([0.1, 0.2], checkpoints={"max": "800MB"})
    assert found.ask() is not None
    assert found.ask() is not None
    assert shortage(found, each(found, 500 * MB), free=10**12) == (
        "the checkpoints of 2 trials in training take 1 GB, more than checkpoints: {max: 800 MB}: "
        "paused trials lose theirs, and begin again if they go on; give a larger max"
    )


def test_a_budget_that_is_not_on_the_disk_is_refused() -> None:
    settings = Checkpoints.model_validate({"max": "20GB"})
    assert too_large(settings, 5 * 10**9, "runs/night") == (
        "checkpoints may take 20 GB (checkpoints.max), but only 5 GB are free in runs/night: make "
        "room, give a smaller max, or name another folder for the run"
    )
    assert too_large(settings, 20 * 10**9, "runs/night") == ""
    assert too_large(Checkpoints(), 0, "runs/night") == ""


def test_whoever_is_asked_to_go_on_has_kept_its_checkpoint() -> None:
    """What was removed as needless is never needed: over a whole sweep, without a budget."""
    found, kept = study(trials=30), set[int]()
    while trial := found.ask():
        assert not trial.epoch or trial.id in kept
        epoch, decision = trial.epoch, Decision.CONTINUE
        while decision is Decision.CONTINUE:
            epoch += 1
            loss = abs(trial.config["x"] - 11.3) / 30 + 1 / epoch
            decision = found.report(trial.id, epoch, {"loss": loss})
        kept.add(trial.id)
        kept -= set(superfluous(found, dict.fromkeys(kept, MB), NO_END))
    assert found.best is not None
    assert found.best.id in kept
    assert len(kept) < 12
    assert sum(found.trials[t].status is Status.COMPLETED for t in kept) == 3
