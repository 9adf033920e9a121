from __future__ import annotations

import errno
import io
from collections.abc import Callable
from typing import TYPE_CHECKING

import pytest
from rich.console import Console

from nightsweep.cluster.display import (
    InTerminal,
    Plain,
    Silent,
    choose,
    counted,
    few,
    ladder,
    leader,
    left,
)
from nightsweep.search.schedulers import Step

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening

ENDLESS = {"x": {"min": 0.0, "max": 1.0}}


class Screen:
    """A console whose text can be read."""

    def __init__(self, *, terminal: bool = False) -> None:
        self._file = io.StringIO()
        self.console = Console(
            file=self._file, width=100, force_terminal=terminal, color_system=None
        )

    @property
    def text(self) -> str:
        return self._file.getvalue()

    @property
    def lines(self) -> list[str]:
        return [line.rstrip() for line in self.text.splitlines()]


@pytest.fixture
def screen() -> Screen:
    return Screen()


def test_a_terminal_gets_a_picture_and_anything_else_plain_lines(screen: Screen) -> None:
    assert isinstance(choose(Screen(terminal=True).console), InTerminal)
    assert isinstance(choose(screen.console), Plain)


def test_silence_is_silent(evening: Evening, capsys: pytest.CaptureFixture[str]) -> None:
    display = Silent()
    with display.showing(evening.study, evening.folder):
        display.update(1, "stopped by SIGINT", 3.0)
    assert capsys.readouterr() == ("", "")


def test_trials_are_counted_by_what_has_become_of_them(begin: Callable[..., Evening]) -> None:
    evening = begin(trials=20)
    assert counted(evening.study) == "0 of 6 trials: none yet", "the grid has no more"
    evening.search(most=6)
    assert counted(evening.study) == "5 of 6 trials: 1 trained to their end, 4 paused at a rung"


def test_without_a_number_of_trials_none_is_given(begin: Callable[..., Evening]) -> None:
    evening = begin(parameters=ENDLESS, trials=None, time="2h", sampler="random")
    evening.study.ask()
    assert counted(evening.study) == "1 trials: 1 in training"


def test_the_leader_is_named_with_value_trial_and_epoch(evening: Evening) -> None:
    assert leader(evening.study) == "no loss yet"
    evening.search()
    assert leader(evening.study) == "loss 0.125 by trial 2 at epoch 3"


def test_with_several_metrics_the_leader_has_all_of_them(begin: Callable[..., Evening]) -> None:
    evening = begin(metric=["loss", {"name": "acc", "goal": "maximize"}])
    evening.search(acc=0.5)
    assert leader(evening.study) == (
        "loss 0.125, acc 0.5 by trial 2 at epoch 3, one of 1 on the front"
    )


def test_a_leader_that_misses_a_constraint_is_said_to(begin: Callable[..., Evening]) -> None:
    evening = begin(metric=["loss", {"name": "mb", "max": 400}])
    evening.search(mb=500)
    assert leader(evening.study) == (
        "loss 0.125, mb 500 by trial 2 at epoch 3; no trial meets the constraints yet"
    )


def test_time_left_follows_the_pace_so_far(begin: Callable[..., Evening]) -> None:
    evening = begin(scheduler="none")  # 18 epochs
    evening.search(most=3)
    assert evening.study.trained == 9
    assert left(evening.study, 90.0) == ", about 90 s left"


def test_time_left_is_not_said_before_it_can_be(evening: Evening) -> None:
    evening.search(most=3)
    assert left(evening.study, 100.0) == ""
    evening.search()
    assert left(evening.study, 0.0) == ""


def test_time_left_ends_with_the_time_of_the_sweep(begin: Callable[..., Evening]) -> None:
    evening = begin(scheduler="none")
    evening.search(most=3)
    assert left(evening.study, 90.0, ends=30.0) == ", about 30 s left"
    assert left(evening.study, 90.0, ends=-3.0) == ", about 0 s left"


