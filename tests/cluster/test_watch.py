from pathlib import Path

import pytest

from nightsweep.cluster.watch import AGAIN, FLOOR, SHARED, TIMES, UNKNOWN, UNWIND, Silence, Watch
from nightsweep.cluster.work import Halt
from nightsweep.trainables.job import Answer, End, Ended, Job, Step, Waits

MINUTE = 60.0


class Night:
    """A watch, and its clock. A driver looks every half second."""

    def __init__(self, timeout: float | None = None, delay: float = 0.0) -> None:
        self.watch = Watch(timeout=timeout, delay=delay)
        self.clock = 1000.0
        self.found: list[Silence] = []
        self.watch.look(self.clock)

    def start(self, trial: int = 1, slot: str = "a", epoch: int = 0) -> None:
        job = Job(
            trial=trial, config={}, epoch=epoch, until=9, max_epochs=9, metrics=("loss",),
            seed=0, folder=Path(f"/run/trials/{trial}"),
        )  # fmt: skip
        self.watch.sent(slot, [job])

    def report(self, epoch: int, trial: int = 1, slot: str = "a") -> None:
        self.watch.heard(slot, [step(epoch, trial)])

    def wait(self, seconds: float, *, look: float = 0.5) -> list[str]:
        """Time goes by; the slots that hang in it."""
        end, hung = self.clock + seconds, []
        while self.clock < end:
            self.clock = min(self.clock + look, end)
            self.found += (now := self.watch.look(self.clock))
            hung += [silence.slot for silence in now]
        return hung

    def epochs(self, *seconds: float, first: int = 1, trial: int = 1, slot: str = "a") -> None:
        """Train epochs that take so long; none of them may count as a hang."""
        for epoch, long in enumerate(seconds, first):
            assert self.wait(long) == []
            self.report(epoch, trial, slot)

    def allows(self, seconds: float) -> bool:
        """Whether so long is not yet a hang, and a little longer is one."""
        return self.wait(seconds - 1) == [] and self.wait(2) == ["a"]


def step(epoch: int, trial: int = 1) -> Step:
    return Step(trial=trial, epoch=epoch, metrics={"loss": 0.5}, seconds=1.0)


def test_a_timeout_is_taken_at_its_word_from_the_first_epoch_on() -> None:
    night = Night(timeout=10.0)
    night.start()
    assert night.allows(10)


def test_every_report_begins_the_time_anew() -> None:
    night = Night(timeout=10.0)
    night.start()
    night.epochs(*[9.5] * 5)
    assert night.allows(10)


def test_reports_that_travel_in_batches_have_time_to_arrive() -> None:
    night = Night(timeout=10.0, delay=5.0)
    night.start()
    assert night.allows(15)


def test_a_hang_is_told_once_with_all_there_is_to_say() -> None:
    night = Night(timeout=10.0)
    night.start(trial=5)
    night.epochs(1, trial=5)
    assert night.wait(100) == ["a"]
    (silence,) = night.found
    assert silence.job.trial == 5
    assert silence.words == "no report for 10 s at epoch 2 (its timeout is 10 s)"


def test_a_slot_without_a_trial_does_not_hang() -> None:
    night = Night(timeout=10.0)
    night.start()
    night.watch.heard("a", [Ended(trial=1, end=End.RETURNED)])
    assert night.wait(1000) == []


def test_a_slot_that_is_gone_does_not_hang() -> None:
    night = Night(timeout=10.0)
    night.start()
    night.watch.forget("a")
    assert night.wait(1000) == []


def test_the_next_trial_of_a_slot_is_watched_too() -> None:
    night = Night(timeout=10.0)
    night.start()
    night.watch.heard("a", [Ended(trial=1, end=End.RETURNED)])
    night.wait(1000)
    night.start(trial=2)
    assert night.allows(10)


def test_each_slot_is_judged_for_itself() -> None:
    night = Night(timeout=10.0)
    night.start(slot="a")
    night.start(slot="b", trial=2)
    night.wait(6)
    night.report(1, trial=2, slot="b")
    assert night.wait(6) == ["a"]
    assert night.wait(6) == ["b"]


