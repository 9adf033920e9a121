from __future__ import annotations

import json
import math
from collections.abc import Callable
from typing import Any

import pytest

from nightsweep.search import Decision, Study, Sweep, Trial
from nightsweep.search.errors import JournalError, NightsweepError
from nightsweep.search.events import Asked, Cause, Closed, Event, Reported, Started
from nightsweep.search.journal import Entry, Journal
from nightsweep.search.plan import PowerLaw
from nightsweep.search.record import Status
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.simulate import Curve, Worker, simulate
from nightsweep.search.story import Happened, Neighbour, Stand, Story
from nightsweep.search.why import RANK, load, why


class Night:
    """A study whose journal is kept, with a clock that is set by hand; rungs at 1 and 3 of 9."""

    def __init__(self, **changes: Any) -> None:
        values: dict[str, Any] = {
            "metric": "loss",
            "parameters": {"x": {"min": 0.0, "max": 1.0, "default": 0.25}},
            "max_epochs": 9,
            "trials": 60,
            "sampler": "random",
            "scheduler": {"name": "asha", "audit": 0},
        }
        self.sweep = Sweep(**values | changes)
        self.entries: list[Entry] = []
        self.time = 1000.0
        self.study = Study(self.sweep, self.record)

    def record(self, event: Event) -> None:
        self.entries.append(Entry(self.time, event))

    def ask(self) -> Trial:
        trial = self.study.ask()
        assert trial is not None
        return trial

    def report(self, trial: int, *losses: float, checkpoint: bool = True) -> None:
        """The epochs after the trial's last one."""
        for loss in losses:
            epoch = self.study.trials[trial].epoch + 1
            self.study.report(trial, epoch, {"loss": loss}, seconds=2.0, checkpoint=checkpoint)

    def first_epochs(self, *losses: float, checkpoint: bool = True) -> None:
        """New trials, one after the other, each to the first rung; who may go on waits."""
        for loss in losses:
            trial = len(self.study.trials) + 1
            origin = "random" if trial > 1 else "defaults"
            asked = Asked(trial=trial, epoch=0, reason=origin, config={"x": 0.25})
            self.record(asked)
            self.study.apply(asked)
            self.report(trial, loss, checkpoint=checkpoint)

    def done(self) -> None:
        self.record(Closed(done=True, reason="all trials are decided", elapsed=60.0))

    def why(self, trial: int) -> Story:
        return why(self.sweep, self.entries, trial)

    def answer(self, trial: int) -> str:
        return self.why(trial).answer


def test_a_trial_that_never_went_on_is_told_its_rank_among_all_that_came() -> None:
    night = Night()
    night.first_epochs(0.5, 0.1, 0.2, 0.6, 0.7, 0.8)
    night.done()
    story = night.why(1)
    assert story.status is Status.STOPPED
    assert story.answer == (
        "Trial 1 was paused at epoch 1 and never went on: rank 3 of 6 there, the best 2 went on "
        "(cut-off 0.2); it had 0.5."
    )
    assert story.otherwise == (
        "It would have gone on with a loss better than 0.2 there, or had 3 others come there, "
        "none of them better."
    )


def test_how_it_stood_then_and_how_it_stands_now() -> None:
    night = Night()
    night.first_epochs(0.5, 0.1, 0.2, 0.4, 0.7, 0.8)
    (judged,) = night.why(1).judged
    assert (judged.place, judged.epoch, judged.value) == ("rung 1", 1, 0.5)
    assert judged.decision == Decision.PAUSE
    assert judged.reason == "rung 1: rank 1 of 1, the first goes on when 3 are there"
    assert judged.then == Stand(rank=1, of=1, kept=0)
    assert judged.now == Stand(rank=4, of=6, kept=2, cutoff=0.2)
    assert (judged.above, judged.below) == (
        Neighbour(trial=4, value=0.4),
        Neighbour(trial=5, value=0.7),
    )
    (best,) = night.why(2).judged
    assert best.above is None
    assert best.below == Neighbour(trial=3, value=0.2)


