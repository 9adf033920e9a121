from collections.abc import Sequence
from pathlib import Path
from typing import Any

from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.seating import Place
from nightsweep.cluster.work import Halt, Order
from nightsweep.search.events import Cause, Event, Failed, Interrupted, Started
from nightsweep.search.record import Status
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Study
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.job import Answer, End, Ended, Job, Message, Step, Waits

HERE = Place(host="node-1", pid=41, device="cpu")


class Floor:
    """A foreman, its study, and all that was recorded. Trial n of the grid has x = n."""

    def __init__(self, trials: int = 9, **changes: Any) -> None:
        values: dict[str, Any] = {
            "metric": "loss",
            "parameters": {"x": {"values": list(range(1, trials + 1))}},
            "sampler": "grid",
            "scheduler": {"name": "asha", "audit": 0},
            "trials": trials,
            "max_epochs": 9,
            "seed": 5,
        }
        self.events: list[Event] = []
        self.study = Study(Sweep(**values | changes), self.events.append)
        self.foreman = Foreman(self.study, RunFolder(Path("/run")), self.events.append)

    def open(self, slot: str = "a") -> Job:
        """Open a slot, for which there is work."""
        return work(self.foreman.opened(slot))

    def hear(self, slot: str, *messages: Message) -> list[Order]:
        """The orders that messages lead to; a function that is told to halt returns at once."""
        orders = self.foreman.heard(slot, HERE, messages)
        if (trial := self.foreman.leaving.get(slot)) is not None:
            orders += self.foreman.heard(slot, HERE, [Ended(trial=trial, end=End.HALTED)])
        return orders

    def status(self, trial: int) -> Status:
        return self.study.trials[trial].status

    def recorded(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


def work(orders: Sequence[Order]) -> Job:
    """The job that these orders end with."""
    assert isinstance(orders[-1], Job)
    return orders[-1]


def step(trial: int, epoch: int, loss: float = 0.5, **changes: Any) -> Step:
    """A step that waits for a decision, with a checkpoint."""
    values: dict[str, Any] = {"seconds": 1.0, "checkpoint": True, "waits": True}
    return Step(trial=trial, epoch=epoch, metrics={"loss": loss}, **values | changes)


def between(trial: int, epoch: int) -> Step:
    """A step between rungs."""
    return step(trial, epoch, checkpoint=False, waits=False)


def halted(trial: int) -> Answer:
    return Answer(trial=trial, until=None)


def test_a_slot_that_opens_gets_the_whole_of_a_job() -> None:
    floor = Floor(resources={"cpus": 1, "gpus": 0.5})
    assert floor.open() == Job(
        trial=1,
        config={"x": 1},
        epoch=0,
        until=1,
        max_epochs=9,
        metrics=("loss",),
        seed=3796490668,  # of SeedSequence([5, 1])
        folder=Path("/run/trials/1"),
        attempt=1,
        gpus=0.5,
    )


def test_each_trial_has_a_seed_of_its_own_and_keeps_it() -> None:
    first, second = Floor().open(), Floor(seed=6).open()
    floor = Floor()
    assert floor.open("a").seed == first.seed
    assert len({first.seed, second.seed, floor.open("b").seed}) == 3
    floor.foreman.lost("a", "its worker died")
    assert work(floor.foreman.opened("c")).seed == first.seed


def test_a_trial_paused_at_a_rung_makes_room_for_the_next() -> None:
    floor = Floor()
    floor.open()
    orders = floor.hear("a", step(1, 1))
    assert orders[0] == halted(1)
    assert (work(orders).trial, floor.status(1)) == (2, Status.PAUSED)


def test_a_trial_that_is_good_enough_goes_on_until_the_next_rung() -> None:
    floor = Floor()
    for slot, trial in (("a", 1), ("b", 2), ("c", 3)):
        assert floor.open(slot).trial == trial
    floor.hear("a", step(1, 1, 0.5))
    floor.hear("b", step(2, 1, 0.6))
    assert floor.hear("c", step(3, 1, 0.4)) == [Answer(trial=3, until=3)]
    assert floor.foreman.busy["c"].trial == 3


def test_a_promoted_trial_goes_on_after_the_epochs_it_has_done() -> None:
    floor = Floor(trials=1)
    floor.open()
    job = work(floor.hear("a", step(1, 1)))
    assert (job.trial, job.epoch, job.until, job.attempt) == (1, 1, 3, 1)


def test_messages_of_another_trial_or_slot_are_not_recorded() -> None:
    floor = Floor()
    floor.open()
    floor.hear("a")
    before = list(floor.events)
    late = Ended(trial=8, end=End.FAILED, reason="late")
    assert floor.hear("a", step(8, 1), late) == [Answer(trial=8, until=None)]
    assert floor.hear("z", step(1, 1)) == []
    assert floor.events == before


def test_messages_behind_the_end_of_a_trial_are_ignored() -> None:
    floor = Floor()
    floor.open()
    late = Ended(trial=1, end=End.FAILED, reason="late")
    assert work(floor.hear("a", step(1, 1), late)).trial == 2
    assert floor.status(1) is Status.PAUSED


def test_a_failed_trial_is_recorded_and_followed_by_the_next() -> None:
    floor = Floor()
    floor.open()
    ended = Ended(trial=1, end=End.FAILED, reason="raised ValueError: no", traceback="lines")
    job = work(floor.hear("a", ended))
    assert job.trial == 2
    assert floor.recorded(Failed) == [
        Failed(trial=1, reason="raised ValueError: no", traceback="lines")
    ]


def test_a_trial_that_returns_early_is_completed_and_followed_by_the_next() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    job = work(floor.hear("a", between(1, 1), Ended(trial=1, end=End.RETURNED)))
    assert (job.trial, floor.status(1)) == (2, Status.COMPLETED)
    assert floor.study.trials[1].reason == "returned after 1 of 9 epochs"


def test_a_slot_is_busy_until_its_function_has_returned_from_the_last_epoch() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    assert floor.hear("a", step(1, 9, waits=False)) == []
    assert floor.status(1) is Status.COMPLETED
    assert work(floor.hear("a", Ended(trial=1, end=End.RETURNED))).trial == 2


def test_an_error_after_the_last_epoch_does_not_undo_it() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    floor.hear("a", step(1, 9, waits=False), Ended(trial=1, end=End.FAILED, reason="too late"))
    assert floor.status(1) is Status.COMPLETED


def test_a_checkpoint_that_cannot_be_written_costs_no_trial_and_does_not_end_the_search() -> None:
    floor = Floor()
    floor.open()
    again = work(floor.hear("a", Ended(trial=1, end=End.UNSAVED, reason="the disk is full")))
    assert (again.trial, again.epoch) == (1, 0)


def test_while_a_trial_waits_for_its_storage_that_is_known() -> None:
    floor = Floor()
    floor.open()
    assert floor.hear("a", Waits(trial=1, reason="the disk is full")) == []
    assert floor.foreman.waits == "trial 1 waits: the disk is full"
    floor.hear("a", between(1, 1))
    assert floor.foreman.waits == ""


def test_a_report_that_makes_no_sense_costs_its_trial_alone() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    orders = floor.hear("a", between(1, 2), step(1, 2))
    assert orders[0] == halted(1)
    assert (work(orders).trial, floor.status(1)) == (2, Status.FAILED)
    assert floor.study.trials[1].reason == "trial 1 reported epoch 2 after epoch 2"


def test_an_end_without_a_report_costs_its_trial_alone() -> None:
    floor = Floor()
    floor.open()
    assert work(floor.hear("a", Ended(trial=1, end=End.RETURNED))).trial == 2
    assert floor.status(1) is Status.FAILED


def test_a_diverged_trial_is_stopped_for_good() -> None:
    floor = Floor()
    floor.open()
    orders = floor.hear("a", step(1, 1, float("nan")))
    assert orders[0] == halted(1)
    assert (work(orders).trial, floor.status(1)) == (2, Status.DIVERGED)


def test_a_trial_whose_slot_is_lost_goes_on_elsewhere_from_its_checkpoint() -> None:
    floor = Floor(trials=1)
    floor.open("a")
    floor.hear("a", step(1, 1))
    floor.hear("a", between(1, 2))
    floor.foreman.lost("a", "its worker died")
    assert floor.recorded(Interrupted) == [
        Interrupted(trial=1, epoch=1, reason="its worker died", cause=Cause.LOST)
    ]
    job = floor.open("b")
    assert (job.trial, job.epoch, job.until, job.attempt) == (1, 1, 3, 2)


def test_a_trial_that_loses_its_slot_again_and_again_has_failed() -> None:
    floor = Floor(trials=1)
    for attempt in range(1, 4):
        assert floor.open(f"slot {attempt}").attempt == attempt
        floor.foreman.lost(f"slot {attempt}", "its worker died")
    assert floor.status(1) is Status.FAILED
    assert floor.study.trials[1].reason == "its worker died; tried 3 times"


def test_promotions_are_no_lost_slots() -> None:
    floor = Floor(trials=1)
    floor.open()
    floor.hear("a", step(1, 1))
    floor.hear("a", step(1, 3))
    assert floor.foreman.busy["a"].trial == 1  # for the third time, each time one rung higher
    floor.foreman.lost("a", "its worker died")
    assert floor.status(1) is Status.WAITING


def test_a_slot_lost_after_the_last_epoch_loses_nothing() -> None:
    floor = Floor(trials=1, scheduler="none")
    floor.open()
    floor.hear("a", step(1, 9, waits=False))
    floor.foreman.lost("a", "its worker died")
    assert floor.status(1) is Status.COMPLETED
    assert floor.recorded(Interrupted) == []


def test_an_idle_slot_that_is_lost_is_not_woken() -> None:
    floor = Floor(trials=1)
    floor.open("a")
    assert floor.foreman.opened("b") == []
    floor.foreman.lost("b", "its worker died")
    floor.foreman.lost("a", "its worker died")
    assert floor.foreman.wake(floor.foreman.idle) == {}


def test_idle_slots_wake_when_there_is_work_again() -> None:
    floor = Floor(trials=1)
    floor.open("a")
    assert [floor.foreman.opened(slot) for slot in ("c", "b")] == [[], []]
    assert floor.foreman.wake(floor.foreman.idle) == {}
    floor.foreman.lost("a", "its worker died")
    assert not floor.foreman.finished
    woken = floor.foreman.wake(floor.foreman.idle)
    assert list(woken) == ["b"]
    assert (work(woken["b"]).trial, work(woken["b"]).attempt) == (1, 2)
    assert floor.foreman.idle == {"c"}


def test_one_more_slot_is_wanted_until_nothing_is_left_to_start() -> None:
    floor = Floor(trials=2)
    wanted = [floor.foreman.short_of_slots]
    for slot in "abc":
        floor.foreman.opened(slot)
        wanted.append(floor.foreman.short_of_slots)
    assert wanted == [True, True, True, False]


def test_it_is_finished_only_when_nothing_trains_and_nothing_is_left() -> None:
    floor = Floor(trials=1, scheduler="none")
    assert not floor.foreman.finished
    floor.open("a")
    floor.foreman.opened("b")
    assert not floor.foreman.finished
    floor.hear("a", step(1, 9, waits=False))
    assert not floor.foreman.finished
    floor.hear("a", Ended(trial=1, end=End.RETURNED))
    assert floor.foreman.finished


def test_stopping_tells_each_busy_slot_once_to_halt() -> None:
    floor = Floor()
    floor.open("a")
    floor.open("b")
    floor.foreman.stop("stopped by SIGINT")
    assert [floor.hear(slot) for slot in "aabb"] == [[Halt()], [], [Halt()], []]


def test_a_trial_halted_between_rungs_is_left_with_its_checkpoint() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    floor.foreman.stop("stopped by SIGINT")
    assert floor.hear("a", step(1, 4)) == [halted(1)]
    assert floor.recorded(Interrupted) == [
        Interrupted(trial=1, epoch=4, reason="stopped by SIGINT")
    ]
    assert floor.foreman.finished


def test_a_trial_halted_at_a_rung_is_judged_as_ever() -> None:
    floor = Floor()
    floor.open()
    floor.foreman.stop("stopped by SIGINT")
    assert floor.hear("a", step(1, 1)) == [halted(1)]
    assert floor.status(1) is Status.PAUSED
    assert floor.foreman.idle == {"a"}


def test_where_nobody_pauses_a_trial_saves_itself_once_more_before_it_is_left() -> None:
    floor = Floor(scheduler="median")
    assert not floor.open().pauses
    floor.hear("a", step(1, 1))
    floor.foreman.stop("stopped by SIGINT")
    assert floor.hear("a", step(1, 2, checkpoint=False)) == [Halt(), Answer(trial=1, until=3)]
    assert floor.hear("a", step(1, 3)) == [halted(1)]
    assert floor.recorded(Interrupted) == [
        Interrupted(trial=1, epoch=3, reason="stopped by SIGINT")
    ]


def test_a_report_that_crosses_the_order_to_halt_is_no_reason_to_lose_epochs() -> None:
    floor = Floor(scheduler="median")
    floor.open()
    floor.foreman.stop("stopped by SIGINT")
    assert floor.hear("a") == [Halt()]
    assert floor.hear("a", step(1, 1, checkpoint=False)) == [Halt(), Answer(trial=1, until=2)]
    assert floor.hear("a", step(1, 2)) == [halted(1)]


def test_a_trial_that_cannot_save_itself_is_left_all_the_same() -> None:
    floor = Floor(scheduler="median")
    floor.open()
    floor.foreman.stop("stopped by SIGINT")
    floor.hear("a", step(1, 1, checkpoint=False))
    assert floor.hear("a", step(1, 2, checkpoint=False)) == [halted(1)]
    assert floor.status(1) is Status.WAITING


def test_nothing_starts_after_stopping() -> None:
    floor = Floor()
    floor.open("a")
    floor.foreman.stop("its time is over")
    assert floor.foreman.opened("b") == []
    assert (floor.foreman.wake(floor.foreman.idle), floor.foreman.short_of_slots) == ({}, False)


def test_abandoned_trials_go_on_later_from_where_they_were_saved() -> None:
    floor = Floor()
    floor.open("a")
    floor.open("b")
    floor.hear("b", step(2, 1), Ended(trial=2, end=End.RETURNED))
    floor.foreman.stop("stopped by SIGTERM")
    floor.foreman.abandon()
    assert floor.foreman.busy == {}
    assert {floor.status(1), floor.status(3)} == {Status.WAITING}
    assert floor.status(2) is Status.PAUSED
    assert floor.study.trials[1].reason == "stopped by SIGTERM"


def test_a_trial_that_fails_while_the_sweep_is_stopped_goes_on_later() -> None:
    """SIGTERM to all processes of a job ends the data loaders of a function, and it fails."""
    floor = Floor()
    floor.open()
    floor.foreman.stop("stopped by SIGTERM")
    floor.hear("a", Ended(trial=1, end=End.FAILED, reason="its data loader was killed"))
    assert floor.status(1) is Status.WAITING
    assert floor.foreman.finished


def test_where_a_trial_started_is_recorded_once_an_attempt() -> None:
    floor = Floor(trials=1)
    floor.open("a")
    floor.hear("a")
    floor.hear("a")
    floor.foreman.lost("a", "its worker died")
    floor.open("b")
    floor.foreman.heard("b", Place(host="node-2", pid=42, device="cuda:0"), [])
    assert floor.recorded(Started) == [
        Started(trial=1, attempt=1, host="node-1", pid=41, device="cpu"),
        Started(trial=1, attempt=2, host="node-2", pid=42, device="cuda:0"),
    ]


def test_a_slot_gets_its_next_trial_when_the_function_has_returned() -> None:
    floor = Floor(trials=2)
    floor.open("a")
    assert floor.foreman.heard("a", HERE, [step(1, 1)]) == [Answer(trial=1, until=None)]
    assert floor.foreman.heard("a", HERE, []) == []
    assert (floor.foreman.leaving, floor.foreman.busy) == ({"a": 1}, {})
    halted = Ended(trial=1, end=End.HALTED)
    assert work(floor.foreman.heard("a", HERE, [halted])).trial == 2


def test_a_function_that_never_returns_does_not_keep_the_sweep_from_ending() -> None:
    floor = Floor(trials=1, max_epochs=3)
    floor.open("a")
    floor.foreman.heard("a", HERE, [step(1, 1)])
    assert not floor.foreman.finished, "the trial may be promoted, on another slot"
    floor.open("b")
    floor.hear("b", step(1, 3, waits=False), Ended(trial=1, end=End.RETURNED))
    assert floor.foreman.finished


def test_a_trial_whose_checkpoint_is_gone_starts_again() -> None:
    floor = Floor(trials=1, max_epochs=3)
    floor.open("a")
    assert work(floor.hear("a", step(1, 1))).epoch == 1
    gone = Ended(trial=1, end=End.LOST, reason="its checkpoint after epoch 1 is gone")
    assert work(floor.hear("a", gone)).epoch == 0


def test_a_trial_whose_checkpoint_is_damaged_goes_on_from_an_older_one() -> None:
    floor = Floor(trials=1)
    floor.open("a")
    assert work(floor.hear("a", step(1, 1))).epoch == 1
    assert work(floor.hear("a", step(1, 3))).epoch == 3
    reason = "its checkpoint after epoch 3 is damaged; went on from epoch 1"
    job = work(floor.hear("a", Ended(trial=1, end=End.LOST, reason=reason, epoch=1)))
    assert (job.epoch, job.until) == (1, 9)
    assert floor.recorded(Interrupted) == [Interrupted(trial=1, epoch=1, reason=reason)]


def test_held_trials_are_saved_at_their_next_report_and_wait() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    floor.foreman.hold("paused by hand")
    assert floor.hear("a") == [Halt()]
    assert floor.hear("a") == [], "it is told once"
    assert floor.hear("a", step(1, 1)) == [halted(1)]
    assert floor.recorded(Interrupted) == [Interrupted(trial=1, epoch=1, reason="paused by hand")]
    assert (floor.foreman.busy, floor.foreman.short_of_slots) == ({}, False)
    assert not floor.foreman.finished


def test_released_it_gives_them_out_again_first() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    floor.foreman.hold("paused by hand")
    floor.hear("a", step(1, 1))
    floor.foreman.closed("a")
    assert not floor.foreman.short_of_slots
    floor.foreman.release()
    assert floor.foreman.short_of_slots
    assert (job := floor.open("b")).trial == 1
    assert (job.epoch, job.attempt) == (1, 2)


def test_released_before_it_was_saved_a_trial_need_not_be_any_more() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    floor.foreman.hold("paused by hand")
    floor.hear("a")
    floor.foreman.release()
    assert floor.hear("a") == [Halt(wanted=False)]
    assert floor.hear("a") == []
    floor.foreman.hold("paused by hand")
    assert floor.hear("a") == [Halt()]


def test_a_trial_that_was_about_to_be_saved_as_the_sweep_was_released_goes_on() -> None:
    floor = Floor(scheduler="none")
    floor.open()
    floor.foreman.hold("paused by hand")
    floor.hear("a")
    floor.foreman.release()
    assert floor.hear("a", step(1, 1)) == [Answer(trial=1, until=9), Halt(wanted=False)]
    assert floor.recorded(Interrupted) == []


def test_a_slot_that_opens_while_the_sweep_is_held_gets_nothing() -> None:
    floor = Floor()
    floor.foreman.hold("paused by hand")
    assert floor.foreman.opened("a") == []
    floor.foreman.closed("a")
    assert (floor.foreman.idle, floor.study.trials) == (set(), {})


def test_a_trial_stopped_by_hand_before_its_worker_was_heard_of_can_be_replayed() -> None:
    floor = Floor()
    floor.open()
    floor.foreman.cut(1, "stopped by hand")
    floor.hear("a")
    assert Study.replay(floor.study.sweep, floor.events).trials == floor.study.trials


def test_who_may_go_on_after_the_last_word_of_a_lost_worker_does() -> None:
    floor = Floor(trials=6)
    floor.open("a")
    for trial in (1, 2, 3):
        floor.hear("a", step(trial, 1, trial / 10))
    assert floor.foreman.busy["a"].trial == 1
    floor.open("b")
    for trial in (4, 5):
        floor.hear("b", step(trial, 1, trial / 10))
    assert floor.foreman.opened("c") == []
    floor.hear("b", step(6, 1, 0.6, checkpoint=False, waits=False))
    assert floor.status(6) is Status.STOPPED
    floor.foreman.lost("b", "its worker died")
    assert work(floor.foreman.wake({"c"})["c"]).trial == 2


def test_a_new_best_between_rungs_opens_trials_again_where_patience_had_run_out() -> None:
    floor = Floor(scheduler="none", patience=1)
    for slot in ("a", "b", "c"):
        floor.open(slot)
    floor.hear("a", step(1, 1, 0.5, waits=False))
    floor.hear("b", step(2, 9, 0.6, waits=False), Ended(trial=2, end=End.RETURNED))
    assert floor.foreman.idle == {"b"}
    floor.hear("c", step(3, 1, 0.3, waits=False))
    assert work(floor.foreman.wake({"b"})["b"]).trial == 4


def test_a_sweep_that_comes_to_its_end_while_it_is_held_need_not_wait_for_its_release() -> None:
    floor = Floor(trials=1, max_epochs=1)
    floor.open()
    floor.foreman.hold("outside its window")
    assert not floor.foreman.finished
    floor.hear("a", step(1, 1, waits=False), Ended(trial=1, end=End.RETURNED))
    assert floor.foreman.finished


def unequal(fast: str = "a", slow: str = "b", **changes: Any) -> Floor:
    """A floor with a fast and a slow GPU, on which trial 1 took twice as long; others wait."""
    floor = Floor(**changes)
    for slot, kind, seconds in ((fast, "H100", 10.0), (slow, "T4", 20.0)):
        floor.foreman.kinds.sits(slot, kind)
        for _ in range(3):
            floor.foreman.kinds.trained(slot, 1, seconds)
    return floor


def test_long_rungs_are_left_to_fast_devices_while_there_are_new_trials() -> None:
    floor = unequal()
    for slot in ("b", "c", "d", "e"):
        floor.open(slot)
    for slot, trial in (("c", 2), ("d", 3), ("e", 4)):
        floor.foreman.stop("for a moment")
        floor.hear(slot, step(trial, 1, trial / 10))
    floor.foreman.stopping = ""
    new = work(floor.hear("b", step(1, 1, 0.9)))
    assert (new.trial, new.epoch) == (5, 0)
    promoted = floor.open("a")
    assert (promoted.trial, promoted.epoch) == (2, 1)


def nearly_over() -> Floor:
    """Trials of 10 seconds on a fast device, and 15 seconds are left: "b" is slow, and idle."""
    floor = unequal(scheduler="none", time="1h", max_epochs=10)
    floor.open("c")
    floor.hear("c", between(1, 1))
    floor.foreman.left = 15.0
    assert floor.foreman.opened("b") == []
    return floor


def test_a_slow_device_is_given_nothing_that_only_a_fast_one_has_time_for() -> None:
    floor = nearly_over()
    assert floor.foreman.wake({"b"}) == {}
    assert floor.open("a").trial == 2


def test_once_the_fast_devices_are_gone_it_ends_with_what_is_too_late_for_the_slow_ones() -> None:
    floor = nearly_over()
    floor.open("a")
    floor.foreman.lost("c", "its node died")
    assert not floor.foreman.finished
    floor.foreman.lost("a", "its node died")
    assert floor.foreman.wake({"b"}) == {}
    assert floor.foreman.finished


def test_while_a_fast_device_is_up_the_end_waits_for_what_it_may_yet_start() -> None:
    floor = nearly_over()
    floor.foreman.lost("c", "its worker died")
    assert floor.foreman.wake({"b"}) == {}
    assert not floor.foreman.finished
    assert floor.open("a").trial == 1


def test_a_fast_slot_that_is_lost_is_opened_again_though_a_slow_one_is_idle() -> None:
    floor = nearly_over()
    floor.foreman.kinds.sits("d", "H100")
    floor.open("a")
    assert floor.open("d").trial == 3
    floor.foreman.lost("d", "its worker died")
    assert floor.foreman.wake({"b"}) == {}
    assert floor.foreman.short_of_slots
    assert floor.open("e").trial == 3


def test_a_slow_slot_that_may_find_work_is_asked_before_another_is_opened() -> None:
    floor = nearly_over()
    floor.foreman.left = 3600.0
    floor.hear("c", between(1, 2))
    assert not floor.foreman.short_of_slots
    assert work(floor.foreman.wake({"b"})["b"]).trial == 2


def test_where_a_trial_starts_with_a_share_of_a_gpu_that_is_recorded() -> None:
    floor = Floor(resources={"gpus": "auto"})
    floor.open()
    third = Place(host="node-1", pid=41, device="cuda:2", gpus=0.3333)
    floor.foreman.heard("a", third, [])
    assert floor.recorded(Started) == [
        Started(trial=1, attempt=1, host="node-1", pid=41, device="cuda:2", gpus=0.3333)
    ]
