from __future__ import annotations

import contextlib
import errno
import json
import os
import resource
import subprocess
import sys
import textwrap
from collections.abc import Callable
from itertools import count
from pathlib import Path
from zlib import crc32

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.errors import JournalError, LockedError, RunFolderError, StorageError
from nightsweep.search.events import Asked, Event, Failed, Finished, Reported
from nightsweep.search.journal import UNSYNCED, Entry, Journal, read

EVENTS: list[Event] = [
    Asked(trial=1, epoch=0, reason="random", config={"lr": 0.1, "note": "größer"}),
    Reported(trial=1, epoch=1, metrics={"val_loss": float("nan")}, seconds=0.25),
    Reported(trial=1, epoch=3, metrics={"val_loss": 0.5}, decision="pause", reason="rung 3"),
    Failed(trial=1, reason="raised ValueError", traceback="line 1\nline 2"),
    Asked(trial=2, epoch=0, reason="random", config={"lr": 0.2}),
]


def clock(start: float = 1700000000.0) -> Callable[[], float]:
    """A clock that goes on by a second each time it is read."""
    ticks = count()
    return lambda: start + next(ticks)


def written(path: Path, events: list[Event] = EVENTS) -> bytes:
    journal = Journal(path, clock())
    for event in events:
        journal.append(event)
    journal.close()
    return path.read_bytes()


def shown(path: Path) -> list[str]:
    """What a journal holds; as text, since NaN equals nothing."""
    return [repr(entry.event) for entry in read(path)]


def sealed(line: str) -> bytes:
    """What a line's checksum is of."""
    return line.partition(',"crc":')[0].encode()


def rewritten(path: Path, change: Callable[[list[bytes]], list[bytes]]) -> None:
    """Write a journal, and change its lines."""
    path.write_bytes(b"".join(change(written(path).splitlines(keepends=True))))


