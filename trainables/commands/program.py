"""A program while it runs: what it writes and reports, and how it is ended, with all it started.

guardian.py is between it and this process, and outlives this process if that is killed.
"""

from __future__ import annotations

import contextlib
import json
import math
import os
import selectors
import signal
import subprocess
import sys
import time
from collections import deque
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from types import TracebackType
from typing import Any, Self

from .ends import Exit
from .lines import Lines
from .listener import Heard, Listener

GUARDIAN = Path(__file__).with_name("guardian.py")
TAIL = 20  # lines of standard error that are remembered
DYING = 5.0  # seconds that killed processes, and their output, may take
CHUNK = 1 << 16


class Program:
    """One that has been started. Leaving the `with` block ends it at once, if it still lives.

    `ended`: how it ended, once `heard` is at its end. `errno`: why it could not be started.
    `signalled`: whether it was told to end.
    """

    def __init__(
        self,
        words: Sequence[str],
        *,
        folder: Path,
        environment: Mapping[str, str],
        listener: Listener,
        scratch: Path,
    ) -> None:
        """`scratch`: a folder that is removed in the end, even if this process is killed before.

        Errors: OSError, ValueError where the system does not take such words.
        """
        self.name = words[0]
        self.ended: Exit | None = None
        self.errno = 0
        self.signalled = False
        self._listener = listener
        self._due: list[tuple[float, signal.Signals]] = []  # when to send which
        self._out, self._err, self._status = Lines(), Lines(), Lines()
        self._errors: deque[str] = deque(maxlen=TAIL)
        self._pid = 0
        self._stands = False
        self._telling, tells = os.pipe()
        try:
            self._guardian = subprocess.Popen(
                [sys.executable, "-I", "-S", GUARDIAN, str(tells), scratch, *words],
                cwd=folder,
                env=dict(environment),
                stdin=subprocess.PIPE,
                stdout=subprocess.PIPE,
                stderr=subprocess.PIPE,
                pass_fds=[tells],
                start_new_session=True,
            )
        except BaseException:
            os.close(self._telling)
            raise
        finally:
            os.close(tells)
        while not self._pid and self.ended is None:
            self._learn(os.read(self._telling, CHUNK))

    def __enter__(self) -> Self:
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        guardian = self._guardian
        # The first is the guardian's sign to end what lives, and itself.
        for stream in (guardian.stdin, guardian.stdout, guardian.stderr):
            assert stream is not None
            stream.close()
        os.close(self._telling)
        with contextlib.suppress(subprocess.TimeoutExpired):
            guardian.wait(DYING)

    def heard(self) -> Iterator[Heard]:
        """Lines and reports as they come, until the program has ended and all of it is read.

        Meanwhile lines on standard error are printed there, and signals sent when they are due.
        """
        out, err = self._guardian.stdout, self._guardian.stderr
        until = math.inf
        with selectors.DefaultSelector() as selector:
            for stream in (out, err, self._telling, self._listener):
                assert stream is not None
                selector.register(stream, selectors.EVENT_READ)
            unread = {out, err}
            while unread or self.ended is None:
                now = time.monotonic()
                if now >= until:  # processes hold them that could not be ended
                    return
                self._send(now)
                for key, _ in selector.select(self._wait(now, until)):
                    if key.fileobj is self._listener:
                        if heard := self._listener.accept():
                            yield heard
                        continue
                    data = os.read(key.fd, CHUNK)
                    if not data:
                        selector.unregister(key.fileobj)
                        unread.discard(key.fileobj)
                    if key.fileobj is out:
                        for line in self._out.feed(data) if data else self._out.end():
                            yield Heard(line)
                    elif key.fileobj is err:
                        self._print(self._err.feed(data) if data else self._err.end())
                    else:
                        self._learn(data)
                if self.ended is not None:
                    until = min(until, time.monotonic() + DYING)

    @property
    def errors(self) -> Sequence[str]:
        """The last lines on its standard error."""
        return tuple(self._errors)

    def leave(self, *signals: tuple[float, signal.Signals]) -> None:
        """Have it end: send it signals, each so many seconds from now, as long as it lives."""
        now = time.monotonic()
        self._due = [(now + seconds, number) for seconds, number in signals]

    def stand(self) -> None:
        """Have it stand still, with what it has started."""
        self._stands = True
        self._signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Undo `stand`, if that was."""
        if self._stands:
            self._stands = False
            self._signal(signal.SIGCONT)

    def _send(self, now: float) -> None:
        """Send what is due."""
        while self._due and self._due[0][0] <= now:
            _, number = self._due.pop(0)
            self.signalled = True
            self._signal(number)
            self.go_on()  # what stands still does not hear

    def _signal(self, number: signal.Signals) -> None:
        """To its group, whose number stays its own as long as the guardian lives."""
        if self._pid and self.ended is None:
            with contextlib.suppress(ProcessLookupError, PermissionError):
                os.killpg(self._pid, number)

    def _wait(self, now: float, until: float) -> float | None:
        """Seconds until something is due, at most."""
        next_ = min([until, *(when for when, _ in self._due)])
        return None if math.isinf(next_) else max(next_ - now, 0)

    def _print(self, lines: Sequence[str]) -> None:
        for line in lines:
            self._errors.append(line)
            print(line, file=sys.stderr)

    def _learn(self, data: bytes) -> None:
        """What the guardian tells; that it tells nothing more, too."""
        for line in self._status.feed(data):
            told: dict[str, Any] = json.loads(line)
            self._pid = told.get("pid", self._pid)
            self.errno = told.get("errno", self.errno)
            if "exit" in told:
                self.ended = Exit(code=told["exit"], left=told["left"])
        if not data and self.ended is None:  # it was killed, and the program with it
            self._signal(signal.SIGKILL)
            self.ended = Exit(code=-signal.SIGKILL)
