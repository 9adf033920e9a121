"""The checkpoints of a run folder: removes those that no decision needs, while the sweep goes on.

What is to go is decided in search/keeping.py. Here is the carrying out: sizes are read once, when
a trial pauses or ends, and all is looked through when enough has changed since, so that it costs
little however many trials there are. A killed driver leaves nothing that `tidy` does not find.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

from ..search.errors import RunFolderError
from ..search.events import Changed, Event, Reported
from ..search.keeping import Checkpoints, room, shortage, superfluous, too_large
from ..search.record import Status
from ..search.runfolder import ASIDE, RunFolder
from ..search.study import Study
from ..search.units import size_text
from ..trainables import checkpoint

SHARE = 32  # looked through when so many-th of the checkpoints are new

Free = Callable[[Path], int]


def free_bytes(path: Path) -> int:
    """What can still be written where this path is, or will be. Errors: OSError."""
    there = next(
        folder for folder in (path.absolute(), *path.absolute().parents) if folder.exists()
    )
    disk = os.statvfs(there)
    return disk.f_bavail * disk.f_frsize


def check_room(settings: Checkpoints, path: Path, free: Free = free_bytes) -> None:
    """Errors: RunFolderError if the disk has not the room that a sweep is to use at most."""
    try:
        there = free(path)
    except OSError:
        return  # whoever makes the folder says what is wrong with it
    if reason := too_large(settings, there, path):
        raise RunFolderError(reason)


class Shelf:
    """One for a driver that holds the folder's lock."""

    def __init__(self, folder: RunFolder, free: Free = free_bytes) -> None:
        self.sizes: dict[int, int] = {}  # bytes, of trials that do not train
        self.notice = ""  # what people should know of it
        self._folder = folder
        self._free = free
        self._changed: set[int] = set()  # trials that something has happened to
        self._unseen = 0  # changes since all was looked through

    def note(self, event: Event) -> None:
        """Something has happened; `look` sees what has become of the trial."""
        if isinstance(event, Changed):
            self._changed.update(self.sizes)  # with more epochs those that had ended may go on
        trial = getattr(event, "trial", None)
        if trial is not None and not (isinstance(event, Reported) and not event.reason):
            self._changed.add(trial)

    def look(self, study: Study) -> None:
        """Remove what is not needed any more, if it may be worth a look."""
        if not self._changed:
            return
        for trial in self._changed:
            self._weigh(study, trial)
        self._unseen += len(self._changed)
        self._changed.clear()
        full = sum(self.sizes.values()) > self._room(study)
        if full or self._unseen * SHARE >= len(self.sizes):
            self._remove_superfluous(study)

    def tidy(self, study: Study) -> None:
        """Look through the whole folder, for what killed drivers and workers have left, too.

        Only while no worker lives.
        """
        for folder in (self._folder.path, self._folder.best):
            for path in folder.glob(".*"):
                _discard(path)
        self.sizes.clear()
        self._changed.clear()
        for trial in study.trials:
            folder = self._folder.trial(trial)
            if checkpoint.traces(folder):
                checkpoint.clear(folder)
                self._weigh(study, trial)
        self._remove_superfluous(study)

    def check_room(self) -> None:
        """Errors: RunFolderError if there is no room for one more checkpoint like the largest."""
        largest, free = max(self.sizes.values(), default=0), self._free(self._folder.path)
        if largest > free:
            raise RunFolderError(
                f"checkpoints of this sweep take up to {size_text(largest)}, and only "
                f"{size_text(free)} are free in {self._folder.path}: make room, then resume"
            )

    def _weigh(self, study: Study, trial: int) -> None:
        """Note the size of a trial's checkpoint, if it does not train; remove its older ones."""
        known, folder = study.trials[trial], self._folder.trial(trial)
        self.sizes.pop(trial, None)
        if known.status in (Status.RUNNING, Status.WAITING):
            return
        size = checkpoint.size(folder, known.saved)
        if size or known.status.ended:
            checkpoint.clear(folder)
            checkpoint.keep_only(folder, {known.saved})
        if size:
            self.sizes[trial] = size

    def _remove_superfluous(self, study: Study) -> None:
        self._unseen = 0
        for trial in superfluous(study, self.sizes, self._room(study)):
            checkpoint.keep_only(self._folder.trial(trial), ())
            del self.sizes[trial]
        self.notice = shortage(study, self.sizes, self._free(self._folder.path))

    def _room(self, study: Study) -> float:
        return room(study, self.sizes, self._free(self._folder.path))


def _discard(path: Path) -> None:
    """Remove a file that was to be put in place by a process which lives no more."""
    writer = ASIDE.fullmatch(path.name)
    if writer and not Path("/proc", writer[1]).exists():
        path.unlink(missing_ok=True)
