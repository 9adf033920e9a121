from __future__ import annotations

import os
from pathlib import Path

import pytest

from nightsweep.cluster.requests import Answer, Inbox, Posted, Request, post
from nightsweep.search.errors import RunFolderError
from nightsweep.search.runfolder import RunFolder


@pytest.fixture
def folder(tmp_path: Path) -> RunFolder:
    return RunFolder.create(tmp_path / "run")


def lying(folder: RunFolder) -> list[str]:
    return sorted(path.name for path in folder.requests.iterdir())


def test_what_is_asked_is_taken_answered_and_gone(folder: RunFolder) -> None:
    posted = post(folder, Request(ask="stop", trial=7))
    assert (posted.stands, posted.answer()) == (True, None)
    (asked,) = Inbox(folder).take()
    assert asked.what == Request(ask="stop", trial=7)
    asked.answer(Answer(said="trial 7 is stopped"))
    assert (posted.stands, posted.answer()) == (False, Answer(said="trial 7 is stopped"))
    assert lying(folder) == []


def test_requests_are_taken_in_their_order_and_each_once(folder: RunFolder) -> None:
    for ask in ("pause", "continue", "stop"):
        post(folder, Request.model_validate({"ask": ask}))
    inbox = Inbox(folder)
    assert [asked.what and asked.what.ask for asked in inbox.take()] == [
        "pause", "continue", "stop",
    ]  # fmt: skip
    assert list(inbox.take()) == []  # though they could not be removed, say


def test_nobody_has_asked_for_anything_at_first(folder: RunFolder) -> None:
    assert list(Inbox(folder).take()) == []
    assert not folder.requests.exists()


def test_one_that_is_withdrawn_is_not_taken(folder: RunFolder) -> None:
    post(folder, Request(ask="pause")).withdraw()
    assert list(Inbox(folder).take()) == []


def test_one_that_goes_while_another_is_being_done_is_not_taken_for_something_unknown(
    folder: RunFolder,
) -> None:
    post(folder, Request(ask="pause"))
    second = post(folder, Request(ask="stop"))
    taken = Inbox(folder).take()
    assert next(taken).what == Request(ask="pause")
    second.withdraw()
    assert list(taken) == []


def test_what_was_asked_of_one_driver_is_not_asked_of_the_next(folder: RunFolder) -> None:
    post(folder, Request(ask="pause"))
    (asked,) = Inbox(folder).take()
    asked.answer(Answer(said="paused"))
    post(folder, Request(ask="stop"))
    Inbox(folder).clear()
    assert list(Inbox(folder).take()) == []
    assert lying(folder) == []


@pytest.mark.parametrize(
    "text",
    [
        "",
        "\0\xff",
        "pause",
        "[]",
        "{}",
        '{"ask": "explode"}',
        '{"ask": "stop", "trial": "7"}',
        '{"ask": "stop", "trial": 0}',
        '{"ask": "pause", "trial": 1}',
        '{"ask": "pause", "then": "rm"}',
        '{"ask": "pause"}' + " " * 5000 + "x",
        "[" * 5000,
    ],
)
def test_what_cannot_be_understood_is_no_request(folder: RunFolder, text: str) -> None:
    folder.requests.mkdir()
    (folder.requests / "1.json").write_text(text)
    (asked,) = Inbox(folder).take()
    assert asked.what is None


def test_only_files_are_read_and_nothing_through_links(folder: RunFolder, tmp_path: Path) -> None:
    folder.requests.mkdir()
    outside = tmp_path / "outside.json"
    outside.write_text('{"ask": "stop"}')
    (folder.requests / "1.json").symlink_to(outside)
    os.mkfifo(folder.requests / "2.json")  # which nobody ever writes to
    (folder.requests / "3.json").mkdir()
    assert [asked.what for asked in Inbox(folder).take()] == [None] * 3


def test_a_folder_that_is_a_link_is_left_alone(folder: RunFolder, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "1.json").write_text('{"ask": "stop"}')
    folder.requests.symlink_to(elsewhere)
    Inbox(folder).clear()
    assert list(Inbox(folder).take()) == []
    assert (elsewhere / "1.json").exists()
    with pytest.raises(RunFolderError, match="is a link; remove it"):
        post(folder, Request(ask="pause"))


def test_other_files_there_are_nobodys_business(folder: RunFolder) -> None:
    folder.requests.mkdir()
    for name in ("notes.txt", ".1.json.77"):
        (folder.requests / name).write_text('{"ask": "stop"}')
    inbox = Inbox(folder)
    inbox.clear()
    assert list(inbox.take()) == []
    assert lying(folder) == [".1.json.77", "notes.txt"]


def test_a_run_folder_that_cannot_be_written_is_told(folder: RunFolder) -> None:
    folder.requests.write_text("in the way")
    with pytest.raises(RunFolderError, match="requests cannot be made"):
        post(folder, Request(ask="pause"))


def test_an_answer_that_is_not_whole_is_none(folder: RunFolder) -> None:
    posted = Posted(folder.path / "1.json")
    (folder.path / "1.answer").write_text('{"said": 7}')
    assert posted.answer() is None
