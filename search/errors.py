"""Every error that nightsweep raises on purpose.

NightsweepError
├── SweepError             the sweep file, or its equal in Python, is wrong
├── TrainingFunctionError  the training function cannot be imported or called
│   └── AlikeError         it fails in the same way whatever it is given
├── DataError              what a ready-made trainable is to learn from cannot be used
├── RunFolderError         a run folder exists already, is not one, or cannot be written
│   ├── LockedError        another driver is writing to it
│   ├── StorageError       its storage is full, or away for a while
│   │   └── StoppedError   and the driver that waited for it was told to stop
│   └── JournalError       its journal cannot be read
├── StudyError             a Study was called in an order that makes no sense
└── ClusterError           a cluster cannot be joined, or lacks what a trial needs
    └── ClusterDownError   Ray does not start or answer, has died, or keeps no worker up

Each message says what was given, what was expected and what to do; the command line prints it
alone, without a traceback, and exits with 2 (69 where the cluster is down, 75 for StoppedError).
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass


class NightsweepError(Exception):
    """The root of the tree above: something that the user can put right."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Problem:
    """One mistake in a sweep: the key's path (`("parameters", "lr", "min")`) and what is wrong."""

    key: tuple[str | int, ...]
    message: str
    line: int | None = None

    def __str__(self) -> str:
        path = ".".join(str(part) for part in self.key)
        return f"{path}: {self.message}" if path else self.message


class SweepError(NightsweepError, ValueError):
    """The sweep file, or its equal in Python, is wrong. `problems` lists every mistake found."""

    def __init__(self, problems: Sequence[Problem], source: str = "sweep") -> None:
        self.problems = tuple(problems)
        self.source = source
        super().__init__("\n".join(self._lines()))

    def _lines(self) -> list[str]:
        return [
            f"{self.source}{f':{problem.line}' if problem.line else ''}: {problem}"
            for problem in self.problems
        ]


NOTHING_TRAINS = (
    "train is missing; write train: module:function or file.py:function, or trainable: tabular, "
    "image, text, sklearn or boosting, or command: python train.py --lr {lr}"
)


class DataError(NightsweepError):
    """What a ready-made trainable is to learn from cannot be used, or what it needs is missing."""


class TrainingFunctionError(NightsweepError):
    """The training function cannot be imported, is not callable, or takes other arguments."""


class AlikeError(TrainingFunctionError):
    """Trial after trial has failed in the same way, and none has trained an epoch."""


class RunFolderError(NightsweepError):
    """A run folder exists already, is not one, is from a newer version, or cannot be written."""


class LockedError(RunFolderError):
    """Another driver is writing to the run folder."""


class StorageError(RunFolderError):
    """The storage of a run is full or away; another try may find it well. `why`: in few words."""

    def __init__(self, message: str, why: str) -> None:
        super().__init__(message)
        self.why = why


class StoppedError(StorageError):
    """A driver that waited for its storage was told to stop."""


class JournalError(RunFolderError):
    """The journal of a run cannot be read."""


class StudyError(NightsweepError):
    """A Study was called in an order that makes no sense."""


class ClusterError(NightsweepError):
    """A cluster cannot be joined, or lacks what a trial needs: code, data, resources."""


class ClusterDownError(ClusterError):
    """Ray does not start or answer, or keeps no worker up: another try may find it well.

    `held`: this process is still its driver, and would be held at the end until it answers.
    """

    def __init__(self, message: str, *, held: bool = False) -> None:
        super().__init__(message)
        self.held = held
