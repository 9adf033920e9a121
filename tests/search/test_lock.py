from __future__ import annotations

import contextlib
import errno
import fcntl
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from nightsweep.search import lock as rules
from nightsweep.search.errors import LockedError, RunFolderError
from nightsweep.search.lock import Holder, Lock, holder

HOLD = """
import errno, fcntl, socket, sys
from pathlib import Path
from nightsweep.search import lock
from nightsweep.search.lock import Lock

def refuse(*given):
    raise OSError(errno.ENOLCK, "No locks available")

if "no flock" in sys.argv:
    fcntl.flock = refuse
if "elsewhere" in sys.argv:
    socket.gethostname = lambda: "elsewhere"
lock.EVERY, lock.SETTLE = 0.05, 0.0
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""
HOST = socket.gethostname()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "driver.lock"


@contextlib.contextmanager
def holding(path: Path, *how: str) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lock; `elsewhere`, as far as it can tell."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path), *how],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        try:
            yield process
        finally:
            process.kill()


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    with holding(path) as process:
        yield process


def unavailable(*given: Any) -> None:
    raise OSError(errno.ENOLCK, "No locks available")


@pytest.fixture
def no_flock(monkeypatch: pytest.MonkeyPatch) -> None:
    """Storage that knows no flock, here and in processes that are told so."""
    monkeypatch.setattr(fcntl, "flock", unavailable)


class Sleep:
    """Takes no time; remembers how long it would have been, and does something meanwhile."""

    def __init__(self, meanwhile: Callable[[], object] = lambda: None) -> None:
        self.seconds = 0.0
        self._meanwhile = meanwhile

    def __call__(self, seconds: float) -> None:
        self.seconds += seconds
        self._meanwhile()


def named(path: Path, host: str = "elsewhere", pid: int = 7) -> Path:
    path.write_text(json.dumps({"host": host, "pid": pid}))
    return path


def test_a_lock_names_its_holder(path: Path) -> None:
    lock = Lock(path)
    assert holder(path) == Holder(host=HOST, pid=os.getpid())
    lock.release()


def test_a_lock_that_was_given_up_has_no_holder_and_can_be_taken_again(path: Path) -> None:
    Lock(path).release()
    assert holder(path) is None
    Lock(path).release()


def test_releasing_twice_does_no_harm(path: Path) -> None:
    lock = Lock(path)
    lock.release()
    lock.release()
    assert holder(path) is None


def test_a_second_lock_in_the_same_process_is_refused(path: Path) -> None:
    lock = Lock(path)
    with pytest.raises(LockedError, match=f"is being written by process {os.getpid()} on "):
        Lock(path)
    lock.release()


def test_a_lock_of_another_process_is_refused_naming_it(
    path: Path, other: subprocess.Popen[str]
) -> None:
    with pytest.raises(LockedError) as caught:
        Lock(path)
    assert str(caught.value) == (
        f"{path.parent} is being written by process {other.pid} on {HOST}; wait for it, or stop "
        "it first"
    )
    assert holder(path) == Holder(host=HOST, pid=other.pid)


def test_a_refusal_does_not_take_the_lock_from_its_holder(
    path: Path, other: subprocess.Popen[str]
) -> None:
    for _ in range(2):
        with pytest.raises(LockedError, match=f"process {other.pid}"):
            Lock(path)


def test_the_lock_of_a_killed_process_is_taken_over(
    path: Path, other: subprocess.Popen[str]
) -> None:
    other.kill()
    other.wait()
    assert holder(path) == Holder(host=HOST, pid=other.pid)
    lock = Lock(path)
    assert holder(path) == Holder(host=HOST, pid=os.getpid())
    lock.release()


def test_a_holder_is_alive_until_it_is_killed(path: Path, other: subprocess.Popen[str]) -> None:
    found = holder(path)
    assert found is not None
    assert found.alive
    other.kill()
    other.wait()
    assert not found.alive


def test_a_holder_on_another_host_is_taken_to_be_alive() -> None:
    assert Holder(host="elsewhere", pid=2**22 + 1).alive
    assert not Holder(host=HOST, pid=2**22 + 1).alive  # above the largest that Linux gives


def test_a_process_that_was_given_the_number_of_a_dead_holder_is_not_the_holder() -> None:
    assert Holder(host=HOST, pid=os.getpid()).alive
    assert not Holder(host=HOST, pid=os.getpid(), born=1).alive


def test_a_holder_that_nobody_has_buried_yet_is_dead(
    path: Path, other: subprocess.Popen[str]
) -> None:
    found = holder(path)
    assert found is not None
    other.kill()
    os.waitid(os.P_PID, other.pid, os.WEXITED | os.WNOWAIT)
    assert not found.alive


def test_a_holder_on_another_host_keeps_its_lock_while_its_heart_beats(path: Path) -> None:
    """Where flock reaches the processes of one host only."""

    def beat() -> None:
        if looks.seconds > 2:
            os.utime(path)

    looks = Sleep(beat)
    with pytest.raises(LockedError, match="is being written by process 7 on elsewhere; wait"):
        Lock(named(path), sleep=looks)
    assert 2 < looks.seconds < 4
    assert holder(path) == Holder(host="elsewhere", pid=7)


def test_a_holder_on_another_host_that_shows_no_life_has_lost_its_lock(path: Path) -> None:
    looks = Sleep()
    lock = Lock(named(path), sleep=looks)
    assert looks.seconds == rules.WATCH > 3 * rules.EVERY
    assert holder(path) == Holder(host=HOST, pid=os.getpid())
    lock.release()


def test_a_lock_that_another_host_gives_up_while_it_is_watched_is_free(path: Path) -> None:
    Lock(named(path), sleep=Sleep(lambda: path.write_text(""))).release()


def test_of_a_dead_holder_on_this_host_the_kernel_knows(path: Path) -> None:
    looks = Sleep()
    Lock(named(path, HOST, 2**22 + 1), sleep=looks).release()
    assert looks.seconds == 0


@pytest.mark.usefixtures("no_flock")
def test_without_flock_a_living_process_keeps_its_lock_and_a_killed_one_loses_it(
    path: Path,
) -> None:
    with holding(path, "no flock") as other:
        with pytest.raises(LockedError, match=f"is being written by process {other.pid} on"):
            Lock(path, sleep=Sleep())
        other.kill()
        other.wait()
        Lock(path, sleep=Sleep()).release()


@pytest.mark.usefixtures("no_flock")
def test_without_flock_a_living_process_elsewhere_keeps_its_lock_and_a_killed_one_loses_it(
    path: Path,
) -> None:
    with holding(path, "no flock", "elsewhere") as other:
        with pytest.raises(LockedError, match=f"by process {other.pid} on elsewhere; wait"):
            Lock(path)
        other.kill()
        other.wait()
        lock = Lock(path, sleep=Sleep())
        assert holder(path) == Holder(host=HOST, pid=os.getpid())
        lock.release()


@pytest.mark.usefixtures("no_flock")
def test_of_two_that_take_a_lock_at_once_without_flock_one_gets_it(path: Path) -> None:
    with pytest.raises(LockedError, match="by process 7 on elsewhere"):
        Lock(path, sleep=Sleep(lambda: named(path)))
    assert holder(path) == Holder(host="elsewhere", pid=7)


def test_a_lock_that_storage_fails_to_give_is_an_error(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(*given: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(fcntl, "flock", fail)
    with pytest.raises(RunFolderError, match=r"driver.lock cannot be written: Input/output error"):
        Lock(path)


def test_the_heart_of_a_holder_beats_by_itself(path: Path, other: subprocess.Popen[str]) -> None:
    before, until = path.stat().st_mtime_ns, time.monotonic() + 60
    while path.stat().st_mtime_ns == before:
        assert time.monotonic() < until
        time.sleep(0.01)


def test_who_has_lost_the_lock_stops_beating_and_leaves_it_alone(path: Path) -> None:
    lock = Lock(path)
    assert lock.beat()
    named(path)
    before = path.stat().st_mtime_ns
    assert not lock.beat()
    lock.release()
    assert (holder(path), path.stat().st_mtime_ns) == (Holder(host="elsewhere", pid=7), before)


@pytest.mark.parametrize("text", ["", "{", "[]", '{"host": "a"}', '{"host": "a", "pid": "x"}'])
def test_a_lock_file_that_says_nothing_has_no_holder(path: Path, text: str) -> None:
    path.write_text(text)
    assert holder(path) is None


def test_no_file_means_no_holder(path: Path) -> None:
    assert holder(path) is None


def test_where_no_file_can_be_made_no_lock_is_held(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "driver.lock"
    with pytest.raises(RunFolderError, match=r"cannot be written: No such file or directory$"):
        Lock(path)


def test_a_lock_error_is_a_run_folder_error() -> None:
    assert issubclass(LockedError, RunFolderError)


def test_the_heart_beats_on_while_the_storage_is_away_and_after_that(path: Path) -> None:
    lock = Lock(path)
    path.rename(path.with_name("away"))
    assert lock.beat()
    path.with_name("away").rename(path)
    os.utime(path, (0, 0))
    assert lock.beat()
    assert path.stat().st_mtime > 0
    lock.release()
