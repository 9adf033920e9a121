"""Keeps a run folder: writes the journal, and from it the tables and the best trial's files."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Callable
from pathlib import Path

from ..search.errors import RunFolderError
from ..search.events import Event, finite_or_text
from ..search.journal import Journal
from ..search.ledger import Ledger
from ..search.results import Best, Results
from ..search.runfolder import RunFolder, write_whole
from ..search.study import Study

EVERY = 10.0  # seconds between two writings of the tables, at least
SHARE = 20  # and this many times as long as one took, so that they cost 5 % at most


class Keeper:
    """One for a driver that holds the folder's lock. Errors of `record`: RunFolderError."""

    def __init__(
        self,
        folder: RunFolder,
        ledger: Ledger,
        clock: Callable[[], float] = time.time,
    ) -> None:
        self.folder = folder
        self.ledger = ledger
        self._journal = Journal(folder.journal, clock)
        self._next = 0.0

    def record(self, event: Event) -> None:
        """Write an event down."""
        entry = self._journal.append(event)
        self.ledger.add(entry.time, event)

    def results(self, study: Study) -> Results:
        """The results so far."""
        return Results(self.folder, study, self.ledger)

    def refresh(self, study: Study) -> None:
        """Bring the tables up to date, if that is due; a full disk leaves them as they were."""
        began = time.monotonic()
        if began < self._next:
            return
        try:
            self.write(study)
        except Exception:
            pass  # the journal has it all, and `nightsweep report` says what is wrong
        took = time.monotonic() - began
        self._next = time.monotonic() + max(EVERY, SHARE * took)

    def write(self, study: Study) -> Results:
        """Write tables and best now. Errors: RunFolderError."""
        results = self.results(study)
        results.write()
        keep_best(results)
        return results

    def close(self) -> None:
        self._journal.close()


def keep_best(results: Results) -> None:
    """Fill `best/`: the configuration and its metrics, and the trial's latest checkpoint."""
    best, folder = results.best, results.folder.best
    if best is None:
        return
    try:
        folder.mkdir(exist_ok=True)
        _fill(folder, best, results)
    except OSError as error:
        raise RunFolderError(f"{folder} cannot be written: {error.strerror}") from error


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
        shutil.copytree(source, aside)
    except OSError:
        shutil.rmtree(aside, ignore_errors=True)
        if source.exists():
            raise
        return  # the trial went on, and has replaced its checkpoint; the next writing has it
    shutil.rmtree(target, ignore_errors=True)
    aside.rename(target)
