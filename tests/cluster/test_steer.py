"""`nightsweep pause`, `continue` and `stop`: what they say, and what they do to a real sweep."""

from __future__ import annotations

import os
import re
import threading
import time
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any
from zoneinfo import ZoneInfo

import pandas as pd
import psutil
import pytest

import nightsweep as api
from nightsweep.cluster import steer
from nightsweep.cluster.display import Silent
from nightsweep.cluster.keeper import Keeper
from nightsweep.cluster.loop import Loop
from nightsweep.cluster.requests import Answer, Inbox, Request, post
from nightsweep.cluster.run import Source, resume, start
from nightsweep.cluster.stopping import StopRequest
from nightsweep.search import journal
from nightsweep.search.errors import NightsweepError
from nightsweep.search.events import Event, Held, Released, Reported, Started
from nightsweep.search.ledger import Ledger
from nightsweep.search.lock import Lock
from nightsweep.search.runfolder import RunFolder
from nightsweep.search.study import Study
from nightsweep.search.sweep import Sweep
from nightsweep.search.sweepfile import load

from .conftest import local
from .disturb import SAME, SWEEP, TRAIN, driver, reports, said, until, until_reports, write

if TYPE_CHECKING:
    from tests.cluster.conftest import Evening
    from tests.conftest import Command

DONE, RESUME_ME = 0, 75
BERLIN = ZoneInfo("Europe/Berlin")


class Driver:
    """Answers what is asked of a run, as its driver would."""

    def __init__(self, folder: RunFolder) -> None:
        self.asked: list[Request | None] = []
        self.answer = Answer(said="done as asked")
        self._folder = folder
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._look)

    def __enter__(self) -> Driver:
        self._lock = Lock(self._folder.lock)
        self._thread.start()
        return self

    def __exit__(self, *error: object) -> None:
        self._over.set()
        self._thread.join()
        self._lock.release()

    def _look(self) -> None:
        inbox = Inbox(self._folder)
        while not self._over.wait(0.01):
            for asked in inbox.take():
                self.asked.append(asked.what)
                asked.answer(self.answer)


@pytest.fixture
def at_work(evening: Evening) -> Iterator[Driver]:
    with Driver(evening.folder) as driver:
        yield driver


@pytest.mark.parametrize(
    ("words", "request_", "end"),
    [
        (["pause"], Request(ask="pause"), "; nightsweep continue run goes on"),
        (["continue"], Request(ask="continue"), ""),
        (["stop"], Request(ask="stop"), "; nightsweep resume run goes on"),
        (["stop", "--trial", "7"], Request(ask="stop", trial=7), ""),
    ],
    ids=lambda value: " ".join(value) if isinstance(value, list) else "",
)
def test_a_command_asks_and_says_what_has_come_of_it(
    nightsweep: Command, at_work: Driver, words: list[str], request_: Request, end: str
) -> None:
    told = nightsweep(words[0], "run", *words[1:])
    assert told == (0, f"done as asked{end}\n", "")
    assert at_work.asked == [request_]


def test_what_the_driver_refuses_is_a_mistake(nightsweep: Command, at_work: Driver) -> None:
    at_work.answer = Answer(said="there is no trial 7", refused=True)
    told = nightsweep("stop", "run", "--trial", 7)
    assert told == (2, "", "nightsweep: there is no trial 7\n")


@pytest.mark.parametrize("words", [["pause"], ["continue"], ["stop", "--trial", "1"]], ids=str)
def test_where_no_driver_is_at_work_there_is_nobody_to_ask(
    nightsweep: Command, finished: Evening, words: list[str]
) -> None:
    told = nightsweep(words[0], "run", *words[1:])
    assert (told.code, told.out) == (2, "")
    assert told.err == (
        "nightsweep: no driver is at work in run, so there is nobody to ask; to start one: "
        "nightsweep resume run\n"
    )
    assert not finished.folder.requests.exists()


def test_to_stop_what_no_driver_is_at_work_in_is_nothing_to_do(
    nightsweep: Command, finished: Evening
) -> None:
    assert nightsweep("stop", "run") == (0, "nothing to do: no driver is at work in run\n", "")


