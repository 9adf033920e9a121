"""What is asked of a driver: small files in its run folder, written by any host that shares it.

`requests/<name>.json` is a request, whole or not there. The driver looks about once a second,
does it, writes `<name>.answer` and removes the request. What was asked of one driver is not
asked of the next: it clears the folder as it begins.
"""

from __future__ import annotations

import contextlib
import os
import secrets
import stat
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Annotated, Literal, TypeVar

from pydantic import BaseModel, ConfigDict, Field, ValidationError, model_validator

from ..search.errors import RunFolderError
from ..search.runfolder import RunFolder, write_whole

REQUEST, ANSWER = ".json", ".answer"
LARGEST = 4096  # bytes; ours have less than a hundred
Model = TypeVar("Model", bound=BaseModel)
STRICT = ConfigDict(extra="forbid", frozen=True, strict=True)


class Request(BaseModel):
    """Something to do: `trial` for a stop of that trial alone."""

    model_config = STRICT

    ask: Literal["pause", "continue", "stop"]
    trial: Annotated[int, Field(ge=1)] | None = None

    @model_validator(mode="after")
    def _of_a_stop(self) -> Request:
        if self.trial is not None and self.ask != "stop":
            raise ValueError(f"{self.ask} is for all trials")
        return self


class Answer(BaseModel):
    """What has come of it, in words; `refused`: it was not done."""

    model_config = STRICT

    said: str
    refused: bool = False


@dataclass(frozen=True, slots=True)
class Asked:
    """A request that lies in the folder; `what` is None where that cannot be read."""

    path: Path
    what: Request | None

    def answer(self, answer: Answer) -> None:
        """Say what has come of it, and be done with it. On a full disk nothing is said."""
        with contextlib.suppress(RunFolderError):
            _write(self.path.with_suffix(ANSWER), answer)
        with contextlib.suppress(OSError):
            self.path.unlink()


class Inbox:
    """The driver's side. Whoever makes one holds the folder's lock."""

    def __init__(self, folder: RunFolder) -> None:
        self._folder = folder.requests
        self._taken: set[str] = set()  # one that cannot be removed is not done twice

    def clear(self) -> None:
        """Forget what was asked of drivers before."""
        for name in self._names(REQUEST, ANSWER):
            with contextlib.suppress(OSError):
                (self._folder / name).unlink()

    def take(self) -> Iterator[Asked]:
        """What has been asked since, the oldest first."""
        for name in self._names(REQUEST):
            path = self._folder / name
            # While another was being done this one may have been withdrawn, or answered.
            there = os.path.lexists(path)
            if there and name not in self._taken and not name.startswith("."):
                self._taken.add(name)
                yield Asked(path, _read(path, Request))

    def _names(self, *suffixes: str) -> list[str]:
        if self._folder.is_symlink():  # nothing is done through links in a run folder
            return []
        try:
            return sorted(name for name in os.listdir(self._folder) if name.endswith(suffixes))
        except OSError:  # nobody has asked for anything yet, or the storage is away
            return []


@dataclass(frozen=True, slots=True)
class Posted:
    """The asker's side of a request that was put into the folder."""

    path: Path

    @property
    def stands(self) -> bool:
        """Whether no driver has done it yet."""
        return self.path.exists()

    def answer(self) -> Answer | None:
        """The driver's answer, once there is one."""
        path = self.path.with_suffix(ANSWER)
        answer = _read(path, Answer)
        if answer is not None:
            path.unlink(missing_ok=True)
        return answer

    def withdraw(self) -> None:
        """Ask for it no more."""
        self.path.unlink(missing_ok=True)


def post(folder: RunFolder, request: Request) -> Posted:
    """Put a request into a run folder. Errors: RunFolderError where it cannot be written."""
    if folder.requests.is_symlink():
        raise RunFolderError(f"{folder.requests} is a link; remove it, and ask again")
    try:
        folder.requests.mkdir(exist_ok=True)
    except OSError as error:
        raise RunFolderError(f"{folder.requests} cannot be made: {error.strerror}") from None
    path = folder.requests / f"{time.time_ns()}-{secrets.token_hex(4)}{REQUEST}"
    _write(path, request)
    return Posted(path)


def _write(path: Path, model: BaseModel) -> None:
    text = model.model_dump_json(exclude_none=True) + "\n"
    write_whole(path, lambda aside: aside.write_text(text, encoding="utf-8"))


def _read(path: Path, kind: type[Model]) -> Model | None:
    """What a file says; None where there is none, or it says something else."""
    try:
        file = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK)
    except OSError:
        return None
    try:
        found = os.fstat(file)
        if not stat.S_ISREG(found.st_mode) or found.st_size > LARGEST:
            return None
        return kind.model_validate_json(os.read(file, LARGEST))
    except (OSError, ValidationError):
        return None
    finally:
        os.close(file)
