"""What the files of a folder were when they were written: their sizes and SHA-256 sums.

With it a reader knows that nothing was cut, flipped or lost since. `sha256sum` can check it too.
"""

from __future__ import annotations

import hashlib
import json
import os
import stat
from collections.abc import Iterator
from pathlib import Path
from typing import Any

NAME = ".manifest.json"


def seal(folder: Path) -> None:
    """Write the manifest; it and all files are on the disk when this returns. Errors: OSError."""
    sums: dict[str, Any] = {}
    for path in _files(folder):
        sums[path.relative_to(folder).as_posix()] = {
            "bytes": path.stat().st_size,
            "sha256": _sum(path),
        }
        sync(path)
    manifest = folder / NAME
    manifest.write_text(json.dumps(sums, indent=2) + "\n", encoding="utf-8")
    sync(manifest)
    for path in (folder, *folder.rglob("*")):
        if path.is_dir():
            sync(path)


def sealed(folder: Path) -> bool:
    """Whether there is a manifest; checkpoints of nightsweep 0.1 had none."""
    return (folder / NAME).exists()


def damage(folder: Path) -> str:
    """What is no longer as it was sealed: `state.pt is gone`; empty if all is as it was.

    Files beside those of the manifest do not matter. Errors: OSError while they cannot be read.
    """
    try:
        sums = json.loads((folder / NAME).read_bytes())
        for name, sealed in sums.items():
            if wrong := _wrong(folder / name, sealed["bytes"], sealed["sha256"]):
                return f"{name} {wrong}"
    except (ValueError, LookupError, TypeError, AttributeError, RecursionError, IsADirectoryError):
        return "its manifest cannot be read"
    return ""


def sync(path: Path) -> None:
    """Make a file, or a rename in a folder, last: after a power cut, too. Errors: OSError."""
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _wrong(path: Path, size: int, digest: str) -> str:
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return "is gone"
    if not stat.S_ISREG(found.st_mode):
        return "is no file"
    if found.st_size != size:
        return f"has {found.st_size} bytes instead of {size}"
    return "" if _sum(path) == digest else "is not what was written"


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.is_file() and path.name != NAME)


def _sum(path: Path) -> str:
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
