from __future__ import annotations

from nightsweep.search.events import (
    Asked,
    Changed,
    Closed,
    Event,
    Failed,
    Finished,
    Held,
    Interrupted,
    Opened,
    Released,
    Reported,
    Shared,
    Started,
)
from nightsweep.search.ledger import Epoch, Ledger

OPENED = Opened(format=1, version="0.1.0", host="a", pid=1)
ASKED = Asked(trial=1, epoch=0, reason="random", config={"lr": 0.1})


def closed(elapsed: float, *, done: bool = False, reason: str = "stopped") -> Closed:
    return Closed(done=done, reason=reason, elapsed=elapsed)


def reported(epoch: int, loss: float, seconds: float | None = 2.0) -> Reported:
    return Reported(trial=1, epoch=epoch, metrics={"loss": loss}, seconds=seconds)


def ledger(*events: tuple[float, Event]) -> Ledger:
    made = Ledger()
    for time, event in events:
        made.add(time, event)
    return made


def test_a_trial_starts_when_it_is_first_asked_for() -> None:
    again = Asked(trial=1, epoch=3, reason="rung 3")
    page = ledger((10, ASKED), (50, again)).pages[1]
    assert (page.started, page.latest) == (10, 50)


def test_every_epoch_is_kept_with_its_time() -> None:
    page = ledger((10, ASKED), (12, reported(1, 0.5)), (14, reported(2, 0.4))).pages[1]
    assert page.epochs == {
        1: Epoch(metrics={"loss": 0.5}, seconds=2.0, time=12),
        2: Epoch(metrics={"loss": 0.4}, seconds=2.0, time=14),
    }


def test_of_a_repeated_epoch_the_last_try_is_kept_and_both_took_time() -> None:
    lost = Interrupted(trial=1, epoch=0, reason="its node was lost")
    page = ledger(
        (10, ASKED), (12, reported(1, 0.5)), (13, lost), (15, reported(1, 0.4, seconds=3.0))
    ).pages[1]
    assert page.epochs == {1: Epoch(metrics={"loss": 0.4}, seconds=3.0, time=15)}
    assert page.seconds == 5.0


def test_an_epoch_of_unknown_length_takes_no_time() -> None:
    page = ledger((10, ASKED), (12, reported(1, 0.5, seconds=None))).pages[1]
    assert (page.seconds, page.epochs[1].seconds) == (0.0, None)


def test_the_host_and_device_are_those_of_the_last_attempt() -> None:
    first = Started(trial=1, attempt=1, host="a", pid=2, device="cpu")
    second = Started(trial=1, attempt=2, host="b", pid=3, device="cuda:1")
    page = ledger((1, ASKED), (2, first), (3, second)).pages[1]
    assert (page.host, page.device) == ("b", "cuda:1")


def test_a_failure_leaves_its_traceback() -> None:
    failed = Failed(trial=1, reason="raised ValueError", traceback="Traceback ...")
    assert ledger((1, ASKED), (2, failed)).pages[1].traceback == "Traceback ..."


def test_the_last_event_of_a_trial_ends_it() -> None:
    page = ledger((1, ASKED), (2, reported(1, 0.5)), (9, Finished(trial=1, reason="x"))).pages[1]
    assert page.latest == 9


def test_events_of_other_trials_leave_a_page_alone() -> None:
    other = Asked(trial=2, epoch=0, reason="random", config={})
    assert ledger((1, ASKED), (5, other)).pages[1].latest == 1


def test_search_time_is_what_the_drivers_have_counted() -> None:
    made = ledger((0, OPENED), (100, closed(90)), (500, OPENED), (560, closed(50)))
    assert made.searched == 140


def test_a_driver_at_work_counts_up_to_its_latest_event() -> None:
    made = ledger((0, OPENED), (100, closed(90)), (500, OPENED), (520, ASKED))
    assert made.searched == 110


def test_a_killed_driver_counts_up_to_its_latest_event() -> None:
    assert ledger((0, OPENED), (40, ASKED)).searched == 40


def test_the_time_between_a_killed_driver_and_the_next_does_not_count() -> None:
    made = ledger((0, OPENED), (40, ASKED), (10_000, OPENED), (10_005, reported(1, 0.5)))
    assert made.searched == 45


def test_before_the_first_event_nothing_has_been_searched() -> None:
    assert Ledger().searched == 0.0


def test_a_closed_run_is_done_or_tells_why_not() -> None:
    made = ledger((0, OPENED), (5, closed(5, done=True, reason="60 trials were tried")))
    assert (made.done, made.ended_because) == (True, "60 trials were tried")
    made = ledger((0, OPENED), (5, closed(5, reason="interrupted by Ctrl-C")))
    assert (made.done, made.ended_because) == (False, "interrupted by Ctrl-C")


def test_a_run_that_is_opened_again_is_not_done() -> None:
    made = ledger((0, OPENED), (5, closed(5, done=True, reason="done")), (9, OPENED))
    assert (made.done, made.ended_because) == (False, "")


HELD = Held(reason="paused by hand")


def test_time_for_which_a_sweep_is_held_is_no_search_time() -> None:
    held = ledger((0, OPENED), (10, ASKED), (20, HELD), (25, reported(1, 0.5)))
    assert (held.held, held.held_at) == ("paused by hand", 20)
    assert held.searched == held.spent(900).searched == 20.0
    held.add(920, Released())
    assert (held.held, held.searched) == ("", 20.0)
    held.add(930, reported(2, 0.4))
    assert held.searched == 30.0
    assert held.spent(935).searched == 35.0


def test_a_sweep_that_is_held_for_another_reason_has_been_held_since_the_first() -> None:
    held = ledger((0, OPENED), (20, Held(reason="outside")), (30, HELD), (50, Released()))
    assert held.searched == 20.0


def test_a_driver_that_was_killed_while_it_was_held_has_searched_until_then() -> None:
    killed = ledger((0, OPENED), (20, HELD), (500, OPENED), (507, reported(1, 0.5)))
    assert (killed.held, killed.searched) == ("", 27.0)


def test_a_driver_that_ended_while_it_was_held_knows_itself_how_long_it_has_searched() -> None:
    ended = ledger((0, OPENED), (20, HELD), (500, closed(19.5)))
    assert (ended.held, ended.searched) == ("paused by hand", 19.5)


def test_how_many_share_a_gpu_is_what_was_last_found() -> None:
    found = [Shared(each=n, most=8, memory=0, reason=f"{n}") for n in (1, 3)]
    assert ledger((1, OPENED), (2, found[0]), (3, found[1]), (4, OPENED)).shared == found[1]


def test_with_other_resources_it_is_to_be_found_anew() -> None:
    found = Shared(each=3, most=8, memory=0, reason="3")
    more = Changed(changes={"trials": 100})
    other = Changed(changes={"resources": {"cpus": 4.0, "gpus": "auto"}})
    assert ledger((1, found), (2, more)).shared == found
    assert ledger((1, found), (2, other)).shared is None
