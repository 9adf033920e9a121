"""Ctrl-C, SIGTERM, a terminal that is closed: the first asks the sweep to stop cleanly, the second
ends it at once."""

from __future__ import annotations

import contextlib
import os
import signal
import stat
import sys
import threading
import time
from collections.abc import Callable, Iterator
from types import FrameType

from .exits import AT_ONCE

ECHO = 1.0  # seconds in which another signal is the first one again, come by another way


class StopRequest:
    """`signal` is the name of the signal that came, "hand" for `nightsweep stop`, or empty.

    `timeout` sends its signal to a process and to its group, Slurm to every process of a job, and
    a supervisor forwards its own: what comes within a second of the first is no second one.
    """

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self.signal = ""
        self._clock = clock
        self._since = 0.0

    def listen(self) -> None:
        """Take the signals; again, after something else took them (Ray takes SIGTERM)."""
        # Outside the main thread Python cannot, and nothing happens.
        if threading.current_thread() is threading.main_thread():
            for number in asking():
                signal.signal(number, self._ask)

    def stop(self, by: str) -> None:
        """Ask to stop cleanly."""
        self.signal, self._since = by, self._clock()

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if number == signal.SIGHUP:
            let_go_of_terminal()
        if self.signal and self._clock() - self._since >= ECHO:
            # What is recorded is on the disk already. Ray's processes end with this one.
            os.write(sys.stderr.fileno(), b"\nstopped at once; what was recorded is kept\n")
            os._exit(AT_ONCE)
        if not self.signal:
            self.stop(signal.Signals(number).name)


@contextlib.contextmanager
def stop_request(clock: Callable[[], float] = time.monotonic) -> Iterator[StopRequest]:
    """Listen for signals meanwhile."""
    request = StopRequest(clock)
    before = {number: signal.getsignal(number) for number in asking()}
    request.listen()
    try:
        yield request
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)


def asking() -> list[signal.Signals]:
    """The signals that ask to stop; not a hang-up that `nohup` has this process ignore."""
    ignored = signal.getsignal(signal.SIGHUP) is signal.SIG_IGN
    return [signal.SIGINT, signal.SIGTERM, *[signal.SIGHUP][ignored:]]


def let_go_of_terminal() -> None:
    """What is written to a terminal that has gone fails; a file goes on being written."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for stream in range(3):
        with contextlib.suppress(OSError):
            if stat.S_ISCHR(os.fstat(stream).st_mode):  # one that has gone is no tty any more
                os.dup2(nowhere, stream)
    os.close(nowhere)


def outlive_sigterm() -> None:
    """Let SIGTERM pass this worker by: whether it ends is the driver's to say.

    The processes that a training function starts (data loaders) hear it as ever. In a thread
    nothing happens.
    """
    if threading.current_thread() is not threading.main_thread():
        return
    worker = os.getpid()

    def pass_by(number: int, frame: FrameType | None) -> None:
        if os.getpid() != worker:  # forked by the training function
            signal.signal(number, signal.SIG_DFL)
            os.kill(os.getpid(), number)

    signal.signal(signal.SIGTERM, pass_by)
    signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGTERM})  # see connect.py