@pytest.fixture
def synced(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The names of files and folders that were synced; all are."""
    names: list[str] = []

    def note(file: int, really: Callable[[int], None] = os.fsync) -> None:
        names.append(Path(os.readlink(f"/proc/self/fd/{file}")).name)
        really(file)

    monkeypatch.setattr(os, "fsync", note)
    monkeypatch.setattr(os, "fdatasync", note)
    return names


ALL = [repr(event) for event in EVENTS]
REPORT = EVENTS[1]  # it decides nothing
OLD = b"""\
{"time":1,"event":"asked","trial":1,"epoch":0,"reason":"random","config":{"lr":0.1}}
{"time":2,"event":"finished","trial":1,"reason":"returned after 3 of 9 epochs"}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "journal.jsonl"


def test_what_is_written_is_read_again_with_its_time(path: Path) -> None:
    written(path)
    assert shown(path) == ALL
    assert [entry.time for entry in read(path)] == [1700000000.0 + i for i in range(5)]


def test_every_line_is_one_json_object(path: Path) -> None:
    lines = written(path).decode().splitlines()
    assert len(lines) == len(EVENTS)
    assert json.loads(lines[1]) == {
        "time": 1700000001.0,
        "event": "reported",
        "trial": 1,
        "epoch": 1,
        "metrics": {"val_loss": "nan"},
        "seconds": 0.25,
        "checkpoint": False,
        "decision": "continue",
        "crc": f"{crc32(sealed(lines[0]) + sealed(lines[1])):08x}",
    }


def test_append_tells_what_it_wrote(path: Path) -> None:
    entry = Journal(path, lambda: 12.34567).append(EVENTS[0])
    assert entry == Entry(12.346, EVENTS[0]) == next(read(path))


def test_a_journal_that_is_opened_again_is_added_to(path: Path) -> None:
    before = written(path, EVENTS[:2])
    after = written(path, EVENTS[2:])
    assert after.startswith(before)
    assert shown(path) == ALL


def test_an_entry_can_be_read_while_the_journal_is_open(path: Path) -> None:
    journal = Journal(path, clock())
    journal.append(EVENTS[0])
    assert shown(path) == ALL[:1]
    journal.append(EVENTS[1])
    assert shown(path) == ALL[:2]
    journal.close()


def test_closing_twice_does_no_harm(path: Path) -> None:
    journal = Journal(path, clock())
    journal.close()
    journal.close()


def test_an_empty_journal_holds_nothing(path: Path) -> None:
    assert written(path, []) == b""
    assert list(read(path)) == []


@given(cut=st.integers(0, 10_000))
def test_cut_anywhere_a_journal_still_holds_whole_events_from_its_start(
    tmp_path_factory: pytest.TempPathFactory, cut: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    whole = written(path)
    cut %= len(whole) + 1
    path.write_bytes(whole[:cut])
    kept = whole[:cut].count(b"\n")
    assert shown(path) == ALL[:kept]
    written(path, [Finished(trial=2, reason="returned")])
    assert shown(path) == [*ALL[:kept], repr(Finished(trial=2, reason="returned"))]


def test_a_cut_line_is_dropped_even_if_it_is_longer_than_a_block(path: Path) -> None:
    whole = written(path, EVENTS[:1])
    path.write_bytes(whole + b'{"time":' + b"1" * 200_000)
    written(path, EVENTS[1:2])
    assert shown(path) == ALL[:2]


def test_a_cut_line_is_dropped_from_a_long_journal(path: Path) -> None:
    long = Failed(trial=1, reason="raised", traceback="x" * 100_000)
    whole = written(path, [long, EVENTS[0]])
    path.write_bytes(whole + b'{"time":17')
    assert written(path, []) == whole


def test_reading_leaves_a_cut_line_alone(path: Path) -> None:
    whole = written(path)
    path.write_bytes(whole[:-5])
    list(read(path))
    assert path.read_bytes() == whole[:-5]


@pytest.mark.parametrize(
    ("line", "why"),
    [
        (b"{oops\n", "JSON is malformed"),
        (b"\xff\xfe\n", "JSON is malformed"),
        (b"[1, 2]\n", "Expected `object`, got `array`"),
        (b"[" * 100_000 + b"\n", "Expected `object`, got `array`"),
        (b'{"time": 1, "x": ' + b"[" * 100_000 + b"\n", "recursion"),
        (b'{"event": "finished", "trial": 1, "reason": "x"}\n', "its time is None"),
        (b'{"time": "1", "event": "finished", "trial": 1, "reason": "x"}\n', "its time is '1'"),
        (b'{"time": 1, "event": "finished", "trial": "1", "reason": "x"}\n', "got `str`"),
        (b'{"time": 1, "event": "exploded"}\n', "unknown event 'exploded'"),
        (b'{"time": 1, "event": "finished", "trial": 1}\n', "finished event is not whole"),
    ],
)
def test_a_line_that_is_none_is_an_error_with_its_number(
    path: Path, line: bytes, why: str
) -> None:
    path.write_bytes(OLD + line)
    with pytest.raises(JournalError) as caught:
        list(read(path))
    message = str(caught.value)
    assert message.startswith(f"{path}:3: not a line of a journal (")
    assert message.endswith(
        "); put a copy of the file back, or keep the 2 lines before it (head -n 2), which are "
        "whole, and resume"
    )
    assert why in message


def test_the_lines_before_a_wrong_one_can_be_read(path: Path) -> None:
    path.write_bytes(written(path) + b"oops\n")
    entries = read(path)
    assert [repr(next(entries).event) for _ in EVENTS] == ALL
    with pytest.raises(JournalError, match=r":6: not a line"):
        next(entries)


@given(place=st.integers(0, 10**6), bit=st.integers(0, 7))
def test_a_bit_that_has_turned_over_never_becomes_another_event(
    tmp_path_factory: pytest.TempPathFactory, place: int, bit: int
) -> None:
    path = tmp_path_factory.mktemp("journal") / "journal.jsonl"
    text = bytearray(written(path))
    place %= len(text)
    text[place] ^= 1 << bit
    path.write_bytes(text)
    found: list[str] = []
    with contextlib.suppress(JournalError):
        found += (repr(entry.event) for entry in read(path))
    assert found == ALL[: text[:place].count(b"\n")]


@pytest.mark.parametrize(
    "change",
    [
        lambda lines: [lines[0], *lines[2:]],
        lambda lines: [*lines[:2], *lines[1:]],
        lambda lines: [lines[0], lines[2], lines[1], *lines[3:]],
    ],
    ids=["is missing", "comes twice", "comes too late"],
)
def test_a_line_that_is_out_of_its_place_is_an_error(
    path: Path, change: Callable[[list[bytes]], list[bytes]]
) -> None:
    rewritten(path, change)
    with pytest.raises(JournalError, match=r"its checksum is wrong: it was changed, or a line"):
        list(read(path))


def test_a_line_without_a_checksum_after_one_with_it_is_an_error(path: Path) -> None:
    path.write_bytes(written(path) + OLD)
    with pytest.raises(JournalError, match=r":6: not a line of a journal \(its checksum is wrong"):
        list(read(path))


def test_a_journal_without_checksums_is_read_and_gets_them_from_then_on(path: Path) -> None:
    path.write_bytes(OLD)
    assert [type(entry.event) for entry in read(path)] == [Asked, Finished]
    assert written(path, EVENTS[:2]).startswith(OLD)
    assert shown(path)[2:] == ALL[:2]
    rewritten(path, lambda lines: [line.replace(b"nan", b"inf") for line in lines])
    with pytest.raises(JournalError, match=r":4: not a line of a journal \(its checksum is wrong"):
        list(read(path))


@pytest.mark.parametrize("behind", [[], [REPORT, REPORT]], ids=["at the end", "before reports"])
def test_nuls_in_the_place_of_what_a_crash_has_lost_are_a_cut_end(
    path: Path, behind: list[Event]
) -> None:
    """Power has failed: of what was not synced, file systems keep the length or some pages."""
    kept = written(path)
    tail = written(path, [REPORT, *behind])[len(kept) :]
    lost = tail.index(b"\n") - 20
    path.write_bytes(kept + bytes(lost) + tail[lost:] if behind else kept + bytes(4096))
    assert shown(path) == ALL
    written(path, [REPORT])
    assert shown(path) == [*ALL, repr(REPORT)]


def test_nuls_before_a_decision_are_an_error_and_nothing_is_removed(path: Path) -> None:
    """When it was written all before it was on the disk, so this was no crash."""
    rewritten(path, lambda lines: [lines[0], bytes(len(lines[1]) - 1) + b"\n", *lines[2:]])
    damaged = path.read_bytes()
    for use in (lambda: list(read(path)), lambda: Journal(path, clock())):
        with pytest.raises(
            JournalError, match=r":2: not a line of a journal \(a part of it is lo"
        ):
            use()
    assert path.read_bytes() == damaged


def test_half_a_character_does_not_make_a_line_unreadable(path: Path) -> None:
    """Names of files that are not UTF-8 have them, and tracebacks have the names."""
    written(path, [Failed(trial=1, reason="no file \udcff here")])
    assert [entry.event for entry in read(path)] == [Failed(trial=1, reason="no file ? here")]


def test_a_new_journal_is_on_the_disk_with_its_name(path: Path, synced: list[str]) -> None:
    written(path, [])
    assert synced == [path.name, path.parent.name]


def test_a_decision_is_on_the_disk_when_append_returns(path: Path, synced: list[str]) -> None:
    journal = Journal(path, clock())
    synced.clear()
    # After a checkpoint the one before it may be removed.
    saved = Reported(trial=1, epoch=5, metrics={"val_loss": 0.4}, checkpoint=True)
    for event, reached in [(EVENTS[0], 1), (REPORT, 1), (REPORT, 1), (EVENTS[2], 2), (saved, 3)]:
        journal.append(event)
        assert len(synced) == reached
    journal.close()


def test_reports_are_not_left_to_the_cache_without_end(path: Path, synced: list[str]) -> None:
    long = Reported(trial=1, epoch=1, metrics={"x" * 1000: 1.0})
    journal = Journal(path, clock())
    synced.clear()
    for _ in range(3 * UNSYNCED // 1000):
        journal.append(long)
    assert 1 < len(synced) < 5
    journal.close()


def test_what_was_not_on_the_disk_when_it_failed_is_written_again(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """A system that could not write its cache forgets what it was."""
    journal = Journal(path, clock())
    journal.append(EVENTS[0])
    journal.append(REPORT)

    def fail(file: int) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as full:
        full.setattr(os, "fdatasync", fail)
        with pytest.raises(
            RunFolderError, match=r"cannot be written: No space left on device; no"
        ):
            journal.append(EVENTS[2])
    assert shown(path) == ALL[:1]
    for event in EVENTS[2:]:
        journal.append(event)
    assert shown(path) == ALL
    journal.close()


def test_where_a_second_driver_has_written_the_first_writes_no_more(path: Path) -> None:
    """Whatever has become of the lock."""
    first = Journal(path, clock())
    first.append(EVENTS[0])
    second = Journal(path, clock())
    second.append(EVENTS[1])
    with pytest.raises(LockedError, match=r"is being written by another process too; this one l"):
        first.append(EVENTS[2])
    second.append(EVENTS[2])
    assert shown(path) == ALL[:3]


def test_a_journal_that_was_removed_takes_nothing_more(path: Path) -> None:
    """Else a driver would search all night into a file that nobody can open."""
    journal = Journal(path, clock())
    journal.append(EVENTS[0])
    path.unlink()
    with pytest.raises(JournalError, match="was removed while its driver was at work"):
        journal.append(EVENTS[1])


class Away:
    """Storage that goes away in a write: a part of it is left, and cannot be undone."""

    def __init__(self, patch: pytest.MonkeyPatch, left: int) -> None:
        self._patch, self._write, self._left = patch, os.write, left
        patch.setattr(os, "write", self.write)

    def write(self, file: int, data: bytes) -> int:
        self._write(file, data[: self._left])
        self._patch.setattr(os, "ftruncate", self.fail)
        return self.fail()

    def fail(self, *given: object) -> int:
        raise OSError(errno.EIO, "Input/output error")


@pytest.mark.parametrize("left", [0, 10, 10_000], ids=["nothing", "a part", "all of it"])
@pytest.mark.parametrize("before", [1, 2, 3], ids=["synced", "unsynced", "synced again"])
def test_what_a_failed_write_has_left_is_cut_off_even_if_that_fails_at_first(
    path: Path, monkeypatch: pytest.MonkeyPatch, left: int, before: int
) -> None:
    journal = Journal(path, clock())
    for event in EVENTS[:before]:
        journal.append(event)
    for _ in range(2):
        with monkeypatch.context() as patch:
            Away(patch, left)
            with pytest.raises(StorageError) as caught:
                journal.append(Failed(trial=9, reason="never recorded"))
        assert caught.value.why == f"{path} cannot be written (Input/output error)"
    for event in EVENTS[before:]:
        journal.append(event)
    assert shown(path) == ALL
    journal.close()


def test_a_journal_goes_on_where_its_storage_was_away_and_has_come_back(path: Path) -> None:
    journal = Journal(path, clock())
    for event in EVENTS[:2]:
        journal.append(event)
    os.close(journal._file)  # as good as a handle that is stale
    path.rename(path.with_name("away"))
    with pytest.raises(StorageError):
        journal.append(EVENTS[2])
    path.with_name("away").rename(path)
    journal._file = os.open("/dev/null", os.O_RDWR)
    for event in EVENTS[2:]:
        journal.append(event)
    assert shown(path) == ALL
    journal.close()


def test_what_another_driver_has_written_meanwhile_is_left_alone(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    first = Journal(path, clock())
    first.append(EVENTS[0])
    with monkeypatch.context() as patch:
        Away(patch, left=10)
        with pytest.raises(StorageError):
            first.append(EVENTS[1])
    second = Journal(path, clock())
    second.append(EVENTS[2])
    with pytest.raises(LockedError):
        first.append(EVENTS[1])
    assert shown(path) == [ALL[0], ALL[2]]


def test_a_journal_that_has_lost_lines_while_it_was_away_is_not_added_to(
    path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    journal = Journal(path, clock())
    journal.append(EVENTS[0])
    with monkeypatch.context() as patch:
        Away(patch, left=10)
        with pytest.raises(StorageError):
            journal.append(EVENTS[1])
    path.write_bytes(b"")
    with pytest.raises(JournalError, match="has lost lines that were on the disk"):
        journal.append(EVENTS[1])
    assert path.read_bytes() == b""


def test_a_missing_journal_is_an_error(path: Path) -> None:
    with pytest.raises(JournalError, match=r"cannot be read: No such file or directory$"):
        list(read(path))


def test_a_journal_needs_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "journal.jsonl"
    with pytest.raises(RunFolderError, match=r"cannot be written: No such file or directory$"):
        Journal(path, clock())


def test_a_journal_on_what_is_no_file_is_refused() -> None:
    with pytest.raises(RunFolderError, match=r"^/dev/full cannot be written: it is no file$"):
        Journal(Path("/dev/full"), clock())


FULL = """
    import resource, signal
    from pathlib import Path
    from nightsweep.search.errors import RunFolderError
    from nightsweep.search.events import Finished
    from nightsweep.search.journal import Journal

    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    path = Path({path!r})
    journal = Journal(path, lambda: 1.0)
    journal.append(Finished(trial=1, reason="before"))
    size = path.stat().st_size
    resource.setrlimit(resource.RLIMIT_FSIZE, (size + {room}, resource.RLIM_INFINITY))
    try:
        journal.append(Finished(trial=2, reason="too much"))
    except RunFolderError as error:
        print(error)
    assert path.stat().st_size == size, "a part of the line is left"
    resource.setrlimit(resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))
    journal.append(Finished(trial=3, reason="after"))
"""


@pytest.mark.parametrize(("room", "why"), [(0, "File too large"), (10, "the disk is full")])
def test_where_a_line_has_no_room_nothing_of_it_is_written(
    path: Path, room: int, why: str
) -> None:
    """A limit on the size of files (RLIMIT_FSIZE) cuts a write short as a full disk does."""
    assert resource.getrlimit(resource.RLIMIT_FSIZE)[1] == resource.RLIM_INFINITY
    script = textwrap.dedent(FULL).format(path=str(path), room=room)
    done = subprocess.run([sys.executable, "-c", script], capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout == (
        f"{path} cannot be written: {why}; nothing recorded is lost: make room, then nightsweep "
        f"resume {path.parent}\n"
    )
    assert [entry.event for entry in read(path)] == [
        Finished(trial=1, reason="before"),
        Finished(trial=3, reason="after"),
    ]