def test_a_trial_that_cannot_be_paused_is_stopped_with_the_standing_of_that_moment() -> None:
    night = Night()
    night.first_epochs(0.1, 0.2, checkpoint=False)
    night.first_epochs(0.01, 0.02)
    assert night.answer(2) == (
        "Trial 2 was stopped at epoch 1: rank 2 of 2 there, the best one went on (cut-off 0.1); "
        "it had 0.2."
    )
    assert night.why(2).otherwise == "It would have gone on with a loss better than 0.1 there."
    assert night.why(1).otherwise == ""


def test_a_trial_that_waits_is_told_what_it_waits_for() -> None:
    night = Night()
    night.first_epochs(0.5, 0.1, 0.2, 0.6)
    assert night.answer(1) == (
        "Trial 1 waits at epoch 1: rank 3 of 4 there, the best one goes on (cut-off 0.1); it has "
        "0.5, and goes on when 5 others have come there, none of them better."
    )


@pytest.mark.parametrize("trial", [1, 3, 4, 7])
@pytest.mark.parametrize("eta", [2, 3, 4])
def test_what_a_trial_waits_for_is_what_makes_it_go_on(trial: int, eta: int) -> None:
    night = Night(scheduler={"name": "asha", "audit": 0, "eta": eta}, max_epochs=64, trials=500)
    night.first_epochs(0.5, 0.1, 0.2, 0.6, 0.3, 0.7, 0.4)
    more = night.why(trial).more
    assert more is not None
    before = {night.ask().id for _ in range(3)}
    assert trial not in before or more == 0
    night.first_epochs(*[0.9] * (more - 1))
    asked = {night.ask().id for _ in range(10)}
    assert more == 0 or trial not in asked
    night.first_epochs(0.9)
    assert more == 0 or trial in {night.ask().id for _ in range(10)}


def test_a_trial_that_has_earned_it_waits_for_a_slot() -> None:
    night = Night()
    night.first_epochs(0.5, 0.1, 0.2)
    assert night.why(2).more == 0
    assert night.answer(2).endswith("it has 0.1, and goes on as soon as a slot is free.")
    night.done()
    assert night.answer(2).startswith(
        "Trial 2 was paused at epoch 1 and the sweep ended before it went on: rank 1 of 3 there"
    )
    assert night.why(2).otherwise == ""


def test_a_running_trial_is_told_when_it_is_decided_on() -> None:
    night = Night(scheduler={"name": "asha", "audit": 0, "grace": 3})
    night.ask()
    assert night.answer(1) == "Trial 1 is in training, and has not reported an epoch yet."
    night.report(1, 0.5, 0.4)
    assert night.answer(1) == (
        "Trial 1 is in training: 2 of 9 epochs, loss 0.4; decided on at epoch 3."
    )
    night.report(1, 0.3, checkpoint=False)
    assert night.answer(1) == (
        "Trial 1 is in training: 3 of 9 epochs, loss 0.3; nothing is decided before its last."
    )


def test_a_trial_that_ran_out_of_memory_says_what_is_tried_for_it() -> None:
    night = Night(scheduler="none")
    short = "ran out of memory, asking for 2 GB"
    night.ask()
    night.study.interrupt(1, short, cause=Cause.MEMORY, alone=True)
    assert night.answer(1) == (
        f"Trial 1 lost its place ({short}), and goes on after epoch 0 as soon as it has its "
        "device to itself."
    )
    night.ask()
    night.study.interrupt(1, short, cause=Cause.MEMORY, split=2)
    night.ask()
    night.study.fail(1, f"does not fit: {short}", cause=Cause.MEMORY)
    story = night.why(1)
    assert story.answer == f"Trial 1 failed after 0 epochs: does not fit: {short}."
    assert [event.what for event in story.happened] == [
        "was proposed: defaults",
        f"{short}; goes on after epoch 0, its device to itself",
        "went on after epoch 0",
        f"{short}; goes on after epoch 0, its device to itself, each batch in 2 parts",
        "went on after epoch 0",
        f"failed: does not fit: {short}",
    ]
    assert story.losses == 2


def test_a_trial_that_lost_its_place_goes_on_first() -> None:
    night = Night(scheduler="none")
    night.ask()
    night.report(1, 0.5, 0.4)
    night.study.interrupt(1, "node-3 was lost", cause=Cause.LOST)
    story = night.why(1)
    assert story.losses == 1
    assert story.answer == (
        "Trial 1 lost its place (node-3 was lost), and goes on after epoch 2 as soon as a slot is "
        "free."
    )


