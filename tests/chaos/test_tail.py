"""What is seen at the end of a journal while it grows."""

from __future__ import annotations

from pathlib import Path

from .tail import Tail

LINES = [
    '{"event":"asked","trial":3}\n',
    '{"event":"started","trial":3,"pid":77}\n',
    '{"event":"reported","trial":3,"epoch":1}\n',
]


def test_only_whole_lines_count(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    tail = Tail(journal)
    assert tail.look().reports == 0
    journal.write_text("".join(LINES) + LINES[2][:10])
    assert (tail.look().reports, tail.trial, tail.worker) == (1, 3, 77)
    journal.write_text("".join(LINES) + LINES[2])
    assert tail.look().reports == 2


def test_a_journal_that_was_cut_is_read_anew(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    tail = Tail(journal)
    journal.write_text("".join(LINES) + LINES[2] * 3)
    assert tail.look().reports == 4
    assert tail.furthest == {3: 1}
    journal.write_text("".join(LINES))
    assert tail.look().reports == 1


def test_a_sweep_that_is_done_is_known_until_it_is_opened_again(tmp_path: Path) -> None:
    journal = tmp_path / "journal.jsonl"
    tail = Tail(journal)
    journal.write_text('{"event":"closed","done":true}\n')
    assert tail.look().done
    journal.write_text('{"event":"closed","done":true}\n{"event":"opened","pid":1}\n')
    assert not tail.look().done
