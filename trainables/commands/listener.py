"""The socket on which a program may report; it is no file, so a killed worker leaves none."""

from __future__ import annotations

import contextlib
import os
import secrets
import socket
import struct
from dataclasses import dataclass

from .lines import LONGEST

SAYING = 10.0  # seconds that a client has to say what it has connected for


@dataclass(frozen=True, slots=True)
class Heard:
    """A line of standard output, or a report of the client, which waits until it is answered."""

    line: str
    client: socket.socket | None = None

    def answer(self, goes_on: bool) -> None:
        """Tell the client whether to go on; a line has nobody to be told."""
        if self.client is not None:
            with contextlib.suppress(OSError), self.client:
                self.client.sendall(b"go\n" if goes_on else b"stop\n")


class Listener:
    """Takes reports of this user's processes, one a connection (client/nightsweep_report.py)."""

    def __init__(self) -> None:
        self.name = f"nightsweep-{secrets.token_hex(16)}"
        self._socket = socket.socket(socket.AF_UNIX)
        self._socket.bind(f"\0{self.name}")
        self._socket.listen()

    def fileno(self) -> int:
        """To wait for clients."""
        return self._socket.fileno()

    def accept(self) -> Heard | None:
        """The report of one client; None if it is somebody else's, or says nothing."""
        client, _ = self._socket.accept()
        line = b""
        with contextlib.suppress(OSError):
            client.settimeout(SAYING)
            seen = client.getsockopt(socket.SOL_SOCKET, socket.SO_PEERCRED, struct.calcsize("3i"))
            _, user, _ = struct.unpack("3i", seen)
            if user == os.getuid():
                with client.makefile("rb") as said:
                    line = said.readline(LONGEST)
        if line.endswith(b"\n"):
            return Heard(line.decode("utf-8", "replace"), client)
        client.close()
        return None

    def close(self) -> None:
        """Take none any more."""
        self._socket.close()
