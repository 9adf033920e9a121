import contextlib
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
