"""Failures that are all alike, before anything was trained: the code is wrong, not the trials."""

from __future__ import annotations

from collections import Counter
from pathlib import Path

from ..search.errors import AlikeError
from ..search.signature import signature

FEW = 5  # with half of all configurations failing at once, 5 in a row would be 3 % bad luck
MORE = 10  # where the run has trained before: its code has shown that it can


class Alike:
    """Counts a driver's failures by signature, until an epoch is trained."""

    def __init__(self, run: Path, *, trained: bool) -> None:
        """`trained`: earlier drivers of this run have."""
        self._run = run
        self._allowed = MORE if trained else FEW
        self._counts: Counter[str] = Counter()
        self._quiet = False

    def trained(self) -> None:
        """An epoch was trained: failures are the trials' own from now on."""
        self._quiet = True

    def failed(self, reason: str, traceback: str) -> None:
        """A trial has failed. Errors: AlikeError when that is one too many of a kind."""
        if self._quiet:
            return
        kind = signature(reason, traceback)
        self._counts[kind] += 1
        if (count := self._counts[kind]) >= self._allowed:
            raise AlikeError(
                f"{count} trials failed alike before any had trained an epoch, so the search was "
                f"stopped: {reason}\n{traceback or 'There is no traceback.'}\n"
                f"Mend it, then nightsweep resume {self._run}: they are tried again."
            )
