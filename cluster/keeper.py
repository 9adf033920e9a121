"""Keeps a run folder: writes the journal, and from it the tables and the best trial's files;
looks after the checkpoints."""

from __future__ import annotations

import contextlib
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from typing import TypeVar

from ..search.clock import Clock
from ..search.events import Closed, Event, Failed, Interrupted, finite_or_text
from ..search.journal import Journal
from ..search.ledger import Ledger
from ..search.patience import unwritable
from ..search.results import Best, Results
from ..search.runfolder import RunFolder, write_whole
from ..search.secret import Secrets
from ..search.study import Study
from .shelf import Shelf
from .standstill import Standstill

EVERY = 10.0  # seconds between two writings of the tables, at least
Done = TypeVar("Done")

SHARE = 20  # and so many times as long as the last one took: each costs 5 % at most


class Keeper:
    """One for a driver that holds the folder's lock. Errors of `record`: RunFolderError."""

    def __init__(
        self,
        folder: RunFolder,
        ledger: Ledger,
        clock: Callable[[], float] | None = None,
    ) -> None:
        self.folder = folder
        self.ledger = ledger
        self.shelf = Shelf(folder)
        self._clock = clock or Clock()
        self._journal = Journal(folder.journal, self._clock)
        self._next_look = self._next = 0.0
        self._standstill: Standstill | None = None

    def wait_by(self, standstill: Standstill) -> None:
        """From now on wait, where the folder cannot be written. Errors: StoppedError."""
        self._standstill = standstill

    def record(self, event: Event) -> None:
        """Write an event down, without secrets that an error may have named."""
        event = _discreet(event)
        entry = self._through(lambda: self._journal.append(event))
        self.ledger.add(entry.time, event)
        self.shelf.note(event)

    @property
    def gpu_seconds(self) -> float:
        """What trials have used of GPUs by now, over all drivers."""
        return self.ledger.meter.seconds(self._clock())

    def results(self, study: Study) -> Results:
        """The results so far."""
        return Results(self.folder, study, self.ledger)

    def refresh(self, study: Study) -> None:
        """Remove checkpoints that are not needed; bring the tables up to date, if that is due.

        A full disk leaves them as they were.
        """
        if (began := time.monotonic()) >= self._next_look:
            with contextlib.suppress(OSError):  # the storage is away; the next change looks again
                self.shelf.look(study)
            self._next_look = _again(began)
        if (began := time.monotonic()) >= self._next:
            with contextlib.suppress(Exception):
                self.write(study)  # the journal has it all; `report` says what is wrong
            self._next = _again(began, EVERY)

    def finish(self, study: Study) -> Results:
        """Remove what no decision needs any more, and write tables and best for the last time."""
        with contextlib.suppress(OSError):  # the next driver tidies up
            self.shelf.tidy(study)
        return self._through(lambda: self.write(study))

    def write(self, study: Study) -> Results:
        """Write tables and best now. Errors: RunFolderError."""
        results = self.results(study)
        results.write()
        keep_best(results)
        return results

    def close(self) -> None:
        self._journal.close()

    def _through(self, act: Callable[[], Done]) -> Done:
        return self._standstill.through(act) if self._standstill else act()


def _again(began: float, least: float = 0.0) -> float:
    """When to do again what was begun then, and has just been done."""
    now = time.monotonic()
    return now + max(least, SHARE * (now - began))


def _discreet(event: Event) -> Event:
    if not isinstance(event, Failed | Interrupted | Closed):
        return event
    hide = Secrets.of(os.environ).hide
    if isinstance(event, Failed):
        event = replace(event, traceback=hide(event.traceback))
    return replace(event, reason=hide(event.reason))


def keep_best(results: Results) -> None:
    """Fill `best/`: the configuration and its metrics, and the trial's latest checkpoint."""
    best, folder = results.best, results.folder.best
    if best is None:
        return
    try:
        folder.mkdir(exist_ok=True)
        _fill(folder, best, results)
    except OSError as error:
        raise unwritable(folder, error) from error


def _fill(folder: Path, best: Best, results: Results) -> None:
    values = {
        "trial": best.trial,
        "epoch": best.epoch,
        **{metric.name: best.metrics[metric.name] for metric in results.sweep.outcomes},
        "config": best.config,
        "metrics": finite_or_text(best.metrics),
        "checkpoint_epoch": results.study.trials[best.trial].saved or None,
    }
    text = json.dumps(values, indent=2) + "\n"
    if (folder / "best.json").exists() and (folder / "best.json").read_text() == text:
        return
    if best.checkpoint is None:
        shutil.rmtree(folder / "checkpoint", ignore_errors=True)
    else:
        _replace(best.checkpoint, folder / "checkpoint")
    write_whole(folder / "best.json", lambda path: path.write_text(text, encoding="utf-8"))


def _replace(source: Path, target: Path) -> None:
    aside = target.with_name(f".{target.name}")
    shutil.rmtree(aside, ignore_errors=True)
    try:
        shutil.copytree(source, aside, symlinks=True, copy_function=_link)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        if source.exists():
            raise
        return  # the trial went on, and has replaced its checkpoint; the next writing has it
    shutil.rmtree(target, ignore_errors=True)
    aside.rename(target)


def _link(source: str, target: str) -> None:
    """One file under two names, since nobody writes to a checkpoint's files any more: it takes no
    room twice, and lasts when the trial's own is removed."""
    try:
        os.link(source, target)
    except OSError:  # a file system that has no links
        shutil.copy2(source, target)
