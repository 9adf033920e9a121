"""A log is read to its end, and on while its writer lives."""

from __future__ import annotations

from pathlib import Path

from nightsweep.cluster.jobs.tail import tail


def test_a_log_is_read_once_if_nobody_writes_it(tmp_path: Path) -> None:
    log = tmp_path / "log"
    log.write_bytes(b"one\r\ntwo\nthree, not ended")
    assert list(tail(log, alive=lambda: False)) == ["one", "two", "three, not ended"]


def test_a_log_that_is_not_there_has_no_lines(tmp_path: Path) -> None:
    assert list(tail(tmp_path / "log", alive=lambda: False)) == []


def test_lines_that_come_later_are_told_whole_and_once(tmp_path: Path) -> None:
    log = tmp_path / "log"
    writes = iter([b"", b"fir", b"st\nsec", b"ond\n"])
    alive = True

    def sleep(seconds: float) -> None:
        nonlocal alive
        piece = next(writes, None)
        if piece is None:
            alive = False
        else:
            with log.open("ab") as file:
                file.write(piece)

    assert list(tail(log, alive=lambda: alive, sleep=sleep)) == ["first", "second"]


def test_what_was_written_just_before_the_end_is_told(tmp_path: Path) -> None:
    log = tmp_path / "log"

    def alive() -> bool:
        log.write_text("last words\n")
        return False

    assert list(tail(log, alive=alive)) == ["last words"]
