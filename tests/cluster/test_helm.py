from __future__ import annotations

from datetime import datetime
from pathlib import Path
from typing import Any
from zoneinfo import ZoneInfo

import pytest

from nightsweep.cluster.foreman import Foreman
from nightsweep.cluster.helm import EVERY, Helm
from nightsweep.cluster.requests import Answer, Posted, Request, post
from nightsweep.cluster.seating import Place
from nightsweep.cluster.stopping import StopRequest
from nightsweep.search.events import Event, Held, Released, Stopped
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Study
from nightsweep.search.sweep import Sweep
from nightsweep.trainables.job import Step

BERLIN = ZoneInfo("Europe/Berlin")
HERE = Place(host="node-1", pid=41, device="cpu")
NIGHT = "22:00-07:00 Europe/Berlin"
OUTSIDE = f"outside its window, {NIGHT}; goes on at 22:00"


def at(hour: int, minute: int = 0, day: int = 10) -> float:
    return datetime(2026, 1, day, hour, minute, tzinfo=BERLIN).timestamp()


class Bridge:
    """A helm and its foreman. Every `look` comes a second later."""

    def __init__(self, path: Path, *window: str, now: float = at(23)) -> None:
        sweep = Sweep(
            metric="loss",
            parameters={"x": {"values": [1, 2, 3]}},
            sampler="grid",
            scheduler="none",
            window=window,
        )
        self.folder = RunFolder.create(path)
        self.events: list[Event] = []
        self.notes: list[str] = []
        self.foreman = Foreman(Study(sweep, self.events.append), self.folder, self.events.append)
        self.stop = StopRequest()
        self.passed, self.now = 100.0, now
        self.helm = Helm(
            self.folder,
            sweep.window,
            self.stop,
            record=self.events.append,
            note=self.notes.append,
            clock=lambda: self.passed,
            wall=lambda: self.now,
        )

    def look(self) -> None:
        self.passed += EVERY
        self.helm.look(self.foreman)

    def ask(self, ask: str, trial: int | None = None) -> Answer | None:
        posted = self.post(ask, trial)
        self.look()
        return posted.answer()

    def post(self, ask: str, trial: int | None = None) -> Posted:
        values: dict[str, Any] = {"ask": ask, "trial": trial}
        return post(self.folder, Request.model_validate(values))

    def recorded(self, kind: type[Event]) -> list[Event]:
        return [event for event in self.events if isinstance(event, kind)]


@pytest.fixture
def bridge(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path / "run")


@pytest.fixture
def nightly(tmp_path: Path) -> Bridge:
    return Bridge(tmp_path / "run", NIGHT)


def test_paused_by_hand_the_sweep_is_held_and_that_is_an_event(bridge: Bridge) -> None:
    assert bridge.ask("pause") == Answer(said="paused")
    assert bridge.foreman.held == "paused by hand"
    assert bridge.events == [Held(reason="paused by hand")]


def test_told_to_go_on_it_is_released(bridge: Bridge) -> None:
    bridge.ask("pause")
    assert bridge.ask("continue") == Answer(said="goes on")
    assert bridge.foreman.held == ""
    assert bridge.events == [Held(reason="paused by hand"), Released()]


def test_an_answer_says_how_many_are_being_saved(bridge: Bridge) -> None:
    bridge.foreman.opened("a")
    assert bridge.ask("pause") == Answer(said="paused: 1 trial is being saved")
    bridge.ask("continue")
    bridge.foreman.opened("b")
    assert bridge.ask("stop") == Answer(said="stopping: 2 trials are being saved")


def test_what_is_so_already_is_said_and_changes_nothing(bridge: Bridge) -> None:
    assert bridge.ask("continue") == Answer(said="nothing to do: it is not paused")
    bridge.ask("pause")
    assert bridge.ask("pause") == Answer(said="paused already")
    assert bridge.events == [Held(reason="paused by hand")]


def test_time_held_is_counted(bridge: Bridge) -> None:
    bridge.ask("pause")
    bridge.passed += 50.0
    assert bridge.helm.held == 50.0
    bridge.ask("continue")
    bridge.passed += 1000.0
    assert bridge.helm.held == 51.0
    bridge.ask("pause")
    bridge.passed += 9.0
    assert bridge.helm.held == 60.0


