"""A program that runs: it ends, with all it has started, whoever is killed."""

from __future__ import annotations

import os
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from nightsweep.trainables.commands.listener import Listener
from nightsweep.trainables.commands.program import Program

FORKS = """
    import os, signal, time
    def linger(name):
        signal.signal(signal.SIGTERM, signal.SIG_IGN)
        open(name, "w").write(str(os.getpid()))
        time.sleep(60)
        os._exit(0)
    if not os.fork():
        linger("child")
    if not os.fork():                   # a daemon: forks twice, in a session of its own
        os.setsid()
        if os.fork():
            os._exit(0)
        linger("daemon")
    linger("main")
"""
PYTHONS = 1 << (signal.SIGPIPE - 1) | 1 << (signal.SIGXFSZ - 1)  # which it ignores itself
SETTABLE = (1 << 31) - 1  # 32 and 33 are the C library's own, which no program can put back
HOST = """
    import os, sys, time
    from pathlib import Path
    from nightsweep.trainables.commands.listener import Listener
    from nightsweep.trainables.commands.program import Program
    folder = Path(sys.argv[1])
    Program(
        [sys.executable, "-c", sys.argv[2]],
        folder=folder,
        environment=os.environ,
        listener=Listener(),
        scratch=folder / "scratch",
    )
    time.sleep(60)
"""


def wait_for(there: Callable[[], object]) -> None:
    for _ in range(600):
        if there():
            return
        time.sleep(0.05)
    raise AssertionError("it does not come")


def gone(folder: Path, name: str) -> bool:
    """Whether the process that has written its number there lives no more."""
    try:
        stat = Path("/proc", (folder / name).read_text(), "stat").read_text()
    except OSError:
        return True
    return stat.rpartition(")")[2].split()[0] == "Z"


def there(folder: Path, *names: str) -> bool:
    return all((folder / name).exists() and (folder / name).read_text() for name in names)


def test_nothing_of_a_program_outlives_a_worker_that_is_killed(tmp_path: Path) -> None:
    """kill -9 of the process that hosts it, while it and what it has forked are at work."""
    (tmp_path / "scratch").mkdir()
    code = [textwrap.dedent(HOST), str(tmp_path), textwrap.dedent(FORKS)]
    worker = subprocess.Popen([sys.executable, "-c", *code])
    try:
        wait_for(lambda: there(tmp_path, "main", "child", "daemon"))
    finally:
        worker.kill()
        worker.wait()
    wait_for(lambda: all(gone(tmp_path, name) for name in ("main", "child", "daemon")))
    wait_for(lambda: not (tmp_path / "scratch").exists())


@pytest.fixture
def listener() -> Iterator[Listener]:
    made = Listener()
    yield made
    made.close()


def started(folder: Path, listener: Listener, code: str) -> Program:
    return Program(
        [sys.executable, "-c", textwrap.dedent(code)],
        folder=folder,
        environment=os.environ,
        listener=listener,
        scratch=folder / "scratch",
    )


def parent(pid: int) -> int:
    stat = Path("/proc", str(pid), "stat").read_text()
    return int(stat.rpartition(")")[2].split()[1])


@pytest.mark.parametrize("which", ["first", "second"])
def test_either_of_its_guardians_may_be_killed(
    tmp_path: Path, listener: Listener, which: str
) -> None:
    """As Ray does to the children of a worker that exits."""
    with started(tmp_path, listener, FORKS) as program:
        wait_for(lambda: there(tmp_path, "main", "child", "daemon"))
        second = parent(int((tmp_path / "main").read_text()))
        os.kill(second if which == "second" else parent(second), signal.SIGKILL)
        if which == "second":
            assert list(program.heard()) == []
            assert program.ended is not None
            assert program.ended.code == -signal.SIGKILL
    wait_for(lambda: all(gone(tmp_path, name) for name in ("main", "child", "daemon")))


def test_leaving_ends_a_program_at_once(tmp_path: Path, listener: Listener) -> None:
    with started(tmp_path, listener, FORKS):
        wait_for(lambda: there(tmp_path, "main", "child", "daemon"))
    assert all(gone(tmp_path, name) for name in ("main", "child", "daemon"))


def test_a_program_has_the_signals_and_files_that_one_in_a_shell_has(
    tmp_path: Path, listener: Listener
) -> None:
    code = """
        import os
        status = open("/proc/self/status").read().split()
        print(*(status[status.index(name) + 1] for name in ("SigBlk:", "SigIgn:")))
        print(sorted(os.listdir("/proc/self/fd")), os.path.realpath("/proc/self/fd/0"))
        print(os.getsid(0) == os.getpid() == os.getpgid(0))
    """
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGUSR2})
    try:
        with started(tmp_path, listener, code) as program:
            masks, files, alone = [heard.line for heard in program.heard()]
    finally:
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGUSR2})
    blocked, ignored = (int(mask, 16) for mask in masks.split())
    assert (blocked, ignored & SETTABLE & ~PYTHONS) == (0, 0)
    assert files == "['0', '1', '2', '3'] /dev/null"  # 3: the listing itself
    assert alone == "True"


def test_others_than_clients_are_left_aside(listener: Listener) -> None:
    with socket.socket(socket.AF_UNIX) as stranger:
        stranger.connect(f"\0{listener.name}")
    assert listener.accept() is None
    with socket.socket(socket.AF_UNIX) as talker:
        talker.connect(f"\0{listener.name}")
        talker.sendall(b"x" * 50_000)
        talker.shutdown(socket.SHUT_WR)
        assert listener.accept() is None
