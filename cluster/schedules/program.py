"""Other programs (crontab, systemctl, kubectl): run to their end, with a limit."""

from __future__ import annotations

import subprocess
from collections.abc import Callable, Sequence
from dataclasses import dataclass

LIMIT = 20.0  # seconds: crontab and systemctl answer at once, or hang
MISSING = 127


@dataclass(frozen=True, slots=True, kw_only=True)
class Ended:
    """How a program ended, and what it has said. Bytes that are no UTF-8 are kept as they were."""

    code: int = 0
    out: str = ""
    err: str = ""

    @property
    def words(self) -> str:
        """The first line of its complaint."""
        said = (self.err.strip() or self.out.strip()).splitlines()
        return said[0] if said else f"exit code {self.code}"


Program = Callable[[Sequence[str], str], Ended]


def program(command: Sequence[str], given: str = "") -> Ended:
    """Run a command with `given` as its input. What is not there ends with 127."""
    try:
        done = subprocess.run(
            list(command),
            input=given.encode("utf-8", "surrogateescape"),
            capture_output=True,
            timeout=LIMIT,
        )
    except FileNotFoundError:
        return Ended(code=MISSING, err=f"{command[0]} is not installed")
    except OSError as error:
        return Ended(code=126, err=f"{command[0]} cannot be run: {error.strerror}")
    except subprocess.TimeoutExpired:
        return Ended(code=124, err=f"{command[0]} has not answered within {LIMIT:.0f} s")
    out, err = (text.decode("utf-8", "surrogateescape") for text in (done.stdout, done.stderr))
    return Ended(code=done.returncode, out=out, err=err)