def test_a_stop_asks_as_a_signal_does(bridge: Bridge) -> None:
    assert bridge.ask("stop") == Answer(said="stopping")
    assert bridge.stop.signal == "hand"


def test_a_trial_that_trains_is_stopped_at_its_next_report(bridge: Bridge) -> None:
    bridge.foreman.opened("a")
    assert bridge.ask("stop", 1) == Answer(said="trial 1 ends at its next report")
    assert bridge.recorded(Stopped) == [Stopped(trial=1, reason="stopped by hand")]
    assert bridge.stop.signal == ""


def test_a_trial_that_waits_is_stopped_at_once(bridge: Bridge) -> None:
    bridge.foreman.opened("a")
    bridge.ask("pause")
    step = Step(trial=1, epoch=1, metrics={"loss": 1.0}, seconds=1.0, checkpoint=True, waits=True)
    bridge.foreman.heard("a", HERE, [step])
    assert bridge.ask("stop", 1) == Answer(said="trial 1 is stopped")


@pytest.mark.parametrize(
    ("trial", "said"),
    [(9, "there is no trial 9"), (1, "trial 1 is stopped, and cannot be stopped any more")],
)
def test_a_trial_that_cannot_be_stopped_is_refused(bridge: Bridge, trial: int, said: str) -> None:
    bridge.foreman.opened("a")
    bridge.ask("stop", 1)
    assert bridge.ask("stop", trial) == Answer(said=said, refused=True)


def test_a_sweep_that_stops_is_not_steered_any_more(bridge: Bridge) -> None:
    bridge.foreman.stop("stopped by SIGTERM")
    refused = Answer(said="it is stopping already", refused=True)
    assert [bridge.ask("pause"), bridge.ask("continue")] == [refused] * 2
    assert bridge.ask("stop") == Answer(said="it is stopping already")
    assert bridge.events == []


def test_the_folder_is_looked_at_once_a_second(bridge: Bridge) -> None:
    bridge.look()
    posted = bridge.post("pause")
    bridge.passed += EVERY / 2
    bridge.helm.look(bridge.foreman)
    assert posted.stands
    bridge.look()
    assert not posted.stands


def test_what_is_not_known_is_ignored_with_a_note(bridge: Bridge) -> None:
    posted = bridge.post("pause")
    posted.path.write_text('{"ask": "explode"}')
    bridge.look()
    answer = posted.answer()
    assert answer is not None
    assert answer.refused
    assert bridge.notes == [
        f"requests/{posted.path.name} is none that this driver knows, and was ignored"
    ]
    assert bridge.foreman.held == ""


def test_a_sweep_that_begins_outside_its_window_waits_for_it(nightly: Bridge) -> None:
    nightly.now = at(12)
    nightly.look()
    assert nightly.foreman.held == OUTSIDE
    nightly.now = at(22)
    nightly.look()
    assert nightly.foreman.held == ""
    assert nightly.events == [Held(reason=OUTSIDE), Released()]


def test_a_window_that_closes_holds_the_sweep(nightly: Bridge) -> None:
    nightly.look()
    assert nightly.events == []
    nightly.now = at(7, day=11)
    nightly.look()
    nightly.now = at(8, day=11)
    nightly.look()
    assert nightly.events == [Held(reason=OUTSIDE)]


def test_told_to_go_on_outside_its_window_it_says_until_when(nightly: Bridge) -> None:
    nightly.now = at(12)
    nightly.look()
    said = "goes on, until its window closes at 07:00"
    assert nightly.ask("continue") == Answer(said=said)
    assert nightly.foreman.held == ""
    nightly.now = at(7, day=11)
    nightly.look()
    assert nightly.foreman.held == OUTSIDE


def test_paused_by_hand_while_outside_it_waits_for_a_hand(nightly: Bridge) -> None:
    nightly.now = at(12)
    nightly.look()
    nightly.ask("pause")
    nightly.now = at(23)
    nightly.look()
    assert nightly.foreman.held == "paused by hand"
    assert nightly.events == [Held(reason=OUTSIDE), Held(reason="paused by hand")]
