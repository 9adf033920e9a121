"""Nights of a schedule whose driver is a function of the test."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightsweep.cluster.jobs import record
from nightsweep.cluster.jobs.site import State
from nightsweep.cluster.schedules import starts
from nightsweep.cluster.schedules.schedule import Place
from nightsweep.cluster.schedules.tonight import Hands, tonight
from nightsweep.search.errors import NightsweepError, SweepError
from nightsweep.search.notes import notes
from nightsweep.search.results import Results
from nightsweep.search.runfolder import RunFolder

from ..conftest import Evening
from .plan import Elsewhere, at, schedule

SWEEP = "train: fit.py:train\nmetric: loss\nparameters: {x: {min: 0.0, max: 1.0}}\n"
Drive = Callable[[Path, list[str]], int]


class Nights:
    """A schedule in a folder, and what its nights do."""

    def __init__(self, folder: Path, **changes: Any) -> None:
        folder.joinpath("digits.yaml").write_text(SWEEP)
        self.place = Place(folder / "state" / "digits")
        self.place.path.mkdir(parents=True)
        self.place.write(schedule(folder, **changes))
        self.said: list[str] = []
        self.driven: list[list[str]] = []
        self.removed: list[str] = []
        self.there = Elsewhere()

    def start(self, now: str, drive: Drive | None = None, *, due: bool = True) -> int:
        def search(run: Path, command: list[str]) -> int:
            self.driven.append(command)
            return drive(run, command) if drive else 75

        hands = Hands(
            clock=lambda: at(now),
            say=self.said.append,
            drive=search,
            site=lambda name: self.there,
            remove=lambda place: self.removed.append(place.path.name),
        )
        return tonight(self.place, hands, due=due)

    @property
    def runs(self) -> list[str]:
        return [start.run for start in starts.read(self.place.starts)]


@pytest.fixture
def nights(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Callable[..., Nights]:
    monkeypatch.chdir(tmp_path)
    return lambda **changes: Nights(tmp_path, **changes)


def test_a_night_is_a_job_of_this_machine_with_its_exit_code(
    nights: Callable[..., Nights],
) -> None:
    some = nights(until="07:00")
    assert some.start("2026-11-20 22:00:01") == 75
    (command,) = some.driven
    run = Path(some.runs[0])
    assert command[1:5] == ["-P", "-m", "nightsweep", "run"]
    assert command[5:] == [
        f"{run.parents[1]}/digits.yaml", "--out", str(run), "--resume", "--deadline",
        "2026-11-21 07:00 Etc/UTC",
    ]  # fmt: skip
    known = record.read(run)
    assert known is not None
    assert (known.site, (run / "job" / "exit").read_text()) == ("local", "75\n")
    (start,) = starts.read(some.place.starts)
    assert (start.code, start.ended) == (75, start.at)


def test_the_next_night_goes_on_in_the_same_run(nights: Callable[..., Nights]) -> None:
    some = nights()
    some.start("2026-11-20 22:00:01")
    some.start("2026-11-21 22:00:01")
    assert len(set(some.runs)) == 1
    assert len(some.driven) == 2


def test_once_the_sweep_is_done_the_schedule_ends_if_it_was_for_one(
    nights: Callable[..., Nights],
) -> None:
    some = nights(once=True)

    def finish(run: Path, command: list[str]) -> int:
        evening = Evening(run)
        evening.search()
        evening.close()
        return 0

    some.start("2026-11-20 22:00:01")
    assert some.removed == []
    some.start("2026-11-21 22:00:01", finish)
    assert some.removed == ["digits"]


def test_a_night_that_is_over_is_not_the_end_of_the_sweep(nights: Callable[..., Nights]) -> None:
    some = nights(until="07:00", once=True)

    def until_seven(run: Path, command: list[str]) -> int:
        evening = Evening(run, deadline="2026-11-21 07:00 Etc/UTC")
        evening.search(most=3)
        evening.close(reason="its time until 2026-11-21 07:00 Etc/UTC is over")
        return 0

    assert some.start("2026-11-20 22:00:01", until_seven) == 75
    (run,) = some.runs
    assert (Path(run) / "job" / "exit").read_text() == "75\n"
    assert (
        Results.load(run)
        .summary()
        .splitlines()[-1]
        .endswith("this night is over; the next, Sat 2026-11-21 22:00, goes on with it")
    )
    some.start("2026-11-21 22:00:01")
    assert set(some.runs) == {run}
    assert some.driven[1][-1] == "2026-11-22 07:00 Etc/UTC"
    assert some.removed == []


def test_elsewhere_a_job_whose_night_is_over_goes_on_in_the_next(
    nights: Callable[..., Nights],
) -> None:
    some = nights(to="ray", until="07:00")
    some.start("2026-11-20 22:00:01")
    some.there.state = State.DONE
    evening = Evening(Path(some.runs[0]), deadline="2026-11-21 07:00 Etc/UTC")
    evening.close(reason="its time until 2026-11-21 07:00 Etc/UTC is nearly over: nothing")
    some.start("2026-11-21 22:00:01")
    assert len(some.there.sent) == 2
    assert len(set(some.runs)) == 1


@pytest.mark.parametrize(("until", "runs"), [("07:00", 1), (None, 2)])
def test_elsewhere_a_night_that_ended_and_cannot_be_fetched_is_not_taken_for_the_sweeps_end(
    nights: Callable[..., Nights], until: str | None, runs: int
) -> None:
    some = nights(to="ray", until=until)
    some.start("2026-11-20 22:00:01")
    some.there.state, some.there.away = State.DONE, True
    some.start("2026-11-21 22:00:01")
    assert len(some.there.sent) == 2
    assert len(set(some.runs)) == runs  # without an end of the night, its job was the sweep


def test_nor_does_it_end_a_schedule_that_is_for_one_sweep(nights: Callable[..., Nights]) -> None:
    some = nights(to="ray", until="07:00", once=True)
    some.there.state, some.there.away = State.DONE, True
    some.start("2026-11-20 22:00:01")
    assert some.removed == []


def test_two_nights_do_not_overlap_and_the_report_says_which_was_left_out(
    nights: Callable[..., Nights],
) -> None:
    some = nights()

    def still_at_work(run: Path, command: list[str]) -> int:
        assert some.start("2026-11-21 22:00:01") == 0
        return 75

    some.start("2026-11-20 22:00:01", still_at_work)
    assert len(some.driven) == 1
    (said,) = notes(RunFolder(Path(some.runs[0])))
    assert said.endswith("start of Sat 2026-11-21 22:00 was left out: the sweep was at work still")


def test_by_hand_a_second_night_is_refused_and_a_timers_other_hour_is_not_spoken_of(
    nights: Callable[..., Nights],
) -> None:
    some = nights()

    def still_at_work(run: Path, command: list[str]) -> int:
        assert some.start("2026-11-20 23:00:01") == 0
        with pytest.raises(NightsweepError, match=r"^digits is at work already, in /"):
            some.start("2026-11-20 23:00:01", due=False)
        return 75

    some.start("2026-11-20 22:00:01", still_at_work)
    assert notes(RunFolder(Path(some.runs[0]))) == []
    assert len(some.runs) == 1


def test_a_missed_start_is_in_the_report_of_the_next_run(
    nights: Callable[..., Nights], evening: Evening
) -> None:
    some = nights()
    starts.add(some.place.starts, starts.Start(at=at("2026-11-20 22:00:01"), said="refused"))

    def begin(run: Path, command: list[str]) -> int:
        (run / "job").rename(evening.folder.job)
        evening.search()
        evening.close()
        (run / "job").mkdir()
        return 0

    some.start("2026-11-22 22:00:01", begin)
    told = "1 start was missed: Sat 2026-11-21 22:00 (this machine, or cron, was not running then)"
    results = Results.load(evening.folder.path)
    assert results.summary().splitlines()[-1].endswith(told)
    assert results.as_json()["notes"][0].endswith(told)


def test_a_file_that_has_become_wrong_is_told_in_the_list_and_tried_again(
    nights: Callable[..., Nights], tmp_path: Path
) -> None:
    some = nights()
    (tmp_path / "digits.yaml").write_text("metric: loss\n")
    with pytest.raises(SweepError):
        some.start("2026-11-20 22:00:01")
    (start,) = starts.read(some.place.starts)
    assert start.code == 2
    assert "parameters" in start.said
    (tmp_path / "digits.yaml").write_text(SWEEP)
    assert some.start("2026-11-21 22:00:01") == 75
    assert len(set(some.runs)) == 1


def test_elsewhere_a_night_submits_a_job_and_the_next_finds_it_at_work(
    nights: Callable[..., Nights],
) -> None:
    some = nights(to="ray", until="07:00")
    assert some.start("2026-11-20 22:00:01") == 0
    (sent,) = some.there.sent
    assert (sent.run, sent.words[0]) == (Path(some.runs[0]), "--deadline")
    assert some.driven == []
    some.start("2026-11-21 22:00:01")
    assert len(some.there.sent) == 1
    assert starts.read(some.place.starts)[-1].said == "left out: submitted before, and running"


def test_elsewhere_a_new_night_goes_on_with_what_was_stopped_and_not_with_what_is_done(
    nights: Callable[..., Nights],
) -> None:
    some = nights(to="ray")
    some.start("2026-11-20 22:00:01")
    some.there.state = State.STOPPED
    some.start("2026-11-21 22:00:01")
    assert len(some.there.sent) == 2
    assert len(set(some.runs)) == 1
    some.there.state = State.DONE
    some.start("2026-11-22 22:00:01")
    assert len(some.there.sent) == 3
    assert len(set(some.runs)) == 2


def test_the_record_of_a_night_can_be_read_by_everyone_who_asks_for_jobs(
    nights: Callable[..., Nights],
) -> None:
    some = nights()
    some.start("2026-11-20 22:00:01")
    values = json.loads((Path(some.runs[0]) / "job" / "job.json").read_text())
    assert (values["site"], len(values["sent"])) == ("local", 1)
