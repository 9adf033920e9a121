from __future__ import annotations

import errno
import json
import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from nightsweep.search import Sweep
from nightsweep.search.errors import RunFolderError
from nightsweep.search.runfolder import RunFolder, write_whole

NewRun = Callable[[Sweep], RunFolder]


@pytest.fixture
def run(new_run: NewRun, toy_sweep: Sweep) -> RunFolder:
    return new_run(toy_sweep)


def put_header(run: RunFolder, header: object) -> None:
    run.resolved.write_text(json.dumps(header))


def test_a_new_run_folder_has_a_place_for_trials(tmp_path: Path) -> None:
    folder = RunFolder.create(tmp_path / "runs" / "toy")
    assert folder.path == tmp_path / "runs" / "toy"
    assert [path.name for path in folder.path.iterdir()] == ["trials"]


def test_an_empty_folder_may_become_a_run_folder(tmp_path: Path) -> None:
    assert RunFolder.create(tmp_path).trials.is_dir()


def test_a_run_folder_is_not_made_twice(run: RunFolder) -> None:
    with pytest.raises(RunFolderError) as caught:
        RunFolder.create(run.path)
    assert str(caught.value) == (
        f"{run.path} holds a run already; go on with it by `nightsweep resume {run.path}`, or "
        "name another folder"
    )


def test_a_folder_with_other_things_in_it_is_refused(tmp_path: Path) -> None:
    (tmp_path / "thesis.tex").touch()
    message = f"{tmp_path} exists and is not empty; name another folder"
    with pytest.raises(RunFolderError, match=f"^{message}$"):
        RunFolder.create(tmp_path)
    assert [path.name for path in tmp_path.iterdir()] == ["thesis.tex"]


def test_ones_own_sweep_file_is_no_run_that_never_began(tmp_path: Path) -> None:
    (tmp_path / "sweep.yaml").write_text("mine")
    with pytest.raises(RunFolderError, match="exists and is not empty"):
        RunFolder.create(tmp_path)
    assert (tmp_path / "sweep.yaml").read_text() == "mine"


def test_what_a_job_brought_is_no_run_and_stays(tmp_path: Path) -> None:
    (tmp_path / "job").mkdir()
    (tmp_path / "job/job.json").write_text("{}")
    folder = RunFolder.create(tmp_path)
    (tmp_path / "sweep.json").write_text("{}")
    (tmp_path / "link").symlink_to(tmp_path / "job")
    folder.discard()
    assert [path.name for path in tmp_path.iterdir()] == ["job"]
    assert (tmp_path / "job/job.json").exists()


def test_a_driver_that_was_killed_as_it_began_is_in_nobodys_way(tmp_path: Path) -> None:
    (tmp_path / "trials").mkdir()
    for name in ("driver.lock", "sweep.json", "sweep.yaml", ".sweep.json.4242"):
        (tmp_path / name).touch()
    RunFolder.create(tmp_path)
    (tmp_path / "trials/1").mkdir()  # something was trained
    with pytest.raises(RunFolderError, match="exists and is not empty"):
        RunFolder.create(tmp_path)


def test_a_file_is_refused_as_a_run_folder(tmp_path: Path) -> None:
    path = tmp_path / "run"
    path.touch()
    with pytest.raises(RunFolderError, match=r"exists and is not empty"):
        RunFolder.create(path)
    with pytest.raises(RunFolderError, match=r"is not a folder; name the folder of a run$"):
        RunFolder.open(path)


def test_a_folder_below_a_file_cannot_be_made(tmp_path: Path) -> None:
    (tmp_path / "file").touch()
    with pytest.raises(RunFolderError, match=r"cannot be made: Not a directory$"):
        RunFolder.create(tmp_path / "file" / "run")


def test_every_file_has_its_place(run: RunFolder) -> None:
    paths = [run.journal, run.lock, run.resolved, run.trial(7), run.table("trials", "csv")]
    assert [str(path.relative_to(run.path)) for path in [*paths, run.best]] == [
        "journal.jsonl",
        "driver.lock",
        "sweep.json",
        "trials/7",
        "trials.csv",
        "best",
    ]