def test_a_driver_that_dies_meanwhile_is_not_waited_for(evening: Evening) -> None:
    lock = Lock(evening.folder.lock)
    sleeps = iter([lambda: None, lock.release])
    with pytest.raises(NightsweepError, match="no driver is at work"):
        steer.ask(
            evening.folder.path, Request(ask="pause"), sleep=lambda _: next(sleeps)(), wait=60
        )
    assert list(Inbox(evening.folder).take()) == []


def test_a_driver_that_has_not_looked_yet_will(evening: Evening) -> None:
    lock = Lock(evening.folder.lock)
    said = steer.ask(
        evening.folder.path,
        Request(ask="pause"),
        sleep=lambda _: os.utime(evening.folder.lock),
        wait=1,
    )
    assert said == ""
    assert re.fullmatch(
        r"process \d+ on \S+ has not answered yet: it will be done as soon as it looks .*",
        steer.standing(evening.folder.path),
    )
    assert [asked.what for asked in Inbox(evening.folder).take()] == [Request(ask="pause")]
    lock.release()


def test_a_driver_without_a_sign_of_life_is_named(evening: Evening) -> None:
    evening.folder.lock.write_text('{"host": "node-9", "pid": 7}')
    with pytest.raises(NightsweepError, match=r"7 on node-9 has shown no sign of life for 5 s"):
        steer.ask(evening.folder.path, Request(ask="pause"), sleep=lambda _: None, wait=5)


def test_one_that_began_anew_is_to_be_asked_again(evening: Evening) -> None:
    lock = Lock(evening.folder.lock)
    with pytest.raises(NightsweepError, match="has just begun anew; ask again"):
        steer.ask(
            evening.folder.path,
            Request(ask="pause"),
            sleep=lambda _: Inbox(evening.folder).clear(),
            wait=1,
        )
    lock.release()


def test_a_driver_that_comes_after_one_that_was_paused_goes_on_and_says_so(
    begin: Callable[..., Evening],
) -> None:
    evening = begin(time="100s")
    evening.record(Held(reason="paused by hand"))
    evening.close(done=False, reason="stopped by SIGTERM")  # after 120 s: nothing is left to do
    post(evening.folder, Request(ask="stop"))
    notes: list[str] = []

    class Noting(Silent):
        def note(self, text: str) -> None:
            notes.append(text)

    results = resume(evening.folder.path, display=Noting())
    assert notes == ["it was paused by hand when its driver ended; it goes on now"]
    assert results.ledger.held == ""
    assert list(Inbox(evening.folder).take()) == [], "asked of the driver before"


def test_why_says_that_nothing_trains(nightsweep: Command, evening: Evening) -> None:
    evening.search(most=1)
    evening.record(Held(reason="paused by hand"))
    assert "nothing trains now" not in nightsweep("why", "run", 1).out
    lock = Lock(evening.folder.lock)
    told = nightsweep("why", "run", 1)
    lock.release()
    assert told.out.endswith("\nnothing trains now: the sweep is paused by hand\n")


# On a real Ray.


def at(hour: int) -> float:
    return datetime(2026, 1, 10, hour, tzinfo=BERLIN).timestamp()


def counting(config: dict[str, Any], trial: api.Trial) -> None:
    """Counts its epochs in what it keeps, so that a lost or doubled one shows."""
    import time

    import torch

    layer = torch.nn.Linear(1, 1)
    torch.nn.init.zeros_(layer.weight)
    trial.keep(layer=layer)
    for epoch in trial.epochs():
        with torch.no_grad():
            layer.weight += 1
        time.sleep(0.15)
        trial.report(loss=config["x"] + 1 / epoch, steps=layer.weight)


class Recorder(Keeper):
    """Remembers the events, too."""

    def __init__(self, folder: RunFolder, ledger: Ledger) -> None:
        super().__init__(folder, ledger)
        self.events: list[Event] = []

    def record(self, event: Event) -> None:
        super().record(event)
        self.events.append(event)


