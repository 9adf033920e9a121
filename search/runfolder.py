"""The run folder: where everything about one sweep lies. docs/run-folder.md describes it."""

from __future__ import annotations

import contextlib
import json
import os
import re
import shutil
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from .brief import brief
from .errors import RunFolderError, SweepError
from .events import FORMAT
from .patience import unwritable
from .storage import probe, refuse_address, sync_folder
from .sweep import Sweep

UNBEGUN = {"job", "trials"}  # what is there before a driver begins
WRITTEN = {"driver.lock", "sweep.json", "sweep.yaml", "sweep.yml", "sweep.toml", "requests"}
ASIDE = re.compile(r"\..+\.(\d+)")  # a file on its way to its name, and by which process


@dataclass(frozen=True, slots=True)
class RunFolder:
    """Every path in a run folder."""

    path: Path

    @classmethod
    def create(cls, path: Path) -> RunFolder:
        """A new, empty run folder.

        Errors: RunFolderError if something is there already, or it cannot be kept there.
        """
        refuse_address(path)
        folder = cls(path.absolute())
        try:
            if folder.journal.exists():
                raise RunFolderError(
                    f"{path} holds a run already; go on with it by `nightsweep resume {path}`, "
                    "or name another folder"
                )
            if path.exists() and not folder._unused:
                raise RunFolderError(f"{path} exists and is not empty; name another folder")
            folder.trials.mkdir(parents=True, exist_ok=True)
            sync_folder(folder.path.parent)
        except OSError as error:
            raise RunFolderError(f"{path} cannot be made: {error.strerror}") from None
        try:
            probe(folder.path)
        except RunFolderError:
            folder.discard()
            raise
        return folder

    @classmethod
    def open(cls, path: Path) -> RunFolder:
        """An existing one. Errors: RunFolderError if it is none, or from a newer version."""
        refuse_address(path)
        try:
            folder = cls(path.absolute())
            if not path.is_dir():
                raise RunFolderError(f"{path} is not a folder; name the folder of a run")
            if not folder.begun:
                raise RunFolderError(
                    f"{path} is not a run folder: it holds no journal.jsonl and sweep.json"
                )
        except OSError as error:
            raise RunFolderError(f"{path} cannot be read: {error.strerror}") from None
        given = folder.header().get("format")
        if not isinstance(given, int) or given > FORMAT:
            raise RunFolderError(
                f"{path} was written by a newer nightsweep (format {given}, this one reads "
                f"{FORMAT}); upgrade to read it"
            )
        return folder

    def discard(self) -> None:
        """Remove the folder with all that is in it, but for what a job brought."""
        if not self.job.exists():
            shutil.rmtree(self.path, ignore_errors=True)
            return
        with contextlib.suppress(OSError):  # it is another error that is being told
            for path in self.path.iterdir():
                if path.is_dir() and not path.is_symlink():
                    shutil.rmtree(path) if path != self.job else None
                else:
                    path.unlink()

    @property
    def _unused(self) -> bool:
        """Whether nothing is in it that a run, or anybody else, would miss.

        A driver that was killed as it began has left what it had written by then, the lock first.
        """
        if not self.path.is_dir() or (self.trials.is_dir() and any(self.trials.iterdir())):
            return False
        names = {path.name for path in self.path.iterdir() if not ASIDE.fullmatch(path.name)}
        begun = "driver.lock" in names
        return names <= (UNBEGUN | WRITTEN if begun else UNBEGUN)

    @property
    def begun(self) -> bool:
        """Whether a sweep has begun here."""
        return self.journal.is_file() and self.resolved.is_file()

    @property
    def journal(self) -> Path:
        return self.path / "journal.jsonl"

    @property
    def job(self) -> Path:
        """What was submitted, where this run is a job, and what its place says of it."""
        return self.path / "job"

    @property
    def lock(self) -> Path:
        return self.path / "driver.lock"

    @property
    def resolved(self) -> Path:
        return self.path / "sweep.json"

    @property
    def requests(self) -> Path:
        """What is asked of the driver that is at work."""
        return self.path / "requests"

    @property
    def trials(self) -> Path:
        return self.path / "trials"

    @property
    def best(self) -> Path:
        return self.path / "best"

    def trial(self, trial: int) -> Path:
        """The folder of one trial: its checkpoints and its log."""
        return self.trials / str(trial)

    def table(self, name: str, suffix: str) -> Path:
        """`trials.csv` and its like."""
        return self.path / f"{name}.{suffix}"

    def header(self) -> dict[str, Any]:
        """What sweep.json holds. Errors: RunFolderError if it cannot be read."""
        try:
            values = json.loads(self.resolved.read_text(encoding="utf-8"))
        except (OSError, ValueError, RecursionError) as error:
            raise RunFolderError(f"{self.resolved} cannot be read: {error}") from None
        if not isinstance(values, dict):
            raise RunFolderError(f"{self.resolved} does not hold a sweep")
        for key, kind in (("folder", str), ("source", str), ("copy", str), ("given", dict)):
            if not isinstance(values.get(key), kind | None):
                raise RunFolderError(f"{self.resolved}: {key} cannot be {brief(values[key])}")
        return values

    def sweep(self) -> Sweep:
        """The sweep as it began. Errors: RunFolderError if it cannot be read."""
        try:
            return Sweep(**self.header()["sweep"])
        except (KeyError, TypeError, SweepError) as error:
            raise RunFolderError(f"{self.resolved} does not hold a sweep: {error}") from None


def write_whole(path: Path, write: Callable[[Path], object]) -> None:
    """Write a file aside, then put it in place at once: readers see the old or the new one.

    Errors: RunFolderError where it cannot be written (StorageError: a full disk, say); the old one
    stays.
    """
    aside = path.with_name(f".{path.name}.{os.getpid()}")
    try:
        aside.unlink(missing_ok=True)  # a link, say, that would lead elsewhere
        write(aside)
        with aside.open("rb") as file:
            os.fsync(file.fileno())
        os.replace(aside, path)
        sync_folder(path.parent)
    except OSError as error:
        raise unwritable(path, error) from error
    finally:
        with contextlib.suppress(OSError):  # storage that is away; the next driver looks for it
            aside.unlink()