def test_a_completed_trial_is_ranked_among_those_that_were_trained_to_their_end() -> None:
    night = Night(scheduler="none", max_epochs=3)
    for losses in ((0.9, 0.3, 0.4), (0.9, 0.8, 0.2), (0.9, 0.8, 0.7)):
        night.report(night.ask().id, *losses)
    assert night.answer(1) == (
        "Trial 1 was trained to its end: loss 0.4 after 3 epochs, rank 2 of the 3 that were; its "
        "best was 0.3 at epoch 2."
    )


def test_a_function_that_returned_early_is_said_to_have_returned() -> None:
    night = Night(scheduler="none")
    night.report(night.ask().id, 0.5)
    night.study.finish(1)
    assert night.answer(1) == (
        "Trial 1 returned after 1 of 9 epochs: loss 0.5 after 1 epoch; its best was 0.5 at "
        "epoch 1."
    )


def test_a_diverged_trial_says_where() -> None:
    night = Night(scheduler="none")
    night.report(night.ask().id, 0.5, 0.25, math.nan)
    story = night.why(1)
    assert (
        story.answer == "Trial 1 diverged at epoch 3: loss is nan; its best was 0.25 at epoch 2."
    )
    assert story.judged == ()


def test_a_failed_trial_says_why_and_keeps_its_traceback() -> None:
    night = Night(scheduler="none")
    night.ask()
    night.study.fail(1, "raised ValueError: no data", "Traceback ...\nValueError: no data")
    story = night.why(1)
    assert story.answer == "Trial 1 failed after 0 epochs: raised ValueError: no data."
    assert story.traceback == "Traceback ...\nValueError: no data"
    night.report(night.ask().id, 0.5)
    night.study.fail(2, "called sys.exit(1)")
    assert night.answer(2) == (
        "Trial 2 failed after 1 epoch: called sys.exit(1); its best was 0.5 at epoch 1."
    )


@pytest.mark.parametrize("trial", [-1, 0, 4, 99])
def test_a_number_that_no_trial_has_is_refused_with_those_that_there_are(trial: int) -> None:
    night = Night()
    night.first_epochs(0.1, 0.2, 0.3)
    with pytest.raises(NightsweepError) as refused:
        night.why(trial)
    assert str(refused.value) == (f"there is no trial {trial} in this run; they count from 1 to 3")


def test_in_a_run_that_has_just_begun_there_is_no_trial_yet() -> None:
    with pytest.raises(NightsweepError, match="no trial 1 in this run; none has begun yet"):
        Night().why(1)


def test_with_goal_maximize_values_are_as_reported_and_the_highest_is_first() -> None:
    night = Night(metric={"name": "loss", "goal": "maximize"})
    night.first_epochs(0.5, 0.9, 0.8, 0.1)
    assert night.answer(1) == (
        "Trial 1 waits at epoch 1: rank 3 of 4 there, the best one goes on (cut-off 0.9); it has "
        "0.5, and goes on when 5 others have come there, none of them better."
    )
    (judged,) = night.why(1).judged
    assert (judged.above, judged.below) == (
        Neighbour(trial=3, value=0.8),
        Neighbour(trial=4, value=0.1),
    )


def test_a_trial_that_goes_on_whatever_its_rank_is_told_no_cut_off_of_then() -> None:
    night = Night(scheduler="asha")
    night.first_epochs(0.3, 0.1, 0.2, 0.5)
    (judged,) = night.why(4).judged
    assert judged.decision == Decision.CONTINUE
    assert judged.then == Stand(rank=4, of=4)
    assert judged.words == (
        "rank 4 of 4, goes on like all of the first 8, to audit the rung; it had 0.5"
    )


def test_of_equal_values_the_first_to_come_is_ahead() -> None:
    night = Night()
    night.first_epochs(0.5, 0.5, 0.5)
    assert [night.why(trial).judged[0].now.rank for trial in (1, 2, 3)] == [1, 2, 3]


def test_diverged_trials_count_as_the_worst_of_their_rung() -> None:
    night = Night()
    night.first_epochs(0.5, math.nan, 0.1, math.inf)
    (judged,) = night.why(1).judged
    assert judged.now == Stand(rank=2, of=4, kept=1, cutoff=0.1)
    assert judged.below is None


