"""What a run folder may lie on: a mounted file system that keeps what it was given."""

from __future__ import annotations

import contextlib
import errno
import os
import re
from collections.abc import Callable
from pathlib import Path

from .errors import RunFolderError

# `s3://bucket/x` has become `s3:/bucket/x` by the time that it is a Path.
_ADDRESS = re.compile(r"(?:^|/)([A-Za-z][A-Za-z0-9+.-]+):(?:/(.*))?$")


def refuse_address(path: Path) -> None:
    """Errors: RunFolderError if this is the address of an object store or a server."""
    found = _ADDRESS.search(str(path))
    if found and not path.exists():
        raise RunFolderError(
            f"{found[1]}://{found[2] or ''} is an address, but a run folder must lie on a mounted "
            "file system; name a folder there (a local disk, NFS), and copy it when the sweep is "
            "done"
        )


def probe(folder: Path) -> None:
    """Try with two tiny files what keeping a run in a folder needs.

    Errors: RunFolderError, naming what does not work there.
    """
    old, new = (folder / f".probe-{name}.{os.getpid()}" for name in ("old", "new"))
    steps: dict[str, Callable[[], object]] = {
        "writing": lambda: old.write_bytes(b"old"),
        "appending": lambda: _append(new),
        "renaming": lambda: os.replace(new, old),
        "fsync of a folder": lambda: sync_folder(folder),
        "reading back": lambda: _expect(old, b"new"),
        "removing": old.unlink,
    }
    try:
        for what, step in steps.items():
            try:
                step()
            except OSError as error:
                raise RunFolderError(
                    f"{folder} cannot hold a run: {what} does not work there ({error.strerror}); "
                    "make room, or name a folder on another disk or mounted file system"
                ) from None
    finally:
        for path in (old, new):
            with contextlib.suppress(OSError):
                path.unlink()


def sync_folder(folder: Path) -> None:
    """Have the names in a folder on the disk, where its file system can do that."""
    file = os.open(folder, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(file)
    except OSError as error:
        if error.errno not in (errno.EINVAL, errno.ENOTSUP, errno.EBADF):
            raise
    finally:
        os.close(file)


def _append(path: Path) -> None:
    """Write as the journal does: append, have it on the disk, cut, append again."""
    file = os.open(path, os.O_RDWR | os.O_CREAT | os.O_APPEND, 0o644)
    try:
        for text in (b"cut", b"new"):
            os.ftruncate(file, 0)
            os.write(file, text)
            os.fdatasync(file)
    finally:
        os.close(file)


def _expect(path: Path, text: bytes) -> None:
    found = path.read_bytes()
    if found != text:
        raise OSError(None, f"{text!r} was written, {found!r} is there")
