from __future__ import annotations

import errno
import os
from pathlib import Path
from typing import Any

import pytest

from nightsweep.search.errors import RunFolderError
from nightsweep.search.storage import probe, sync_folder


def test_a_folder_on_a_disk_passes_and_nothing_is_left_in_it(tmp_path: Path) -> None:
    probe(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_a_folder_that_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError) as caught:
        probe(tmp_path / "gone")
    assert str(caught.value) == (
        f"{tmp_path / 'gone'} cannot hold a run: writing does not work there (No such file or "
        "directory); make room, or name a folder on another disk or mounted file system"
    )


@pytest.mark.parametrize(
    ("call", "what"),
    [
        ("ftruncate", "appending"),
        ("fdatasync", "appending"),
        ("replace", "renaming"),
        ("fsync", "fsync of a folder"),
    ],
)
def test_what_storage_cannot_do_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, call: str, what: str
) -> None:
    def fail(*given: Any) -> None:
        raise OSError(errno.EIO, "Input/output error")

    monkeypatch.setattr(os, call, fail)
    with pytest.raises(RunFolderError, match=rf"cannot hold a run: {what} does not work there \("):
        probe(tmp_path)
    assert list(tmp_path.iterdir()) == []


def test_storage_that_does_not_keep_what_was_written_is_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(os, "write", lambda file, text: len(text))
    with pytest.raises(
        RunFolderError, match=r"reading back .* \(b'new' was written, b'' is there"
    ):
        probe(tmp_path)


def test_a_file_system_that_cannot_sync_folders_does_without(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fsync", fail)
    sync_folder(tmp_path)
