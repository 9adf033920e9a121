import errno
import os
import shutil
from pathlib import Path

import pytest

from nightsweep.search.errors import RunFolderError, StorageError
from nightsweep.search.patience import lasting, pause, unwritable, words

JOURNAL = Path("runs/a/journal.jsonl")


def error(number: int) -> OSError:
    return OSError(number, os.strerror(number))


def test_the_first_try_comes_soon_and_later_ones_twice_a_minute() -> None:
    assert [pause(tries) for tries in range(1, 8)] == [1, 2, 4, 8, 16, 30, 30]
    assert pause(10**6) == 30


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
def test_a_disk_without_room_is_called_full(number: int) -> None:
    assert words(error(number), JOURNAL) == "the disk of runs/a is full"


def test_a_disk_that_has_taken_a_part_is_called_full() -> None:
    assert words(OSError(errno.ENOSPC, "cut short"), JOURNAL) == "the disk of runs/a is full"


def test_a_disk_without_room_is_called_full_where_several_files_had_none() -> None:
    several = shutil.Error([("a", "b", str(error(errno.ENOSPC)))])
    assert words(several, JOURNAL) == "the disk of runs/a is full"


def test_storage_that_is_away_is_called_by_what_the_system_says() -> None:
    stale = error(errno.ESTALE)
    assert words(stale, JOURNAL) == f"{JOURNAL} cannot be written (Stale file handle)"
    assert words(stale, JOURNAL, "read") == f"{JOURNAL} cannot be read (Stale file handle)"


@pytest.mark.parametrize(
    "number",
    [errno.ENOSPC, errno.EDQUOT, errno.EIO, errno.ESTALE, errno.EROFS, errno.ENOENT, errno.EACCES],
)
def test_what_may_pass_is_waited_for(number: int) -> None:
    assert not lasting(error(number))
    raised = unwritable(JOURNAL, error(number), "; nothing is lost")
    assert isinstance(raised, StorageError)
    assert str(raised) == f"{JOURNAL} cannot be written: {os.strerror(number)}; nothing is lost"
    assert raised.why == words(error(number), JOURNAL)


@pytest.mark.parametrize(
    "number", [errno.EEXIST, errno.ENOTDIR, errno.EISDIR, errno.EFBIG, errno.EMFILE]
)
def test_what_will_not_pass_is_not_waited_for(number: int) -> None:
    assert lasting(error(number))
    assert type(unwritable(JOURNAL, error(number))) is RunFolderError
