"""Links in a run folder: they could have a driver write, or delete, somewhere else."""

from __future__ import annotations

import os
from pathlib import Path

from .errors import RunFolderError
from .runfolder import RunFolder


def refuse_links(folder: RunFolder) -> None:
    """Check a run folder before it is written to; itself, and what is above it, may be links.

    Looks at the folder, `best/`, and the names in `trials/`. Errors: RunFolderError.
    """
    for place in (folder.path, folder.best, folder.trials):
        if place.is_dir():
            _refuse(place)


def _refuse(place: Path) -> None:
    with os.scandir(place) as entries:
        link = next((entry.path for entry in entries if entry.is_symlink()), None)
    if link is not None:
        raise RunFolderError(
            f"{link} is a link to {os.readlink(link)}; nothing is written through links in a run "
            "folder: put the file or folder itself there (the run folder as a whole may be a link)"
        )
