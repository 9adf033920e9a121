from __future__ import annotations

from pathlib import Path

from nightsweep.search.notes import note, notes
from nightsweep.search.runfolder import RunFolder


def test_notes_are_read_in_the_order_in_which_they_were_made(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    assert notes(folder) == []
    note(folder, "one start\nwas missed")
    note(folder, "another")
    assert [text[18:] for text in notes(folder)] == ["one start was missed", "another"]


def test_nothing_is_read_or_written_through_a_link(tmp_path: Path) -> None:
    folder, secret = RunFolder(tmp_path / "run"), tmp_path / "secret"
    secret.write_text("a password\n")
    folder.job.mkdir(parents=True)
    (folder.job / "notes.txt").symlink_to(secret)
    assert notes(folder) == []
    other = RunFolder(tmp_path / "other")
    other.path.mkdir()
    other.job.symlink_to(folder.job)
    (folder.job / "notes.txt").unlink()
    note(folder, "mine")
    assert notes(other) == []


def test_of_a_flood_of_notes_the_latest_are_read(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    for number in range(60):
        note(folder, f"number {number}")
    assert len(notes(folder)) == 50
    assert notes(folder)[-1].endswith("number 59")


def test_what_is_no_text_does_no_harm(tmp_path: Path) -> None:
    folder = RunFolder(tmp_path)
    folder.job.mkdir()
    (folder.job / "notes.txt").write_bytes(b"\xff\xfe\x00 what\n")
    assert len(notes(folder)) == 1
    (folder.job / "notes.txt").unlink()
    (folder.job / "notes.txt").mkdir()
    assert notes(folder) == []
