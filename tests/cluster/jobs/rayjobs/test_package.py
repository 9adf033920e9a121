"""Packages of code: named by their content, whole, and without what stays at home."""

from __future__ import annotations

import io
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from nightsweep.cluster.jobs.rayjobs.package import Package, ourselves, project
from nightsweep.search.errors import NightsweepError


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    folder = tmp_path / "project"
    folder.mkdir()
    (folder / "sweep.yaml").write_text("name: fit\n")
    (folder / "fit.py").write_text("def train(config, trial): ...\n")
    return folder


def sent(folder: Path) -> Package:
    return project(folder, folder / "runs" / "fit-1")


def test_the_same_files_are_the_same_package_whenever_they_were_written(folder: Path) -> None:
    before = sent(folder)
    (folder / "fit.py").touch()
    assert sent(folder).uri == before.uri
    assert before.uri == f"gcs://_ray_pkg_{before.digest}.zip"


@pytest.mark.parametrize("edit", ["content", "name", "mode"])
def test_other_files_are_another_package(folder: Path, edit: str) -> None:
    before = sent(folder)
    match edit:
        case "content":
            (folder / "fit.py").write_text("def train(config, trial): pass\n")
        case "name":
            (folder / "fit.py").rename(folder / "fitting.py")
        case "mode":
            (folder / "fit.py").chmod(0o755)
    assert sent(folder).uri != before.uri


def test_what_is_ignored_stays_here(folder: Path) -> None:
    (folder / ".gitignore").write_text("*.ckpt\n")
    (folder / "best.ckpt").write_bytes(b"0" * 100)
    (folder / ".git").mkdir()
    (folder / ".git" / "config").write_text("")
    run = folder / "runs" / "fit-1"
    run.mkdir(parents=True)
    (run / "journal.jsonl").write_text("")
    assert sent(folder).names == {"sweep.yaml", "fit.py", ".gitignore"}


def test_files_come_out_as_they_went_in(folder: Path, tmp_path: Path) -> None:
    (folder / "inner").mkdir()
    (folder / "inner" / "run.sh").write_text("#!/bin/sh\n")
    with zipfile.ZipFile(io.BytesIO(sent(folder).data)) as archive:
        archive.extractall(tmp_path / "there")
    assert (tmp_path / "there" / "inner" / "run.sh").read_text() == "#!/bin/sh\n"
    assert (tmp_path / "there" / "sweep.yaml").read_text() == "name: fit\n"


def test_a_folder_that_is_too_large_is_refused_before_anything_of_it_is_read(folder: Path) -> None:
    with (folder / "images.bin").open("wb") as file:
        file.truncate(101 * 10**6)
    with pytest.raises(NightsweepError, match=r"too large.*images\.bin 101 MB"):
        sent(folder)


def test_a_file_that_cannot_be_read_is_named(
    folder: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(path: Path) -> bytes:
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(Path, "read_bytes", refuse)
    with pytest.raises(NightsweepError, match=r"cannot be read, to be sent: Permission denied"):
        sent(folder)


def test_nightsweep_travels_whole_and_knows_its_version(tmp_path: Path) -> None:
    package = ourselves()
    with zipfile.ZipFile(io.BytesIO(package.data)) as archive:
        archive.extractall(tmp_path)
    code = (
        "import nightsweep.cluster.cli;"
        "from importlib.metadata import version; print(nightsweep.__file__, version('nightsweep'))"
    )
    done = subprocess.run(
        [sys.executable, "-c", code],
        env={"PYTHONPATH": str(tmp_path), "PATH": ""},
        cwd="/",
        capture_output=True,
        text=True,
        check=True,
    )
    where, number = done.stdout.split()
    assert where == str(tmp_path / "nightsweep" / "__init__.py")
    assert package.what == f"nightsweep {number}"
    assert not any("__pycache__" in name for name in package.names)
    assert "nightsweep/cluster/starter/sweep.yaml" in package.names