def test_an_answer_begins_the_time_anew_and_an_order_to_halt_does_not() -> None:
    night = Night(timeout=10.0)
    night.start()
    night.epochs(1)
    night.wait(8)
    night.watch.sent("a", [Answer(trial=1, until=3)])
    night.wait(8)
    night.watch.sent("a", [Halt()])
    assert night.wait(3) == ["a"]


def test_messages_of_an_earlier_trial_tell_nothing() -> None:
    night = Night(timeout=10.0)
    night.start(trial=2)
    night.wait(8)
    night.watch.heard("a", [step(1, trial=1), Ended(trial=1, end=End.HALTED)])
    night.watch.sent("a", [Answer(trial=1, until=None)])
    assert night.wait(3) == ["a"]


def test_a_trial_that_waits_for_a_disk_does_not_hang_while_it_says_so() -> None:
    night = Night(timeout=10.0)
    night.start()
    for _ in range(3):
        night.watch.heard("a", [Waits(trial=1, reason="the disk is full")])
        assert night.wait(UNKNOWN - 1) == []
    night.report(1)
    assert night.allows(10)


def test_time_in_which_the_driver_stood_still_does_not_count() -> None:
    night = Night(timeout=10.0)
    night.start()
    assert night.wait(3600, look=3600) == []
    assert night.wait(8) == []


def test_before_anything_is_known_there_is_an_hour() -> None:
    night = Night()
    night.start()
    assert night.allows(UNKNOWN)
    assert night.found[0].words == (
        "no report for 60 min at epoch 1 (no trial has reported yet; timeout: sets how long is "
        "too long)"
    )


def test_a_first_epoch_that_takes_no_time_is_known_all_the_same() -> None:
    night = Night()
    night.start()
    night.report(1)
    assert night.allows(FLOOR)


def test_quick_epochs_have_the_floor() -> None:
    night = Night()
    night.start()
    night.epochs(1, 1, 1)
    assert night.allows(FLOOR)


def test_slow_epochs_have_ten_times_the_slowest() -> None:
    night = Night()
    night.start()
    night.epochs(30, 40, 35)
    assert night.allows(TIMES * 40)
    assert night.found[0].words == "no report for 7 min at epoch 4 (its slowest epoch took 40 s)"


def test_before_its_first_report_a_trial_is_compared_with_the_first_epochs_of_others() -> None:
    night = Night()
    night.start(trial=2, slot="b")
    night.epochs(2 * MINUTE, 1, trial=2, slot="b")
    night.watch.forget("b")
    night.start()
    assert night.allows(TIMES * 2 * MINUTE)
    assert night.found[0].words == (
        "no report for 20 min at epoch 1 (the slowest first epoch of others took 2 min)"
    )


def test_a_promoted_trial_may_set_itself_up_again() -> None:
    night = Night()
    night.start()
    night.epochs(2 * MINUTE, 1)
    night.watch.heard("a", [Ended(trial=1, end=End.HALTED)])
    night.start(epoch=2)
    assert night.allows(TIMES * 2 * MINUTE)


def test_an_epoch_that_evaluates_is_known_from_other_trials() -> None:
    night = Night()
    night.start(trial=2, slot="b")
    night.epochs(60, 60, 599, trial=2, slot="b")
    night.watch.forget("b")
    night.start()
    night.epochs(30, 30)
    assert night.allows(SHARED * 599)


def test_a_trial_that_was_slow_and_not_stuck_gets_through_the_second_time() -> None:
    night = Night()
    night.start()
    night.epochs(1, 1)
    assert night.wait(FLOOR + 1) == ["a"]
    night.start(slot="b")
    night.epochs(1, 1, AGAIN * FLOOR - 10, slot="b")


def test_and_then_the_others_get_through_the_first_time() -> None:
    night = Night()
    night.start()
    night.wait(UNKNOWN + 1)
    night.start()
    night.epochs(1, 1, AGAIN * FLOOR - 10)
    night.start(trial=2)
    night.epochs(1, 1, AGAIN * FLOOR, trial=2)


