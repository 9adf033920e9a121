"""Ctrl-C and SIGTERM: the first asks the sweep to stop cleanly, the second ends it at once."""

from __future__ import annotations

import contextlib
import os
import signal
import sys
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from types import FrameType

AT_ONCE = 130  # exit code after a second signal, as shells have it for Ctrl-C


@dataclass(slots=True)
class StopRequest:
    """`signal` is the name of the signal that came, or empty."""

    signal: str = ""


@contextlib.contextmanager
def stop_request() -> Iterator[StopRequest]:
    """Listen for signals meanwhile. Outside the main thread Python cannot, and nothing happens."""
    request = StopRequest()
    if threading.current_thread() is not threading.main_thread():
        yield request
        return

    def ask(number: int, frame: FrameType | None) -> None:
        if request.signal:
            # What is recorded is on the disk already. Ray's processes end with this one.
            os.write(sys.stderr.fileno(), b"\nstopped at once; what was recorded is kept\n")
            os._exit(AT_ONCE)
        request.signal = signal.Signals(number).name

    before = {number: signal.signal(number, ask) for number in (signal.SIGINT, signal.SIGTERM)}
    try:
        yield request
    finally:
        for number, handler in before.items():
            signal.signal(number, handler)
