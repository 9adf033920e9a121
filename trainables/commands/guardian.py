"""Starts a program and, at its end, ends all that it has started: in the background, too.

    python -I -S guardian.py STATUS SCRATCH PROGRAM ARGUMENT...

Run as a script by program.py, with the standard library alone. What the program starts and leaves
is given to this process (a subreaper), so that nothing of it gets lost. It tells what becomes of
the program on the file descriptor STATUS, one JSON object a line: {"pid": 17}, {"errno": 2},
{"exit": 0, "left": 1}. Its standard input is the worker's: when that ends, as it does when the
worker is killed, the program is ended, and the folder SCRATCH removed.
"""

from __future__ import annotations

import contextlib
import ctypes
import json
import os
import select
import signal
import sys
from collections.abc import Callable

PR_SET_PDEATHSIG, PR_SET_CHILD_SUBREAPER = 1, 36  # prctl(2)
REAP = 5.0  # seconds between two looks for orphans that have ended


def main(status: int, scratch: str, words: list[str]) -> None:
    """Two processes: whichever is killed, the other ends what is left.

    Ray kills the children of a worker that exits, but not theirs.
    """
    libc = ctypes.CDLL(None)
    signal.pthread_sigmask(signal.SIG_SETMASK, [])
    for number in (signal.SIGTERM, signal.SIGINT, signal.SIGHUP):
        signal.signal(number, lambda *_: None)  # SIG_IGN would be the program's, too
    libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
    second = os.fork()
    if not second:
        libc.prctl(PR_SET_CHILD_SUBREAPER, 1, 0, 0, 0)
        _guard(status, scratch, words, libc)
        return
    for pipe in (0, 1, 2, status):  # their ends are to be known
        os.close(pipe)
    os.waitpid(second, 0)
    _kill_children()


def _guard(status: int, scratch: str, words: list[str], libc: ctypes.CDLL) -> None:
    """Run the program until it ends or the worker does."""
    os.set_inheritable(status, False)

    def tell(**what: int) -> None:
        with contextlib.suppress(OSError):  # nobody listens any more
            os.write(status, json.dumps(what).encode() + b"\n")

    program = _start(words, libc, tell)
    tell(pid=program)
    _watch(program)
    code, left = _end(program)
    tell(exit=code, left=left)
    os.close(1)  # so that the worker reads to the end of the program's output
    os.close(2)
    while os.read(0, 512):
        pass
    import shutil  # here, since it takes long to import

    shutil.rmtree(scratch, ignore_errors=True)


def _start(words: list[str], libc: ctypes.CDLL, tell: Callable[..., None]) -> int:
    """The process of the program: the leader of a session, and so of a group, of its own."""
    guardian = os.getpid()
    program = os.fork()
    if program:
        return program
    try:
        os.setsid()
        libc.prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
        if os.getppid() != guardian:
            os._exit(1)
        for number in (signal.SIGPIPE, signal.SIGXFSZ):  # which Python ignores
            signal.signal(number, signal.SIG_DFL)
        os.dup2(os.open(os.devnull, os.O_RDONLY), 0)
        os.execv(words[0], words)
    except OSError as error:
        tell(errno=error.errno or 0)
    finally:
        os._exit(127)


def _watch(program: int) -> None:
    """Until the program has ended, or the worker has."""
    handle = os.pidfd_open(program)
    while True:
        ready, _, _ = select.select([0, handle], [], [], REAP)
        if handle in ready or (0 in ready and not os.read(0, 512)):
            return
        while True:
            ended = os.waitid(os.P_ALL, 0, os.WEXITED | os.WNOHANG | os.WNOWAIT)
            if ended is None or ended.si_pid == program:
                break
            os.waitpid(ended.si_pid, 0)


def _end(program: int) -> tuple[int, int]:
    """Kill what lives: the program's exit code (minus a signal), how many it had left behind.

    The program itself is not reaped, so that its number, and its group's, stay its own.
    """
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(program, signal.SIGKILL)
    ended = os.waitid(os.P_PID, program, os.WEXITED | os.WNOWAIT)
    assert ended is not None
    code = ended.si_status if ended.si_code == os.CLD_EXITED else -ended.si_status
    return code, _kill_children(program)


def _kill_children(but: int = 0) -> int:
    """Kill this process's children, and theirs, which are given to it then; how many."""
    killed = 0
    while children := _children() - {but}:
        for pid in children:
            with contextlib.suppress(PermissionError):
                os.kill(pid, signal.SIGKILL)
        for pid in children:
            os.waitpid(pid, 0)
        killed += len(children)
    return killed


def _children() -> set[int]:
    found = set()
    for name in os.listdir("/proc"):
        if name.isdecimal():
            with contextlib.suppress(OSError), open(f"/proc/{name}/stat", "rb") as stat:
                # "29094 (a name) S 29092 ...", and a name may hold anything
                if int(stat.read().rpartition(b")")[2].split()[1]) == os.getpid():
                    found.add(int(name))
    return found


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2], sys.argv[3:])
