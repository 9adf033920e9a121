from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from nightsweep.cluster.requests import Request, post
from nightsweep.cluster.standstill import Standstill
from nightsweep.cluster.stopping import StopRequest
from nightsweep.search.errors import LockedError, StoppedError, StorageError
from nightsweep.search.runfolder import RunFolder


class Night:
    """A driver on a disk that is full until a moment; `meanwhile` is called as time passes."""

    def __init__(self, path: Path, *, until: float) -> None:
        path.mkdir()
        self.folder = RunFolder(path)
        self.stop = StopRequest()
        self.said: list[str] = []
        self.tried: list[float] = []
        self.meanwhile: Callable[[float], object] = lambda now: None
        self._until = until
        self._now = 0.0

    def write(self) -> str:
        self.tried.append(self._now)
        if self._now < self._until:
            raise StorageError("journal.jsonl cannot be written", "the disk of run is full")
        return "written"

    def through(self, act: Callable[[], str]) -> str:
        standstill = Standstill(
            self.folder,
            self.stop,
            self.said.append,
            sleep=self._sleep,
            clock=lambda: self._now,
        )
        return standstill.through(act)

    def _sleep(self, seconds: float) -> None:
        self._now += seconds
        self.meanwhile(self._now)


def test_what_can_be_written_is_written_without_a_word(tmp_path: Path) -> None:
    night = Night(tmp_path / "run", until=0)
    assert night.through(night.write) == "written"
    assert (night.tried, night.said) == ([0], [])


def test_a_driver_waits_for_room_says_so_once_and_goes_on(tmp_path: Path) -> None:
    night = Night(tmp_path / "run", until=100)
    assert night.through(night.write) == "written"
    assert night.tried == [0, 1, 3, 7, 15, 31, 61, 91, 121]
    assert night.said == [
        "the disk of run is full: waiting until it can be written, nothing is lost",
        "the run could be written again after 2 min: it goes on",
    ]


def test_a_signal_ends_the_waiting_after_one_more_try(tmp_path: Path) -> None:
    night = Night(tmp_path / "run", until=1e9)
    night.meanwhile = lambda now: night.stop.stop("SIGTERM") if now == 10 else None
    with pytest.raises(StoppedError, match=r"^journal.jsonl cannot be written$"):
        night.through(night.write)
    assert night.tried == [0, 1, 3, 7, 10]
    with pytest.raises(StoppedError):
        night.through(night.write)
    assert night.tried[5:] == [10], "what else is to be written on the way out is tried once"


def test_a_request_to_stop_ends_the_waiting_and_is_answered(tmp_path: Path) -> None:
    night = Night(tmp_path / "run", until=1e9)
    posted = post(night.folder, Request(ask="stop"))
    with pytest.raises(StoppedError):
        night.through(night.write)
    assert night.stop.signal == "hand"
    answer = posted.answer()
    assert answer is not None
    assert answer.said == "stopping"


@pytest.mark.parametrize("request_", [Request(ask="pause"), Request(ask="stop", trial=3)])
def test_other_requests_wait_as_well(tmp_path: Path, request_: Request) -> None:
    night = Night(tmp_path / "run", until=2)
    posted = post(night.folder, request_)
    assert night.through(night.write) == "written"
    assert posted.stands


def test_what_no_waiting_mends_is_raised(tmp_path: Path) -> None:
    def taken_over() -> str:
        raise LockedError("another driver has written here")

    with pytest.raises(LockedError):
        Night(tmp_path / "run", until=0).through(taken_over)