def test_its_life_is_told_in_order() -> None:
    night = Night()
    night.record(Started(trial=1, attempt=1, host="node-0", pid=1, device="cpu"))  # of nobody yet
    night.entries.clear()
    night.ask()
    night.time += 10
    night.record(Started(trial=1, attempt=1, host="node-1", pid=1, device="cuda:0"))
    night.time += 60
    night.report(1, 0.1)
    night.time += 30
    night.first_epochs(0.2, 0.3)
    night.time += 300
    assert night.ask().id == 1
    night.report(1, 0.1, checkpoint=False)
    night.study.interrupt(1, "node-1 was lost", cause=Cause.LOST)
    night.ask()
    night.record(Started(trial=1, attempt=2, host="node-2", pid=1, device="cuda:1"))
    night.time += 5
    night.report(1, 0.2)
    night.study.fail(1, "ran out of memory")
    story = night.why(1)
    assert story.began == 1000.0
    assert story.happened == tuple(
        Happened(time=time, what=what)
        for time, what in [
            (1000.0, "was proposed: defaults"),
            (1010.0, "was taken up on node-1, cuda:0"),
            (1400.0, "went on after 6 min at epoch 1: rung 1: rank 1 of 3, best 1 go on"),
            (1400.0, "lost its worker: node-1 was lost; goes on after epoch 1"),
            (1400.0, "went on after epoch 1"),
            (1400.0, "was taken up on node-2, cuda:1, attempt 2"),
            (1405.0, "failed: ran out of memory"),
        ]
    )
    assert [(j.time, j.epoch, j.decision) for j in story.judged] == [(1070.0, 1, "pause")]


def test_what_it_is_and_how_far_it_came() -> None:
    night = Night(scheduler="none")
    night.report(night.ask().id, 0.5, 0.3, 0.4)
    story = night.why(1)
    assert (story.config, story.origin) == ({"x": 0.25}, "defaults")
    assert (story.epochs, story.max_epochs, story.until) == (3, 9, 9)
    assert (story.last, story.best, story.best_epoch, story.seconds) == (0.4, 0.3, 2, 6.0)


def simulated(scheduler: dict[str, Any], goal: str = "minimize") -> Night:
    """A sweep on three workers that now and then die, in which every ninth trial diverges."""
    night = Night(scheduler=scheduler, metric={"name": "loss", "goal": goal}, trials=40)
    curves = PowerLaw(night.sweep)

    def train(config: dict[str, Any]) -> Curve:
        curve = curves(config)
        if config["x"] * 9 % 1 < 0.11:
            return Curve(metrics=[*curve.metrics[:2], {"loss": math.nan}])
        return curve

    for moment in simulate(night.study, train, [Worker(loss=0.05)] * 3):
        night.time = 1000.0 + moment.time
    return night


SCHEDULERS: list[dict[str, Any]] = [
    {"name": "asha"},
    {"name": "asha", "audit": 0, "eta": 2},
    {"name": "hyperband"},
    {"name": "median"},
    {"name": "none"},
]


@pytest.mark.parametrize("goal", ["minimize", "maximize"])
@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=str)
def test_at_each_decision_it_stood_where_the_reason_says(
    scheduler: dict[str, Any], goal: str
) -> None:
    """The rank is worked out from the values; told as of that moment, `now` is the reason's."""
    night = simulated(scheduler, goal)
    lines = [
        (line, event, found)
        for line, (_, event) in enumerate(night.entries)
        if isinstance(event, Reported) and (found := RANK.search(event.reason))
    ]
    assert len(lines) > 30 or scheduler["name"] in ("median", "none")
    for line, event, found in lines[::8]:
        judged = why(night.sweep, night.entries[: line + 1], event.trial).judged[-1]
        assert (judged.now.rank, judged.now.of) == (int(found[1]), int(found[2]))
        assert judged.reason == event.reason
        if judged.now.cutoff is not None and "cut-off" in event.reason:
            assert f"cut-off {judged.now.cutoff:.4g} " in event.reason


