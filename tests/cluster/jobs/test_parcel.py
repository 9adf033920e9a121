"""A run folder as lines of text and back: what comes, what stays, what is never overwritten."""

from __future__ import annotations

import io
import os
import tarfile
from pathlib import Path

import pytest

from nightsweep.cluster.jobs import parcel
from nightsweep.search.errors import NightsweepError, RunFolderError

LINES = [b'{"event":"opened"}\n', b'{"event":"asked"}\n', b'{"event":"closed"}\n']


def run_folder(path: Path, events: int = 3) -> Path:
    """A run with one trial, as the driver there leaves it."""
    files = {
        "journal.jsonl": b"".join(LINES[:events]),
        "sweep.json": b'{"format": 2}',
        "sweep.yaml": b"name: fit\n",
        "trials.csv": b"trial\n1\n",
        "trials/1/log.txt": b"epoch 1\n",
        "trials/1/epoch-3/state.pt": b"weights",
        "best/best.json": b"{}",
        "best/checkpoint/state.pt": b"weights",
        "driver.lock": b"there 1",
        "requests/1.json": b"{}",
        "job/job.json": b"{}",
        ".probe-old.7": b"old",
    }
    for name, content in files.items():
        (path / name).parent.mkdir(parents=True, exist_ok=True)
        (path / name).write_bytes(content)
    return path


def files(path: Path) -> set[str]:
    return {str(one.relative_to(path)) for one in path.rglob("*") if one.is_file()}


def put(packed: bytes, here: Path) -> int:
    return parcel.put(packed, here, mark=here / "job" / "fetched")


def fetched(there: Path, here: Path) -> int:
    """As a job's log brings it: with other lines around."""
    log = "\n".join(["Runtime env is setting up.", *parcel.write(there), "bye"])
    return put(parcel.read(log)[0], here)


def test_all_that_people_read_comes_and_checkpoints_of_trials_stay(tmp_path: Path) -> None:
    there, here = run_folder(tmp_path / "there"), tmp_path / "here"
    here.mkdir()
    assert fetched(there, here) == 7
    assert files(here) == {
        "journal.jsonl", "sweep.json", "sweep.yaml", "trials.csv", "trials/1/log.txt",
        "best/best.json", "best/checkpoint/state.pt", "job/fetched",
    }  # fmt: skip
    assert (here / "journal.jsonl").read_bytes() == b"".join(LINES)


def test_a_second_fetch_brings_what_is_new_and_takes_an_old_best_away(tmp_path: Path) -> None:
    there, here = run_folder(tmp_path / "there", events=2), tmp_path / "here"
    here.mkdir()
    fetched(there, here)
    run_folder(there, events=3)
    (there / "best" / "checkpoint" / "state.pt").rename(there / "best" / "checkpoint" / "new.pt")
    fetched(there, here)
    assert (here / "journal.jsonl").read_bytes() == b"".join(LINES)
    assert files(here / "best") == {"best.json", "checkpoint/new.pt"}


def test_a_run_that_has_gone_on_here_is_not_overwritten(tmp_path: Path) -> None:
    there, here = run_folder(tmp_path / "there", events=2), run_folder(tmp_path / "here", events=3)
    before = files(here)
    with pytest.raises(RunFolderError, match="has gone on otherwise than at the cluster"):
        fetched(there, here)
    assert files(here) == before
    assert (here / "journal.jsonl").read_bytes() == b"".join(LINES)


def test_a_line_that_was_fetched_half_is_no_progress_of_its_own(tmp_path: Path) -> None:
    there, here = run_folder(tmp_path / "there"), run_folder(tmp_path / "here", events=2)
    with (here / "journal.jsonl").open("ab") as journal:
        journal.write(b'{"event":"aske')
    fetched(there, here)
    assert (here / "journal.jsonl").read_bytes() == b"".join(LINES)


def test_links_do_not_travel(tmp_path: Path) -> None:
    there, here = run_folder(tmp_path / "there"), tmp_path / "here"
    here.mkdir()
    (tmp_path / "secret").write_text("secret")
    (there / "notes.txt").symlink_to(tmp_path / "secret")
    (there / "more").symlink_to(tmp_path)
    fetched(there, here)
    assert not {name for name in files(here) if name.startswith(("notes", "more"))}


