"""A site's own commands (sbatch, squeue), asked with a time limit."""

from __future__ import annotations

import subprocess
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Protocol

from ...search.errors import ClusterDownError, NightsweepError

LIMIT = 60.0  # seconds; Slurm's own wait for a controller that is busy


class MissingError(NightsweepError):
    """There is no such command on this machine."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Answer:
    """What a command has said, and its exit code."""

    code: int = 0
    out: str = ""
    err: str = ""


class Ask(Protocol):
    """Runs a command, which reads `send`; tests have one of their own."""

    def __call__(self, words: Sequence[str], send: str = "") -> Answer: ...


def ask(words: Sequence[str], send: str = "") -> Answer:
    """Run a command to its end. Errors: MissingError, ClusterDownError where it takes too long."""
    try:
        done = subprocess.run(words, input=send, capture_output=True, text=True, timeout=LIMIT)
    except FileNotFoundError:
        raise MissingError(f"there is no {words[0]} on this machine") from None
    except subprocess.TimeoutExpired:
        raise ClusterDownError(
            f"{words[0]} has not answered for {LIMIT:.0f} s; try again when it does"
        ) from None
    return Answer(code=done.returncode, out=done.stdout, err=done.stderr)
