"""Lines of a program's output, and the reports among them."""

from __future__ import annotations

import pytest

from nightsweep.trainables.commands.lines import LONGEST, Lines, Reports


def test_lines_are_whole_however_the_bytes_come() -> None:
    data = "one\ntwo \N{SNOWMAN}\r\n10%\r50%\rdone\n\nlast".encode()
    for size in (1, 3, 100):
        lines = Lines()
        found = [
            line for at in range(0, len(data), size) for line in lines.feed(data[at : at + size])
        ]
        assert found + lines.end() == ["one", "two \N{SNOWMAN}", "done", "", "last"]
        assert lines.end() == []


def test_a_line_without_end_takes_no_memory() -> None:
    lines = Lines()
    for _ in range(100):
        assert lines.feed(b"x" * LONGEST) == []
    [line] = lines.feed(b"\n")
    assert len(line) < LONGEST + 100
    assert line.endswith("left out)")
    assert lines.feed(b"next\n") == ["next"]


def test_a_progress_bar_without_end_leaves_its_last_state() -> None:
    lines = Lines()
    for percent in range(3 * LONGEST // 1000):
        lines.feed(b"\r" + f"{percent}%".encode().ljust(1000))
    [line] = lines.feed(b"\rdone\n")
    assert line == "done"


@pytest.mark.parametrize(
    ("line", "values"),
    [
        ('{"loss": 1, "x": 2}', {"loss": 1, "x": 2}),
        ('  {"loss": 1}  ', {"loss": 1}),
        ('{"x": 2}', None),
        ('["loss"]', None),
        ("{'loss': 1}", None),
        ('INFO {"loss": 1}', None),
        ('{"loss": ' * 9000, None),
        ("", None),
    ],
)
def test_a_report_is_an_object_with_a_metric_of_the_sweep(line: str, values: object) -> None:
    assert Reports(["loss"]).read(line) == values


def test_what_looked_like_a_report_is_remembered() -> None:
    reports = Reports(["loss"])
    for line in ("{'loss': 1}", "{broken", '{"a": 1}', '{"b": 1, "a": 2}'):
        reports.read(line)
    assert (reports.broken, list(reports.names)) == ("{'loss': 1}", ["a", "b"])
