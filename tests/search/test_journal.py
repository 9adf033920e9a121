from __future__ import annotations

import json
import resource
import subprocess
import sys
import textwrap
from collections.abc import Callable
from itertools import count
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from nightsweep.search.errors import JournalError, RunFolderError
from nightsweep.search.events import Asked, Event, Failed, Finished, Reported
from nightsweep.search.journal import Entry, Journal, read

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


ALL = [repr(event) for event in EVENTS]


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
        (b"{oops\n", "Expecting property name"),
        (b"\x00\x00\x00\n", "Expecting value"),
        (b"\xff\xfe\n", "codec can't decode"),
        (b"[1, 2]\n", "list indices must be integers"),
        (b'{"event": "finished", "trial": 1, "reason": "x"}\n', "'time'"),
        (b'{"time": 1, "event": "exploded"}\n', "unknown event 'exploded'"),
        (b'{"time": 1, "event": "finished", "trial": 1}\n', "finished event is not whole"),
    ],
)
def test_a_line_that_is_none_is_an_error_with_its_number(
    path: Path, line: bytes, why: str
) -> None:
    lines = written(path).splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:2], line, *lines[2:]]))
    with pytest.raises(JournalError) as caught:
        list(read(path))
    message = str(caught.value)
    assert message.startswith(f"{path}:3: not a line of a journal (")
    assert message.endswith("); the lines before it are whole")
    assert why in message


def test_the_lines_before_a_wrong_one_can_be_read(path: Path) -> None:
    path.write_bytes(written(path) + b"oops\n")
    entries = read(path)
    assert [repr(next(entries).event) for _ in EVENTS] == ALL
    with pytest.raises(JournalError, match=r":6: not a line"):
        next(entries)


def test_a_missing_journal_is_an_error(path: Path) -> None:
    with pytest.raises(JournalError, match=r"cannot be read: No such file or directory$"):
        list(read(path))


def test_a_journal_needs_its_folder(tmp_path: Path) -> None:
    path = tmp_path / "gone" / "journal.jsonl"
    with pytest.raises(RunFolderError, match=r"cannot be written: No such file or directory$"):
        Journal(path, clock())


def test_a_journal_on_what_is_no_file_is_refused() -> None:
    with pytest.raises(RunFolderError, match=r"^/dev/full cannot be written: "):
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
