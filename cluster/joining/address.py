"""Which Ray a sweep runs on: one of its own, or a cluster that somebody asked for by its address.

Never one that merely happens to run on this machine.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

from ...search.errors import ClusterError

VARIABLE = "RAY_ADDRESS"
OPTION = "--address"
WAYS = "write HOST:PORT of a cluster's head, auto, or local"


@dataclass(frozen=True, slots=True, kw_only=True)
class Address:
    """A cluster's head. `origin`: where that was said, for messages."""

    host: str
    port: int
    origin: str

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"

    @property
    def words(self) -> str:
        """The address, and where it comes from."""
        return f"{self} ({self.origin})"


def asked(
    given: str | None, environ: Mapping[str, str], left: Callable[[], str | None]
) -> Address | None:
    """The cluster that is asked for; None: a Ray of this sweep's own.

    `given`: with the command, and before what RAY_ADDRESS says: HOST:PORT, `local`, or `auto`, for
    which RAY_ADDRESS is taken, or else what `left` knows of a `ray start` on this machine.
    Errors: ClusterError.
    """
    said = environ.get(VARIABLE, "").strip()
    text, origin = (said, VARIABLE) if given is None else (given.strip(), OPTION)
    if text == "auto" and origin == OPTION and said:
        text, origin = said, VARIABLE
    if text == "local" or (not text and origin == VARIABLE):
        return None
    if text != "auto":
        return parsed(text, origin)
    found = left()
    if not found:
        raise ClusterError(
            f"{origin}: auto is the cluster that `ray start` began on this machine, and there is "
            "none; start one (ray start --head), or write HOST:PORT or local"
        )
    return parsed(found, f"{origin}: auto")


def left(environ: Mapping[str, str]) -> str | None:
    """The address that the last `ray start` on this machine has written down; None without one."""
    temp = environ.get("RAY_TMPDIR") or environ.get("TMPDIR") or "/tmp"
    try:
        found = Path(temp, "ray", "ray_current_cluster").read_text(encoding="utf-8")
    except OSError:
        return None
    return found.strip() or None


def parsed(text: str, origin: str) -> Address:
    """HOST:PORT, read. Errors: ClusterError."""
    if "://" in text:
        raise ClusterError(
            f"{origin}: {text} is for Ray's client, which nightsweep does not use; on a machine "
            "of the cluster write HOST:PORT (6379, if nobody chose another), from anywhere else "
            "nightsweep submit --to ray"
        )
    match = re.fullmatch(r"\[?([^\s\[\]]+?)\]?:(\d{1,5})", text)
    if match is None or not 0 < int(match[2]) < 65536:
        raise ClusterError(f"{origin}: {text!r} is no address; {WAYS}")
    return Address(host=match[1], port=int(match[2]), origin=origin)
