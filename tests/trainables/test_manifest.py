import hashlib
import json
from pathlib import Path

import pytest

from nightsweep.trainables import manifest


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    """A sealed folder with one file."""
    (tmp_path / "data").write_bytes(b"12345")
    manifest.seal(tmp_path)
    return tmp_path


def test_the_manifest_holds_sizes_and_sums_that_other_tools_know(folder: Path) -> None:
    sums = json.loads((folder / ".manifest.json").read_text())
    assert sums == {"data": {"bytes": 5, "sha256": hashlib.sha256(b"12345").hexdigest()}}


def test_a_folder_is_sealed_once_it_has_a_manifest(tmp_path: Path) -> None:
    assert not manifest.sealed(tmp_path)
    manifest.seal(tmp_path)
    assert manifest.sealed(tmp_path)
    assert manifest.damage(tmp_path) == ""


def test_files_that_have_come_since_do_not_matter(folder: Path) -> None:
    (folder / "notes.txt").write_text("mine")
    assert manifest.damage(folder) == ""


@pytest.mark.parametrize("place", range(0, 90, 7))
def test_a_flipped_bit_of_the_manifest_itself_is_noticed(folder: Path, place: int) -> None:
    path = folder / ".manifest.json"
    data = bytearray(path.read_bytes())
    data[place] ^= 1
    path.write_bytes(data)
    assert manifest.damage(folder) or not data[place : place + 1].strip()


@pytest.mark.parametrize(
    "text",
    ["", "[]", "{", '{"data": 5}', '{"data": {"bytes": 5}}', "\0" * 90, "[" * 9000, '{"": {}}'],
)
def test_a_manifest_that_makes_no_sense_is_damage(folder: Path, text: str) -> None:
    (folder / ".manifest.json").write_text(text)
    assert manifest.damage(folder) == "its manifest cannot be read"


@pytest.mark.parametrize("name", ["/dev/zero", "../data", "data/data", "\0", "."])
def test_a_manifest_that_names_something_else_is_damage(folder: Path, name: str) -> None:
    sums = {name: {"bytes": 0, "sha256": hashlib.sha256(b"").hexdigest()}}
    (folder / ".manifest.json").write_text(json.dumps(sums))
    assert manifest.damage(folder)


def test_a_folder_in_the_place_of_a_file_is_damage(folder: Path) -> None:
    (folder / "data").unlink()
    (folder / "data").mkdir()
    assert manifest.damage(folder) == "data is no file"
