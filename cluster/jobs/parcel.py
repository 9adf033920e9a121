"""Results on their way from a cluster: a run folder, without its checkpoints, as lines of text.

`python -m nightsweep.cluster.jobs.parcel RUN` prints them there, as a job of its own; its log is
all that a jobs server gives back. `read` and `put` have them here.
"""

from __future__ import annotations

import base64
import contextlib
import hashlib
import io
import json
import os
import shutil
import sys
import tarfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from ...search.errors import NightsweepError, RunFolderError
from ...search.runfolder import RunFolder
from ...search.units import size_text

LIMIT = 50 * 1000**2  # bytes that go through a log, before packing
UNPACKED = 1000**3  # bytes that are put into a run folder at most
WIDTH = 8190  # characters of a line
FIRST, LAST = "nightsweep parcel", "end of parcel"
THERE = {"driver.lock", "requests", "job"}  # what concerns the driver and its site alone


def write(run: Path) -> Iterator[str]:
    """The lines. Errors: RunFolderError if it is no run, or too large."""
    RunFolder.open(run)
    files = list(_files(run))
    left_out = ""
    if _size(files) > LIMIT:
        left_out = f"best/checkpoint ({size_text(_size(files))} are too much for a job's log)"
        files = [path for path in files if "checkpoint" not in path.relative_to(run).parts[:2]]
    if _size(files) > LIMIT:
        raise RunFolderError(
            f"{run} has {size_text(_size(files))} without checkpoints, and a job's log brings at "
            f"most {size_text(LIMIT)}; copy it from the cluster in another way"
        )
    packed = _pack(run, files)
    head = {"bytes": len(packed), "sha256": _digest(packed), "left_out": left_out}
    yield f"{FIRST} {json.dumps(head)}"
    text = base64.b64encode(packed).decode()
    yield from (text[start : start + WIDTH] for start in range(0, len(text), WIDTH))
    yield LAST


def read(log: str) -> tuple[bytes, str]:
    """What is in those lines, among others; and what was left out, in words. Errors:
    NightsweepError if something is missing."""
    lines = iter(log.splitlines())
    head: dict[str, Any] = {}
    for line in lines:
        if line.startswith(f"{FIRST} {{"):
            head = json.loads(line.removeprefix(FIRST))
            break
    text = []
    for line in lines:
        if line == LAST:
            break
        text.append(line)
    try:
        packed = base64.b64decode("".join(text), validate=True)
    except ValueError:
        packed = b""
    if not head or len(packed) != head["bytes"] or _digest(packed) != head["sha256"]:
        raise NightsweepError("the results did not come whole; fetch them again")
    return packed, head["left_out"]


def put(packed: bytes, run: Path, *, mark: Path) -> int:
    """Put what was read in the place of what is here, the journal last; how many files.

    `mark`: an empty file that says from then on that the run here is a copy.

    Errors: RunFolderError if the run here has gone on by itself, or has no room.
    """
    aside = run / f".fetching-{os.getpid()}"
    try:
        count = _unpack(packed, aside)
        _refuse_older(RunFolder(run).journal, RunFolder(aside).journal)
        mark.parent.mkdir(parents=True, exist_ok=True)
        mark.touch()
        shutil.rmtree(run / "best", ignore_errors=True)
        journal = RunFolder(aside).journal
        for path in sorted(aside.rglob("*"), key=lambda path: path == journal):
            if path.is_file():
                target = run / path.relative_to(aside)
                target.parent.mkdir(parents=True, exist_ok=True)
                os.replace(path, target)
        return count
    except OSError as error:
        why = error.strerror or error
        raise RunFolderError(f"{run} cannot take what was fetched: {why}") from None
    finally:
        shutil.rmtree(aside, ignore_errors=True)


def _files(run: Path) -> Iterator[Path]:
    """What people and reports read: all but the trials' checkpoints. No links."""
    for folder, inner, names in os.walk(run):
        at = Path(folder).relative_to(run)
        if at == Path():
            inner[:] = [name for name in inner if name not in THERE]
        if at.parts[:1] == ("trials",) and len(at.parts) == 2:
            inner[:] = []
        inner[:] = sorted(name for name in inner if not name.startswith("."))
        for name in sorted(set(names) - THERE):
            path = Path(folder, name)
            if not name.startswith(".") and path.is_file() and not path.is_symlink():
                yield path


def _size(files: list[Path]) -> int:
    sizes = []
    for path in files:
        with contextlib.suppress(FileNotFoundError):
            sizes.append(path.stat().st_size)
    return sum(sizes)


def _pack(run: Path, files: list[Path]) -> bytes:
    """A tar file. What a driver replaces or removes meanwhile is taken as it was, or left out."""
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz", compresslevel=6) as archive:
        for path in files:
            with contextlib.suppress(FileNotFoundError), path.open("rb") as file:
                status = os.fstat(file.fileno())
                entry = tarfile.TarInfo(str(path.relative_to(run)))
                entry.size, entry.mtime = status.st_size, status.st_mtime
                archive.addfile(entry, file)
    return out.getvalue()


def _unpack(packed: bytes, folder: Path) -> int:
    with tarfile.open(fileobj=io.BytesIO(packed), mode="r:gz") as archive:
        entries = archive.getmembers()
        if sum(entry.size for entry in entries) > UNPACKED:
            raise RunFolderError(f"the results are more than {size_text(UNPACKED)}; not taken")
        if odd := [entry.name for entry in entries if not entry.isreg()]:
            raise RunFolderError(f"the results hold {odd[0]}, which is no plain file; not taken")
        folder.mkdir(parents=True)
        try:
            archive.extractall(folder, entries, filter="data")
        except tarfile.TarError as error:
            raise RunFolderError(f"the results are not taken: {error}") from None
    return len(entries)


def _refuse_older(here: Path, there: Path) -> None:
    """Errors: RunFolderError unless the journal here is the beginning of the one there."""
    known = here.read_bytes() if here.exists() else b""
    known = known[: known.rfind(b"\n") + 1]  # a line that was cut is not there any more
    if not there.read_bytes().startswith(known):
        raise RunFolderError(
            f"{here.parent} has gone on otherwise than at the cluster; to have both, rename it, "
            f"keep a copy of {here.parent / 'job'} in its place, and fetch again"
        )


def _digest(packed: bytes) -> str:
    return hashlib.sha256(packed).hexdigest()


def main() -> None:
    """Print the run folder that the command line names."""
    try:
        for line in write(Path(sys.argv[1])):
            print(line)
    except NightsweepError as error:
        sys.exit(f"nightsweep: {error}")


if __name__ == "__main__":
    main()
