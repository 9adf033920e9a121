import contextlib
import os
import sys
from pathlib import Path

import pytest

from nightsweep.trainables.log import Log


def test_what_is_printed_is_in_the_file_after_each_line(tmp_path: Path) -> None:
    with Log(tmp_path / "log.txt") as log, contextlib.redirect_stdout(log):
        print("epoch", 1, "\udcff")
        assert (tmp_path / "log.txt").read_text() == "epoch 1 \\udcff\n"
        sys.stdout.writelines(["a", "b\n"])
    with Log(tmp_path / "log.txt") as log:
        assert log.write("more\n") == 5
    assert (tmp_path / "log.txt").read_text() == "epoch 1 \\udcff\nab\nmore\n"


def test_secrets_of_the_environment_are_not_in_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("WANDB_API_KEY", "0815-4711-0815")
    with Log(tmp_path / "log.txt") as log:
        print("with", "0815-4711-0815", file=log)
        log.writelines(["or 0815-4711-0815\n"])
    assert (tmp_path / "log.txt").read_text() == "with ***\nor ***\n"


def test_a_log_that_is_a_link_is_not_followed(tmp_path: Path) -> None:
    (tmp_path / "profile").write_text("mine\n")
    (tmp_path / "log.txt").symlink_to(tmp_path / "profile")
    with pytest.raises(OSError, match="symbolic link"):
        Log(tmp_path / "log.txt")
    assert (tmp_path / "profile").read_text() == "mine\n"


def test_to_print_on_a_full_disk_is_no_error() -> None:
    log = Log(Path("/dev/full"))  # Linux answers as a full disk does
    with contextlib.redirect_stdout(log):
        for number in range(100):
            print("line", number)
        print("no end of line", end="", flush=True)
    log.close()


def test_where_lines_are_missing_that_is_noted_once(tmp_path: Path) -> None:
    path = tmp_path / "log.txt"
    with Log(path) as log:
        print("before", file=log)
        full = os.open("/dev/full", os.O_WRONLY)
        there = os.dup(log.fileno())
        os.dup2(full, log.fileno())
        for number in range(100):
            print("lost", number, file=log)
        os.dup2(there, log.fileno())
        print("after", file=log)
        print("and on", file=log)
    for file in (full, there):
        os.close(file)
    assert path.read_text() == (
        "before\n\nnightsweep: lines are missing here (No space left on device)\nafter\nand on\n"
    )