def test_a_timeout_is_the_same_the_second_time() -> None:
    night = Night(timeout=10.0)
    night.start()
    night.wait(11)
    night.start()
    assert night.allows(10)


@pytest.mark.parametrize("timeout", [None, 1.0, UNWIND], ids=str)
def test_a_function_that_was_told_to_halt_has_a_minute_to_return(timeout: float | None) -> None:
    night = Night(timeout)
    night.start()
    night.epochs(0.5)
    night.watch.sent("a", [Answer(trial=1, until=None)])
    assert night.allows(UNWIND)
    assert night.found[0].words == "has not returned for 60 s after it was told to halt"


def test_or_its_timeout_where_that_is_longer() -> None:
    night = Night(timeout=10 * MINUTE)
    night.start()
    night.watch.sent("a", [Answer(trial=1, until=None)])
    assert night.allows(10 * MINUTE)


def test_reports_after_it_was_told_to_halt_are_no_progress() -> None:
    night = Night()
    night.start()
    night.watch.sent("a", [Answer(trial=1, until=None)])
    night.wait(UNWIND - 1)
    night.report(2)
    assert night.wait(2) == ["a"]


def test_a_function_that_does_not_return_after_its_last_epoch_hangs() -> None:
    night = Night()
    night.start(epoch=7)
    night.epochs(1, 1, first=8)
    assert night.allows(FLOOR)
    assert night.found[0].words == "has not returned for 5 min after its last epoch"


def test_what_comes_near_its_limit_is_said() -> None:
    night = Night()
    night.start(trial=5)
    night.epochs(1, 1, trial=5)
    night.wait(FLOOR / 2 - 1)
    assert night.watch.late == ""
    night.wait(60)
    assert night.watch.late == (
        "trial 5: no report for 3 min at epoch 3 (its slowest epoch took 1 s); after 5 min it "
        "counts as hung"
    )
    night.report(3, trial=5)
    night.wait(1)
    assert night.watch.late == ""


def test_of_many_that_are_late_the_latest_is_named() -> None:
    night = Night()
    for trial, slot in enumerate("abc", 1):
        night.start(trial, slot)
        night.epochs(1, trial=trial, slot=slot)
    night.report(2, trial=1, slot="a")
    night.wait(200)
    assert night.watch.late.startswith("trial 2: no report for 3 min at epoch 2")
    assert night.watch.late.endswith("counts as hung; late too: 2 others")


def shared(times: float) -> Night:
    """Everything takes so many times as long in slot "a"."""
    night = Night()
    night.watch = Watch(slower=lambda slot: times if slot == "a" else 1.0)
    night.watch.look(night.clock)
    return night


def elsewhere(night: Night, *seconds: float) -> None:
    """Trial 2 trains epochs in another slot, and is done."""
    night.start(trial=2, slot="b")
    night.epochs(*seconds, trial=2, slot="b")
    night.watch.forget("b")


def test_on_a_slower_device_a_first_epoch_may_take_so_many_times_as_long_as_elsewhere() -> None:
    night = shared(3.0)
    elsewhere(night, MINUTE)
    night.start()
    assert night.allows(3 * TIMES * MINUTE)


def test_and_so_may_one_that_evaluates() -> None:
    night = shared(3.0)
    elsewhere(night, 60, 599)
    night.start()
    night.epochs(60)
    assert night.allows(3 * SHARED * 599)


def test_what_a_trial_took_there_itself_is_not_counted_twice() -> None:
    night = shared(3.0)
    night.start()
    night.epochs(MINUTE)
    assert night.allows(TIMES * MINUTE)


@pytest.mark.parametrize("known", [True, False])
def test_the_floor_and_the_hour_are_long_enough_for_any_device(known: bool) -> None:
    night = shared(8.0)
    night.start()
    night.epochs(*[1] * known)
    assert night.allows(FLOOR if known else UNKNOWN)