class Wall:
    """Six in the morning until something has trained; then noon, until the workers have gone."""

    def __init__(self, events: list[Event]) -> None:
        self._events = events
        self._ends = time.monotonic() + 300

    def __call__(self) -> float:
        assert time.monotonic() < self._ends, "the workers do not go"
        if any(isinstance(event, Released) for event in self._events):
            return at(22)
        trained = [event for event in self._events if isinstance(event, Reported)]
        if len(trained) < 4:
            return at(6)
        workers = {event.pid for event in self._events if isinstance(event, Started)}
        return at(12 if any(map(psutil.pid_exists, workers)) else 22)


@pytest.mark.ray
@pytest.mark.usefixtures("ray_cluster")
def test_outside_its_window_a_sweep_has_no_processes_and_inside_the_next_it_goes_on(
    tmp_path: Path,
) -> None:
    sweep = Sweep(
        metric="loss", parameters={"x": {"min": 0.0, "max": 1.0}}, sampler="random",
        scheduler="none", trials=5, max_epochs=8, slots=2, window="22:00-07:00 Europe/Berlin",
    )  # fmt: skip
    keeper = Recorder(RunFolder.create(tmp_path / "run"), Ledger())
    events, study = keeper.events, Study(sweep, keeper.record)
    loop = Loop(study, keeper, Silent(), StopRequest(), before=0.0, wall=Wall(events))
    loop.run(local(counting), tmp_path)
    assert (loop.done, loop.reason) == (True, "all 5 trials are decided")
    held, released = (
        next(place for place, event in enumerate(events) if isinstance(event, kind))
        for kind in (Held, Released)
    )
    workers = [
        {event.pid for event in part if isinstance(event, Started)}
        for part in (events[:held], events[released:])
    ]
    assert workers[0].isdisjoint(workers[1])
    reported = [event for event in events if isinstance(event, Reported)]
    assert len(reported) == 5 * 8, "an epoch was trained twice"
    assert all(event.metrics["steps"] == event.epoch for event in reported)
    assert not any(known.troubles for known in study.trials.values()), "counted as lost workers"


PLAIN = SWEEP.replace("trials: 16", "trials: 3\nsampler: random\nscheduler: none").replace(
    "max_epochs: 9", "max_epochs: 30"
)
SLOW, FAST = TRAIN.replace("0.05", "0.2"), TRAIN.replace("0.05", "0.0")


def ask(place: Path, what: str, trial: int | None = None) -> str:
    return steer.ask(place / "run", Request.model_validate({"ask": what, "trial": trial}))


def workers(place: Path) -> set[int]:
    """The processes in which trials have trained, if they still live."""
    events = [entry.event for entry in journal.read(place / "run" / "journal.jsonl")]
    return {e.pid for e in events if isinstance(e, Started) and psutil.pid_exists(e.pid)}


@pytest.mark.ray
@pytest.mark.slow
@pytest.mark.usefixtures("ray_cluster")
def test_a_sweep_is_paused_goes_on_loses_a_trial_and_is_stopped_while_it_runs(
    tmp_path: Path,
) -> None:
    place = write(tmp_path, sweep=PLAIN, train=SLOW)
    process = driver(place, "run", "toy.yaml", "--out", "run")
    until_reports(place, 6, process)
    assert workers(place)
    assert ask(place, "pause") == "paused: 1 trial is being saved"
    until(lambda: not workers(place))
    (held,) = (t.id for t in api.load(place / "run").study.trials.values() if not t.status.ended)
    assert ask(place, "stop", held) == f"trial {held} is stopped"
    assert ask(place, "continue") == "goes on"
    until_reports(place, reports(place) + 3, process)
    assert ask(place, "stop") == "stopping: 1 trial is being saved"
    assert process.wait(60) == RESUME_ME, said(place)
    assert "toy is not done: stopped by hand." in said(place)
    write(place, sweep=PLAIN, train=FAST)
    trials = api.resume(place / "run", quiet=True).trials
    stopped, others = trials[trials["trial"] == held], trials[trials["trial"] != held]
    assert list(stopped["status"]) == ["stopped"]
    assert list(stopped["why"]) == ["stopped by hand"]
    file = write(tmp_path / "calm", sweep=PLAIN, train=FAST) / "toy.yaml"
    calm = start(load(file), out=tmp_path / "calm" / "run", source=Source(file=file)).trials
    calm = calm[calm["trial"] != held]
    pd.testing.assert_frame_equal(others[SAME], calm[SAME])