@pytest.mark.parametrize("scheduler", SCHEDULERS, ids=str)
def test_every_trial_of_every_scheduler_is_answered(scheduler: dict[str, Any]) -> None:
    night = simulated(scheduler)
    for end in (len(night.entries) // 3, len(night.entries)):
        entries = night.entries[:end]
        trials = {entry.event.trial for entry in entries if isinstance(entry.event, Asked)}
        for trial in sorted(trials)[::3]:
            story = why(night.sweep, entries, trial)
            assert story.answer.startswith(f"Trial {trial} ")
            assert story.answer.count("None") == story.answer.count("nan,") == 0
            json.dumps(story.as_json(), allow_nan=False)


def test_trials_of_different_brackets_are_not_compared() -> None:
    night = simulated({"name": "hyperband"})
    places: dict[str, set[int]] = {}
    for trial in range(1, 13):
        for judged in night.why(trial).judged:
            places.setdefault(judged.place, set()).add(judged.now.of)
    assert {"bracket 0, rung 1", "bracket 0, rung 3", "bracket 1, rung 3"} <= set(places)
    assert all(len(counts) == 1 for counts in places.values())
    assert places["bracket 0, rung 3"] != places["bracket 1, rung 3"]


def test_a_rule_that_names_no_ranks_is_told_in_its_own_words() -> None:
    night = simulated({"name": "median"})
    stopped = [t for t in night.study.trials.values() if t.status is Status.STOPPED]
    story = night.why(stopped[0].id)
    reason = stopped[0].reason.partition(": ")[2]
    assert story.judged[-1].then.kept is None
    assert story.answer == (
        f"Trial {story.trial} was stopped at epoch {story.epochs}: {reason}; it had "
        f"{story.last:.4g}."
    )


def test_of_several_objectives_the_rank_is_that_of_the_fronts() -> None:
    metrics = ["loss", {"name": "size", "goal": "minimize"}]
    night = Night(metric=metrics, scheduler={"name": "asha", "audit": 0})
    for loss, size in ((0.5, 5.0), (0.4, 6.0), (0.6, 7.0), (0.3, 4.0)):
        trial = len(night.study.trials) + 1
        asked = Asked(trial=trial, epoch=0, reason="random", config={"x": 0.25})
        night.record(asked)
        night.study.apply(asked)
        night.study.report(trial, 1, {"loss": loss, "size": size})
    ranks = [night.why(trial).judged[0].now.rank for trial in (1, 2, 3, 4)]
    assert ranks[3] == 1  # dominates all others
    assert ranks[2] == 4  # is dominated by all
    assert night.why(1).end is None


def test_it_is_read_from_a_run_folder(
    new_run: Callable[[Sweep], RunFolder],
) -> None:
    night = Night()
    night.first_epochs(0.5, 0.1, 0.2)
    folder = new_run(night.sweep)
    times = iter(entry.time for entry in night.entries)
    journal = Journal(folder.journal, lambda: next(times))
    for entry in night.entries:
        journal.append(entry.event)
    journal.close()
    assert load(folder.path, 1) == night.why(1)


def test_a_trial_stopped_by_hand_is_told_by_what_was_said_then() -> None:
    night = Night()
    night.study.stop(night.ask().id, "stopped by hand")
    night.first_epochs(0.5, 0.25, 0.1)
    night.study.stop(2, "stopped by hand")
    assert night.answer(1) == "Trial 1 was stopped after 0 epochs: stopped by hand."
    assert night.answer(2) == (
        "Trial 2 was stopped after 1 epoch: stopped by hand; its best was 0.5 at epoch 1."
    )
    assert night.why(2).otherwise == ""


def test_a_journal_that_contradicts_itself_is_refused() -> None:
    night = Night()
    night.first_epochs(0.5, 0.1)
    with pytest.raises(JournalError, match=r"^journal:1: there is no trial 1; "):
        why(night.sweep, night.entries[1:], 1)


def test_for_scripts_numbers_that_json_lacks_are_words() -> None:
    night = Night(scheduler="none")
    night.report(night.ask().id, math.nan)
    told = night.why(1).as_json()
    assert (told["answer"], told["last"]) == ("Trial 1 diverged at epoch 1: loss is nan.", "nan")
    assert told["status"] == "diverged"
    assert json.loads(json.dumps(told, allow_nan=False))["config"] == {"x": 0.25}