@pytest.mark.parametrize("cut", [1, 2])
def test_a_log_that_is_cut_is_not_taken(tmp_path: Path, cut: int) -> None:
    lines = list(parcel.write(run_folder(tmp_path / "there")))
    with pytest.raises(NightsweepError, match="did not come whole; fetch them again"):
        parcel.read("\n".join([*lines[:cut], lines[-1]]) if cut == 1 else "\n".join(lines)[:-200])


def test_a_best_checkpoint_too_large_for_a_log_is_left_out_and_said(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    there = run_folder(tmp_path / "there")
    (there / "best" / "checkpoint" / "state.pt").write_bytes(b"0" * 2000)
    monkeypatch.setattr(parcel, "LIMIT", 1000)
    packed, left_out = parcel.read("\n".join(parcel.write(there)))
    assert left_out.startswith("best/checkpoint (2.")
    (tmp_path / "here").mkdir()
    put(packed, tmp_path / "here")
    assert "best/best.json" in files(tmp_path / "here")
    assert not (tmp_path / "here" / "best" / "checkpoint").exists()


def test_tables_too_large_for_a_log_are_refused(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel, "LIMIT", 10)
    with pytest.raises(RunFolderError, match="copy it from the cluster in another way"):
        list(parcel.write(run_folder(tmp_path / "there")))


def test_a_run_folder_that_has_gone_is_made_again(tmp_path: Path) -> None:
    fetched(run_folder(tmp_path / "there"), tmp_path / "here")
    assert "journal.jsonl" in files(tmp_path / "here")


def test_a_run_folder_that_cannot_be_written_is_said(tmp_path: Path) -> None:
    (tmp_path / "here").write_text("a file")
    with pytest.raises(RunFolderError, match="cannot take what was fetched: Not a directory"):
        fetched(run_folder(tmp_path / "there"), tmp_path / "here")


def test_where_nothing_has_begun_there_is_nothing_to_send(tmp_path: Path) -> None:
    with pytest.raises(RunFolderError, match="is not a folder"):
        list(parcel.write(tmp_path / "there"))


def packed(*entries: tuple[tarfile.TarInfo, bytes]) -> bytes:
    out = io.BytesIO()
    with tarfile.open(fileobj=out, mode="w:gz") as archive:
        for entry, content in entries:
            entry.size = len(content)
            archive.addfile(entry, io.BytesIO(content))
    return out.getvalue()


def test_nothing_is_put_outside_the_run_folder(tmp_path: Path) -> None:
    here = tmp_path / "here"
    here.mkdir()
    with pytest.raises(RunFolderError, match="not taken"):
        put(packed((tarfile.TarInfo("../outside"), b"x")), here)
    assert files(tmp_path) == set()


def test_a_link_in_what_was_fetched_is_not_taken(tmp_path: Path) -> None:
    link = tarfile.TarInfo("journal.jsonl")
    link.type, link.linkname = tarfile.SYMTYPE, "/etc/passwd"
    with pytest.raises(RunFolderError, match=r"journal\.jsonl, which is no plain file"):
        put(packed((link, b"")), tmp_path)
    assert os.listdir(tmp_path) == []


def test_more_than_a_run_folder_should_hold_is_not_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(parcel, "UNPACKED", 5)
    with pytest.raises(RunFolderError, match="more than 5 bytes"):
        put(packed((tarfile.TarInfo("trials.csv"), b"123456")), tmp_path)


def test_what_is_replaced_while_it_is_packed_is_taken_whole(tmp_path: Path) -> None:
    there, here = run_folder(tmp_path / "there"), tmp_path / "here"
    here.mkdir()
    lines = parcel.write(there)
    first = next(lines)  # all is packed by now
    (there / "trials.csv").unlink()
    put(parcel.read("\n".join([first, *lines]))[0], here)
    assert (here / "trials.csv").read_bytes() == b"trial\n1\n"
