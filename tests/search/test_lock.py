from __future__ import annotations

import os
import socket
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from nightsweep.search.errors import LockedError, RunFolderError
from nightsweep.search.lock import Holder, Lock, holder

HOLD = """
import sys
from pathlib import Path
from nightsweep.search.lock import Lock
lock = Lock(Path(sys.argv[1]))
print("held", flush=True)
sys.stdin.read()
"""
HOST = socket.gethostname()


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "driver.lock"


@pytest.fixture
def other(path: Path) -> Iterator[subprocess.Popen[str]]:
    """Another process, which holds the lock."""
    with subprocess.Popen(
        [sys.executable, "-c", HOLD, str(path)],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
    ) as process:
        assert process.stdout is not None
        assert process.stdout.readline() == "held\n"
        yield process
        process.kill()


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