def test_the_paths_of_a_run_do_not_depend_on_where_one_stands(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert RunFolder.create(Path("run")).journal == tmp_path / "run" / "journal.jsonl"


def test_an_opened_run_holds_its_sweep(run: RunFolder, toy_sweep: Sweep) -> None:
    assert RunFolder.open(run.path).sweep() == toy_sweep


@pytest.mark.parametrize("missing", ["journal.jsonl", "sweep.json"])
def test_a_folder_without_a_journal_or_a_sweep_is_no_run(run: RunFolder, missing: str) -> None:
    (run.path / missing).unlink()
    message = f"{run.path} is not a run folder: it holds no journal.jsonl and sweep.json"
    with pytest.raises(RunFolderError, match=f"^{message}$"):
        RunFolder.open(run.path)


@pytest.mark.parametrize("version", [3, "1.5", None])
def test_a_run_of_a_newer_version_is_refused(run: RunFolder, version: Any) -> None:
    put_header(run, {"format": version})
    with pytest.raises(RunFolderError) as caught:
        RunFolder.open(run.path)
    assert str(caught.value) == (
        f"{run.path} was written by a newer nightsweep (format {version}, this one reads 2); "
        "upgrade to read it"
    )


def test_a_run_of_an_older_version_is_opened(run: RunFolder) -> None:
    put_header(run, run.header() | {"format": 1})
    assert RunFolder.open(run.path) == run


@pytest.mark.parametrize(
    ("given", "named"),
    [
        (Path("s3://bucket/sweeps/x"), "s3://bucket/sweeps/x"),
        (Path("s3:/bucket/x"), "s3://bucket/x"),
        (Path("gs://bucket"), "gs://bucket"),
        (Path("/home/me") / "hdfs://namenode/x", "hdfs://namenode/x"),
    ],
)
def test_an_address_is_no_place_for_a_run(given: Path, named: str) -> None:
    for use in (RunFolder.create, RunFolder.open):
        with pytest.raises(RunFolderError) as caught:
            use(given)
        assert str(caught.value) == (
            f"{named} is an address, but a run folder must lie on a mounted file system; name a "
            "folder there (a local disk, NFS), and copy it when the sweep is done"
        )


def test_a_colon_in_a_name_makes_no_address(tmp_path: Path) -> None:
    assert RunFolder.create(tmp_path / "lr:0.1" / "x").trials.is_dir()


def test_a_folder_where_a_run_cannot_be_kept_is_not_made(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fail(file: int) -> None:
        raise OSError(errno.EINVAL, "Invalid argument")

    monkeypatch.setattr(os, "fdatasync", fail)
    with pytest.raises(RunFolderError, match=r"cannot hold a run: appending does not work there"):
        RunFolder.create(tmp_path / "run")
    assert list(tmp_path.iterdir()) == []


def test_a_torn_sweep_is_refused(run: RunFolder) -> None:
    run.resolved.write_text('{"format": 1, "swe')
    with pytest.raises(RunFolderError, match=r"sweep.json cannot be read: Unterminated string"):
        RunFolder.open(run.path)


@pytest.mark.parametrize(
    "sweep", [[1], {"metric": "a"}, {"metric": "a", "parameters": {"x": 1}, "trials": 0}]
)
def test_a_wrong_sweep_is_refused(run: RunFolder, sweep: Any) -> None:
    put_header(run, {"format": 1, "sweep": sweep})
    with pytest.raises(RunFolderError, match=r"sweep.json does not hold a sweep: "):
        RunFolder.open(run.path).sweep()


def test_a_header_that_is_no_mapping_is_refused(run: RunFolder) -> None:
    put_header(run, [1, 2])
    with pytest.raises(RunFolderError, match=r"sweep.json does not hold a sweep$"):
        RunFolder.open(run.path)


def test_the_old_file_is_seen_until_the_new_one_is_whole(tmp_path: Path) -> None:
    path, seen = tmp_path / "trials.csv", []
    path.write_text("old")

    def write(aside: Path) -> None:
        aside.write_text("ne")
        seen.append(path.read_text())
        aside.write_text("new")

    write_whole(path, write)
    assert (seen, path.read_text()) == (["old"], "new")
    assert [found.name for found in tmp_path.iterdir()] == ["trials.csv"]


def test_where_the_disk_is_full_the_old_file_stays(tmp_path: Path) -> None:
    path = tmp_path / "trials.csv"
    path.write_text("old")

    def write(aside: Path) -> None:
        aside.write_text("ne")
        with open("/dev/full", "w") as full:  # Linux answers as a full disk does
            full.write("new")

    with pytest.raises(RunFolderError) as caught:
        write_whole(path, write)
    assert str(caught.value) == f"{path} cannot be written: No space left on device"
    assert [(found.name, found.read_text()) for found in tmp_path.iterdir()] == [
        ("trials.csv", "old")
    ]


def test_where_writing_raises_nothing_is_left_aside(tmp_path: Path) -> None:
    def write(aside: Path) -> None:
        aside.write_text("ne")
        raise ValueError("cannot be a table")

    with pytest.raises(ValueError, match=r"cannot be a table"):
        write_whole(tmp_path / "trials.csv", write)
    assert list(tmp_path.iterdir()) == []
