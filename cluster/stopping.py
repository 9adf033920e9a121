"""Ctrl-C and SIGTERM: the first asks the sweep to stop cleanly, the second ends it at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from types import FrameType

AT_ONCE = 130  # exit code after a second signal, as shells have it for Ctrl-C


class StopRequest:
    """`signal` is the name of the signal that came, or empty."""

    def __init__(self) -> None:
        self.signal = ""

    def listen(self) -> None:
        """Take the signals; again, after something else took them (Ray takes SIGTERM)."""
        # Outside the main thread Python cannot, and nothing happens.
        if threading.current_thread() is threading.main_thread():
            for number in (signal.SIGINT, signal.SIGTERM):
                signal.signal(number, self._ask)

    def _ask(self, number: int, frame: FrameType | None) -> None:
        if self.signal:
            # What is recorded is on the disk already. Ray's processes end with this one.
            os.write(sys.stderr.fileno(), b"\nstopped at once; what was recorded is kept\n")
            os._exit(AT_ONCE)
        self.signal = signal.Signals(number).name


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listen for signals meanwhile."""
    request = StopRequest()
    before = {number: signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)}
    request.listen()
    try:
        yield request
    finally:
        if threading.current_thread() is threading.main_thread():
            for number, handler in before.items():
                signal.signal(number, handler)