def test_time_left_without_a_number_of_trials_is_that_of_the_budgets(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(parameters=ENDLESS, trials=None, scheduler="none", time="2h", sampler="random")
    assert left(evening.study, 600.0, ends=6600.0) == ", about 1 h 50 min left"
    evening.search(most=3)
    assert left(evening.study, 600.0, ends=6600.0) == ", about 1 h 50 min left"
    assert left(evening.study, 600.0) == ""


def test_a_finished_sweep_has_no_time_left(evening: Evening) -> None:
    evening.search()
    assert left(evening.study, 90.0) == ", about 0 s left"


def test_the_ladder_has_a_line_for_each_rung(
    begin: Callable[..., Evening], screen: Screen
) -> None:
    evening = begin(max_epochs=9, trials=6)
    evening.search(most=4)
    screen.console.print(ladder(evening.study))
    assert screen.lines == [
        "epoch 1 ████████░░░░░░░░░░░░░░░░ 3 reached, 2 wait",
        "epoch 3 ░░░░░░░░                 1 reached, 1 wait",
        "epoch 9                          0 reached",
    ]


def test_a_ladder_of_many_rungs_shows_some_of_them_and_the_last(
    begin: Callable[..., Evening], screen: Screen
) -> None:
    evening = begin(max_epochs=27, scheduler="median")
    screen.console.print(ladder(evening.study))
    shown = [int(line.split()[1]) for line in screen.lines]
    assert shown == [1, 2, 3, 4, 6, 8, 11, 15, 20, 27]


@pytest.mark.parametrize("count", [1, 12, 13, 14, 27, 300, 5000])
def test_of_however_many_rungs_a_dozen_are_shown_at_most(count: int) -> None:
    steps = [Step(epoch=epoch, arrived=0, paused=0) for epoch in range(1, count + 1)]
    shown = [step.epoch for step in few(steps)]
    assert (shown[0], shown[-1]) == (1, count)
    assert min(count, 9) <= len(shown) <= 12
    assert shown == sorted(set(shown))


def test_plain_lines_say_where_the_run_is_and_how_it_goes(
    evening: Evening, screen: Screen
) -> None:
    display = Plain(screen.console)
    with display.showing(evening.study, evening.folder):
        display.update(0, "", 1.0)
        display.update(0, "", 2.0)  # nothing new
    assert screen.lines == [
        f"grid: starting Ray; the run is in {evening.folder.path}",
        "1 s: 0 of 6 trials: none yet; no loss yet",
    ]


def test_plain_lines_say_why_it_stops_once(evening: Evening, screen: Screen) -> None:
    evening.search()
    display = Plain(screen.console)
    with display.showing(evening.study, evening.folder):
        for seconds in (150.0, 151.0):
            display.update(2, "stopped by SIGINT", seconds)
    assert screen.lines[1:] == [
        "2 min: stopped by SIGINT",
        "2 min: 6 of 6 trials: 2 trained to their end, 4 paused at a rung; "
        "loss 0.125 by trial 2 at epoch 3, about 0 s left",
    ]


def test_the_picture_shows_slots_trials_best_rungs_and_folder(evening: Evening) -> None:
    evening.search(most=5)
    screen = Screen(terminal=True)
    display = InTerminal(screen.console)
    display.slots = 4
    with display.showing(evening.study, evening.folder):
        assert "grid: starting Ray ..." in screen.text
        display.update(3, "stopped by SIGTERM", 200.0)
    for words in (
        "grid  3 min, about 2 min left  slots 3 of 4 busy",
        "4 of 6 trials: 1 trained to their end, 3 paused at a rung",
        "best: loss 0.125 by trial 2 at epoch 3, 0 s ago",
        "stopped by SIGTERM",
        f"{evening.folder.path}",
        "epoch 1 ██████░░░░░░░░░░░░░░░░░░ 4 reached, 3 wait",
    ):
        assert words in screen.text


def test_brackets_in_a_metric_s_name_are_shown_as_they_are(
    begin: Callable[..., Evening], screen: Screen
) -> None:
    evening = begin(metric="loss[val]")
    display = Plain(screen.console)
    with display.showing(evening.study, evening.folder):
        display.update(0, "", 1.0)
    assert screen.lines[1] == "1 s: 0 of 6 trials: none yet; no loss[val] yet"


def test_brackets_in_a_metric_s_name_do_not_break_the_picture(
    begin: Callable[..., Evening],
) -> None:
    evening, screen = begin(metric="loss[/val]"), Screen(terminal=True)
    display = InTerminal(screen.console)
    with display.showing(evening.study, evening.folder):
        display.update(0, "", 1.0)
    assert "best: no loss[/val] yet" in screen.text


def test_while_nothing_trains_and_that_is_said_there_is_no_news(
    evening: Evening, screen: Screen
) -> None:
    readings = iter([0.0, 100.0, 200.0, 300.0])
    display = Plain(screen.console, clock=readings.__next__)
    with display.showing(evening.study, evening.folder):
        display.update(1, "paused by hand; 1 trial is being saved", 3.0)
        display.update(0, "paused by hand", 4.0)
        display.update(0, "paused by hand", 4.0)
        display.update(0, "", 4.0)
    assert screen.lines[1:] == [
        "3 s: paused by hand; 1 trial is being saved",
        "3 s: 0 of 6 trials: none yet; no loss yet",
        "4 s: 0 of 6 trials: none yet; no loss yet",
    ]


def test_a_notice_that_takes_the_place_of_another_is_said_and_one_that_counts_is_not(
    evening: Evening, screen: Screen
) -> None:
    display = Plain(screen.console, clock=lambda: 0.0)
    with display.showing(evening.study, evening.folder):
        display.update(0, "20 GB are to be expected, 1 GB is free", 1.0)
        display.update(0, "20 GB are to be expected, 0 GB is free", 2.0)
        display.update(0, "trial 1 waits: the disk of run is full", 3.0)
        display.update(0, "trial 1 waits: the disk of run is full", 4.0)
    assert screen.lines[1:] == [
        "1 s: 20 GB are to be expected, 1 GB is free",
        "3 s: trial 1 waits: the disk of run is full",
    ]


def test_progress_that_is_written_to_a_full_disk_is_left_out(evening: Evening) -> None:
    class Full(io.StringIO):
        def write(self, text: str) -> int:
            raise OSError(errno.ENOSPC, "No space left on device")

    display = Plain(Console(file=Full()))
    with display.showing(evening.study, evening.folder):
        display.note("the disk of run is full")
        display.update(0, "", 1.0)
