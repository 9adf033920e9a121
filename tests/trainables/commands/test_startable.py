"""Whether a command's program can be started, as far as that is to be seen before the night."""

from __future__ import annotations

import re
import sys
from pathlib import Path

import pytest

from nightsweep.search.errors import DataError
from nightsweep.search.ready import Command as Settings
from nightsweep.trainables.command import Command

PYTHON = sys.executable


@pytest.mark.parametrize(
    ("command", "message"),
    [
        ("no-such-program x", "there is no no-such-program in $PATH; is it installed here?"),
        ("python9 train.py", "there is no python9 in $PATH; write python"),
        ("A=1 python train.py", "A=1 is no program; write env A=1 before the program"),
        ("./gone.sh", "there is no program "),
        ("./text", "./text is not executable; write chmod +x ./text, or python ./text"),
        ("./folder", "./folder is a folder"),
        (f"{PYTHON} -u trian.py", "; did you mean train.py?"),
    ],
)
def test_what_cannot_be_started_is_seen_before_the_night(
    tmp_path: Path, command: str, message: str
) -> None:
    (tmp_path / "train.py").touch()
    (tmp_path / "text").touch()
    (tmp_path / "folder").mkdir()
    with pytest.raises(DataError, match=re.escape(message)):
        Command(Settings(run=command), tmp_path).check()


@pytest.mark.parametrize(
    "command",
    [
        f"{PYTHON} -m json.tool --lr {{lr}}",
        f"{PYTHON} -c 'print(1)' nothing.py",
        "sh -c 'python9 train.py'",
        f"{PYTHON} -u -W ignore {{script}}.py",
        "{python} train.py",
        "./run.sh --lr {lr}",
    ],
)
def test_what_may_well_be_started_is_not_refused(tmp_path: Path, command: str) -> None:
    (tmp_path / "run.sh").touch(0o755)
    Command(Settings(run=command), tmp_path).check()
