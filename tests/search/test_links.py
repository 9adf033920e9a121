from collections.abc import Callable
from pathlib import Path

import pytest

from nightsweep.search import Sweep
from nightsweep.search.errors import RunFolderError
from nightsweep.search.links import refuse_links
from nightsweep.search.runfolder import RunFolder


@pytest.fixture
def folder(new_run: Callable[[Sweep], RunFolder], toy_sweep: Sweep) -> RunFolder:
    folder = new_run(toy_sweep)
    (folder.best / "checkpoint").mkdir(parents=True)
    folder.trial(1).mkdir()
    return folder


def test_a_run_folder_without_links_is_fine(folder: RunFolder) -> None:
    refuse_links(folder)


def test_one_that_is_reached_by_a_link_is_fine(folder: RunFolder, tmp_path: Path) -> None:
    (tmp_path / "latest").symlink_to(folder.path)
    refuse_links(RunFolder.open(tmp_path / "latest"))


@pytest.mark.parametrize(
    "name",
    ["journal.jsonl", "driver.lock", "trials.csv", "best", "best/best.json", "best/checkpoint",
     "trials", "trials/1"],
)  # fmt: skip
def test_a_link_in_it_is_refused(folder: RunFolder, tmp_path: Path, name: str) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    path = folder.path / name
    if path.exists():
        path.rename(tmp_path / "aside")
    path.symlink_to(elsewhere)
    with pytest.raises(RunFolderError) as refused:
        refuse_links(folder)
    assert str(refused.value).startswith(f"{path} is a link to {elsewhere}; nothing is written")


def test_a_link_that_leads_nowhere_is_refused_too(folder: RunFolder, tmp_path: Path) -> None:
    (folder.path / "trials.csv").symlink_to(tmp_path / "not there")
    with pytest.raises(RunFolderError, match=r"trials\.csv is a link"):
        refuse_links(folder)
